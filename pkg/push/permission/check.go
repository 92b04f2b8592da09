package permission

import (
	"context"
	"time"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/push/credential"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/registry"
	"github.com/comptech-lab/quay-push/pkg/push/registry/retry"
)

// Refusal is why a push could not begin, as the push would say it.
type Refusal struct {
	Failure *failure.Error
	// Passing reports whether asking again may help, After how long the registry asks to wait before that; 0 if it does not say.
	Passing bool
	After   time.Duration
}

// Error is the failure's.
func (r *Refusal) Error() string { return r.Failure.Error() }

// Check asks the registry once whether a push to the repository could begin now with what the entry of a dockerconfig holds: its credential
// is good, the robot may push, and the registry takes pushes. Nothing comes of it: no repository is created, no blob, no tag. caFile has
// authorities to trust beside the system's; empty: none. The error is a *Refusal, which holds nothing of the credential.
func Check(ctx context.Context, to registry.Target, entry dockerconfig.Match, caFile string) error {
	r, err := registry.New(registry.Config{Host: to.Host, Repository: to.Repository, Role: failure.TargetRole, CAFile: caFile,
		Credential: credential.Entry{Match: entry}, Now: time.Now})
	if err != nil {
		return &Refusal{Failure: failure.Of(err)}
	}
	defer r.Close()
	d := &failure.Destination{Peer: &r.Peer, Repository: to.Repository, Robot: entry.Credential.Username, Key: entry.Key}
	_, err = Ask(ctx, r, d, true)
	if err == nil {
		err = r.Probe(ctx)
	}
	if err == nil {
		return nil
	}
	return &Refusal{Failure: failure.Of(d.Explain(ctx, err)), Passing: ctx.Err() != nil || retry.Passing(err), After: retry.After(err)}
}
