package gitops

import (
	"context"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// push sends a commit as the new head of a branch, never by force: both branches must be where h has them.
func (r remote) push(ctx context.Context, c *commit, target, branch string, h heads, options map[string]string) error {
	endpoint, err := transport.NewEndpoint(r.url)
	if err != nil {
		return err
	}
	session, err := r.client.NewReceivePackSession(endpoint, r.credential.auth())
	if err != nil {
		return err
	}
	refs, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return err
	}
	if now := headsOf(refs, target, branch); now != h {
		return fmt.Errorf("branch %q was at %s and is at %s, branch %q was at %s and is at %s", target, h.target, now.target, branch, h.branch, now.branch)
	}
	request := packp.NewReferenceUpdateRequestFromCapabilities(refs.Capabilities)
	request.Commands = []*packp.Command{{Name: plumbing.NewBranchReferenceName(branch), Old: h.branch, New: c.hash}}
	if len(options) > 0 && refs.Capabilities.Supports(capability.PushOptions) {
		if err := request.Capabilities.Set(capability.PushOptions); err != nil {
			return err
		}
		for key, value := range options {
			request.Options = append(request.Options, &packp.Option{Key: key, Value: value})
		}
	}
	packed, err := c.pack()
	if err != nil {
		return err
	}
	request.Packfile = io.NopCloser(packed)
	report, err := session.ReceivePack(ctx, request)
	if err != nil {
		return err
	}
	if report == nil {
		return nil // A server that cannot report; the status was 200.
	}
	return report.Error()
}
