package gitops

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/comptech-lab/quay-push/pkg/steplog"
)

// Reading says which repository is read, and as whom. The fields are those of Options.
type Reading struct {
	Repository, Credential, CAFile string
	PlainHTTP                      bool
}

// Reader reads every branch of a repository, without a checkout. It writes nothing.
type Reader struct {
	remote      remote
	connections *http.Transport
}

// NewReader returns a reader. Nothing is asked yet; the error is an *Error.
func NewReader(r Reading) (*Reader, error) {
	var c change
	opts := Options{Repository: r.Repository, CAFile: r.CAFile, PlainHTTP: r.PlainHTTP}
	if err := opts.checkRepository(&c); err != nil {
		return nil, err
	}
	if err := opts.readAuthorities(&c); err != nil {
		return nil, err
	}
	who, err := readCredential(r.Credential)
	if err != nil {
		return nil, err
	}
	client, connections := newClient(c.origin, c.authorities)
	return &Reader{remote{url: opts.Repository, credential: who, client: client, log: steplog.New(nil, "text")}, connections}, nil
}

// Close releases the reader's connections.
func (r *Reader) Close() { r.connections.CloseIdleConnections() }

// URL is the repository's.
func (r *Reader) URL() string { return r.remote.url }

// What no reader can go on with.
var (
	errNoBranch = &Error{Problem: "the repository has no branch", Next: "see whether it is the GitOps repository"}
	errNotWhole = &Error{Problem: "the history is not whole", Proof: "a parent of a commit did not come",
		Next: "see whether the Git server has the whole repository, and no shallow clone of it"}
)

// Heads asks for the commit of each branch. A repository without a branch is an error. The error is an *Error, or an *overlay.Refusal.
func (r *Reader) Heads(ctx context.Context) (map[string]string, error) {
	_, _, found, err := r.list(ctx, "the repository cannot be read")
	if err != nil {
		return nil, err
	}
	heads := map[string]string{}
	for name, hash := range found {
		heads[name] = hash.String()
	}
	return heads, nil
}

// list begins a session, and returns the commit of each branch. problem is what is wrong if it cannot.
func (r *Reader) list(ctx context.Context, problem string) (transport.UploadPackSession, *packp.AdvRefs, map[string]plumbing.Hash, error) {
	session, err := r.remote.reader()
	if err != nil {
		return nil, nil, nil, r.remote.explain(problem, err)
	}
	refs, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return nil, nil, nil, r.remote.explain(problem, err)
	}
	heads := map[string]plumbing.Hash{}
	for _, name := range branchesOf(refs) {
		heads[name] = refs.References[nameOf(name)]
	}
	if len(heads) == 0 {
		return nil, nil, nil, errNoBranch
	}
	return session, refs, heads, nil
}

// Depths of history that are asked for, in commits. The next is deeperBy as deep; deepest is all that a repository has.
const (
	firstDepth = 50
	deeperBy   = 8
	deepest    = 1 << 30
)

// Read fetches every branch as it is, and as it was at any time since a time. The error is as that of Heads; where the repository is larger
// than what is read, nothing is.
func (r *Reader) Read(ctx context.Context, since time.Time) (*Snapshot, error) {
	for depth := firstDepth; ; depth = min(depth*deeperBy, deepest) {
		s, err := r.fetch(ctx, depth)
		if err != nil {
			return nil, err
		}
		whole, err := s.walk(ctx, since)
		if err == nil && whole {
			return s, nil
		}
		s.Close()
		if err != nil {
			return nil, damagedError("the history cannot be read", err)
		}
		if depth == deepest {
			return nil, errNotWhole
		}
	}
}

// fetch fetches every branch with so much of its history.
func (r *Reader) fetch(ctx context.Context, depth int) (*Snapshot, error) {
	session, refs, heads, err := r.list(ctx, "the repository cannot be fetched")
	if err != nil {
		return nil, err
	}
	wants := slices.Collect(maps.Values(heads))
	slices.SortFunc(wants, func(a, b plumbing.Hash) int { return slices.Compare(a[:], b[:]) })
	request, err := requestOf(refs.Capabilities, slices.Compact(wants), depth, maxObject+1)
	if err != nil {
		return nil, r.remote.explain("the repository cannot be fetched", err)
	}
	p, err := download(ctx, session, request)
	if err != nil {
		return nil, r.remote.explain(fmt.Sprintf("its %d branches cannot be fetched", len(heads)), err)
	}
	return &Snapshot{pack: p, heads: heads, seen: map[plumbing.Hash]bool{}}, nil
}
