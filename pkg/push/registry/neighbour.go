package registry

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/comptech-lab/quay-push/pkg/secret"
)

// Neighbour is another repository of the registry, to mount blobs from. Whether the robot may is the registry's to say.
type Neighbour struct {
	registry   *Registry
	repository string
	// tokens are those of the push, which are enough for a public repository, or others that also say that the robot reads there.
	tokens *tokens
}

// Neighbour returns the repository at that path of the registry, and asks nothing yet.
func (r *Registry) Neighbour(repository string) *Neighbour {
	return &Neighbour{registry: r, repository: repository, tokens: r.tokens}
}

// Read buys a token that also says that the robot reads the neighbour, and reports whether it does.
func (n *Neighbour) Read(ctx context.Context) (bool, error) {
	r := n.registry
	both := &tokens{now: r.now, exchange: func(ctx context.Context) (token, error) {
		return r.exchange(ctx, r.challenge(), ScopePush, n.repository)
	}}
	t, err := both.get(ctx, secret.Value{})
	if err != nil {
		return false, err
	}
	if actions := t.actions(n.repository); t.known && !slices.Contains(actions, "pull") && !slices.Contains(actions, "*") {
		return false, nil
	}
	n.tokens = both
	return true, nil
}

// Mount asks the registry to take d from the neighbour, and reports whether it did. Quay says no by starting an upload, which ends by
// itself (quay/quay endpoints/v2/blob.py, _try_to_mount_blob). What other registries refuse is no error either: who asks can send d.
func (n *Neighbour) Mount(ctx context.Context, d v1.Descriptor) (bool, error) {
	t, err := n.tokens.get(ctx, secret.Value{})
	if err != nil {
		return false, err
	}
	query := url.Values{"mount": {d.Digest.String()}, "from": {n.repository}}
	a, err := n.registry.roundTrip(ctx, call{method: http.MethodPost, url: n.registry.URL("blobs/uploads/", query)}, t.header)
	if err != nil || !a.ok(http.StatusCreated) {
		return false, err
	}
	return true, stored(a, d)
}
