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

// Reader reads every branch and tag of a repository, without a checkout. It writes nothing.
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

// Heads asks for the object that each branch and each tag names. A repository without a branch is an error. The error is an *Error, or an
// *overlay.Refusal.
func (r *Reader) Heads(ctx context.Context) (map[Ref]string, error) {
	_, _, found, err := r.list(ctx, "the repository cannot be read")
	if err != nil {
		return nil, err
	}
	return asText(found), nil
}

// asText writes hashes in hex.
func asText(hashes map[Ref]plumbing.Hash) map[Ref]string {
	texts := map[Ref]string{}
	for ref, hash := range hashes {
		texts[ref] = hash.String()
	}
	return texts
}

// list begins a session, and returns what each branch and tag names. problem is what is wrong if it cannot.
func (r *Reader) list(ctx context.Context, problem string) (transport.UploadPackSession, *packp.AdvRefs, map[Ref]plumbing.Hash, error) {
	session, err := r.remote.reader()
	if err != nil {
		return nil, nil, nil, r.remote.explain(problem, err)
	}
	refs, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return nil, nil, nil, r.remote.explain(problem, err)
	}
	if len(branchesOf(refs)) == 0 {
		return nil, nil, nil, errNoBranch
	}
	return session, refs, refsOf(refs), nil
}

// Depths of history that are asked for, in commits. The next is deeperBy as deep; deepest is all that a repository has.
const (
	firstDepth = 50
	deeperBy   = 8
	deepest    = 1 << 30
)

// Read fetches the branches and tags of which want is true, as they are, and as each was at any time since a time. The error is as that of
// Heads; where that is more than is read, nothing is.
func (r *Reader) Read(ctx context.Context, since time.Time, want func(Ref) bool) (*Snapshot, error) {
	for depth := firstDepth; ; depth = min(depth*deeperBy, deepest) {
		s, err := r.fetch(ctx, depth, want)
		if err != nil {
			return nil, err
		}
		s.since = since
		_, whole, err := s.walk(ctx, s.Refs())
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

// fetch fetches the wanted branches and tags with so much of their history.
func (r *Reader) fetch(ctx context.Context, depth int, want func(Ref) bool) (*Snapshot, error) {
	session, refs, heads, err := r.list(ctx, "the repository cannot be fetched")
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(heads, func(ref Ref, _ plumbing.Hash) bool { return !want(ref) })
	if len(heads) == 0 {
		return nil, errNoBranch
	}
	wants := slices.Collect(maps.Values(heads))
	slices.SortFunc(wants, func(a, b plumbing.Hash) int { return slices.Compare(a[:], b[:]) })
	request, err := requestOf(refs.Capabilities, slices.Compact(wants), depth, maxObject+1)
	if err != nil {
		return nil, r.remote.explain("the repository cannot be fetched", err)
	}
	p, err := download(ctx, session, request)
	if err != nil {
		return nil, r.remote.explain(fmt.Sprintf("its %d branches and tags cannot be fetched", len(heads)), err)
	}
	s := newSnapshot(p, heads)
	for ref, hash := range heads {
		if s.targets[ref], err = p.peel(hash); err != nil {
			s.Close()
			return nil, damagedError(fmt.Sprintf("%s cannot be read", ref), err)
		}
	}
	return s, nil
}
