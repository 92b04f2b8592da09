package gitops

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/comptech-lab/quay-push/pkg/overlay"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// remote is the GitOps repository on its server.
type remote struct {
	url        string
	credential credential
	client     transport.Transport
	log        *slog.Logger
}

// reader is a session to read from the server. It needs no end.
func (r remote) reader() (transport.UploadPackSession, error) {
	endpoint, err := transport.NewEndpoint(r.url)
	if err != nil {
		return nil, err
	}
	return r.client.NewUploadPackSession(endpoint, r.credential.auth())
}

// look asks for the heads of two branches.
func (r remote) look(ctx context.Context, target, branch string) (heads, error) {
	session, err := r.reader()
	if err != nil {
		return heads{}, r.explain("the repository cannot be read", err)
	}
	refs, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return heads{}, r.explain("the repository cannot be read", err)
	}
	found := headsOf(refs, target, branch)
	if found.target.IsZero() {
		const most = 5
		has := branchesOf(refs)
		return heads{}, &Error{Problem: fmt.Sprintf("the repository has no branch %q", target),
			Proof: r.said(fmt.Sprintf("of its %d branches the first are %q", len(has), has[:min(len(has), most)])), Next: "let --target-branch be a branch that it has"}
	}
	return found, nil
}

// fetch copies the heads' commits of two branches to the scratch disk, without their history. It returns the heads that came:
// a branch may have moved since h was seen. The second branch comes only if h has it.
func (r remote) fetch(ctx context.Context, target, branch string, h heads) (*pack, heads, error) {
	session, err := r.reader()
	if err != nil {
		return nil, heads{}, r.explain("the repository cannot be fetched", err)
	}
	refs, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return nil, heads{}, r.explain("the repository cannot be fetched", err)
	}
	came := headsOf(refs, target, branch)
	if h.branch.IsZero() {
		came.branch = plumbing.ZeroHash
	}
	if came.target.IsZero() || !h.branch.IsZero() && came.branch.IsZero() {
		return nil, heads{}, &Error{Problem: "a branch went away meanwhile", Next: "run it again"}
	}
	request, err := came.request(refs.Capabilities)
	if err != nil {
		return nil, heads{}, r.explain("the repository cannot be fetched", err)
	}
	p, err := download(ctx, session, request)
	if err != nil {
		return nil, heads{}, r.explain("the repository cannot be fetched", err)
	}
	return p, came, nil
}

// download has a request answered, onto the scratch disk.
func download(ctx context.Context, session transport.UploadPackSession, request *packp.UploadPackRequest) (*pack, error) {
	response, err := session.UploadPack(ctx, request)
	if err != nil {
		return nil, err
	}
	defer response.Close()
	return receivePack(ctx, demultiplex(request.Capabilities, response))
}

// request asks for the heads' commits without their history, and without files that are too large if the server can do that.
func (h heads) request(can *capability.List) (*packp.UploadPackRequest, error) {
	wants := []plumbing.Hash{h.target}
	if !h.branch.IsZero() && h.branch != h.target {
		wants = append(wants, h.branch)
	}
	return requestOf(can, wants, 1, maxFile)
}

// requestOf asks for commits with so much of their history, and for files of less than limit bytes, see request.
func requestOf(can *capability.List, wants []plumbing.Hash, depth int, limit uint64) (*packp.UploadPackRequest, error) {
	request := packp.NewUploadPackRequestFromCapabilities(can)
	request.Wants = wants
	request.Depth = packp.DepthCommits(depth)
	want := []capability.Capability{capability.Shallow}
	if can.Supports(capability.NoProgress) {
		want = append(want, capability.NoProgress)
	}
	if can.Supports(capability.Filter) {
		want = append(want, capability.Filter)
		request.Filter = packp.FilterBlobLimit(limit, packp.BlobLimitPrefixNone)
	}
	for _, c := range want {
		if err := request.Capabilities.Set(c); err != nil {
			return nil, err
		}
	}
	return request, nil
}

// demultiplex is the pack in an answer, without what the server says beside it.
func demultiplex(asked *capability.List, answer io.Reader) io.Reader {
	switch {
	case asked.Supports(capability.Sideband64k):
		return sideband.NewDemuxer(sideband.Sideband64k, answer)
	case asked.Supports(capability.Sideband):
		return sideband.NewDemuxer(sideband.Sideband, answer)
	}
	return answer
}

// explain makes an error that a person can use, and that does not hold the credential. What has a reason or a next step of
// its own keeps it.
func (r remote) explain(problem string, err error) error {
	own, refusal := (*Error)(nil), (*overlay.Refusal)(nil)
	if unexpected := (*plumbing.UnexpectedError)(nil); errors.As(err, &unexpected) {
		err = unexpected.Err // It hides what it wraps.
	}
	if errors.As(err, &refusal) {
		return refusal
	}
	if errors.As(err, &own) {
		return own
	}
	proof, answer := err.Error(), (*githttp.Err)(nil)
	if errors.As(err, &answer) && answer.Reason != "" {
		proof += ": " + answer.Reason
	}
	if markup.MatchString(proof) {
		proof = shown.Page(proof)
	}
	if errors.As(err, new(*pktline.ErrorLine)) {
		proof = "the server says: " + proof
	}
	if isSHA256(err) {
		proof = "the server says object-format=sha256, and SHA-256 object names are not supported"
	}
	return &Error{Problem: problem, Proof: r.said(proof), Next: r.nextOf(err), Err: err}
}

// said is what the server said, fit to be shown: it may send back what it was sent.
func (r remote) said(text string) string {
	if !r.credential.nobody() {
		text = strings.ReplaceAll(r.credential.password.Basic(r.credential.username).Redact(text), secret.Mark, "…")
	}
	return clean(text)
}
