package gitops

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/storage/memory"
)

// remote is the GitOps repository on its server.
type remote struct {
	url        string
	credential credential
	caBundle   []byte
}

// heads are the commits of the two branches; branch is zero where it does not exist.
type heads struct{ target, branch plumbing.Hash }

// look asks for the heads of two branches.
func (r remote) look(ctx context.Context, target, branch string) (heads, error) {
	refs, err := r.open(memory.NewStorage()).ListContext(ctx, &git.ListOptions{Auth: r.credential.auth(), CABundle: r.caBundle})
	if err != nil {
		return heads{}, r.explain("the repository cannot be read", err)
	}
	var found heads
	for _, ref := range refs {
		switch ref.Name() {
		case plumbing.NewBranchReferenceName(target):
			found.target = ref.Hash()
		case plumbing.NewBranchReferenceName(branch):
			found.branch = ref.Hash()
		}
	}
	if found.target.IsZero() {
		return heads{}, &Error{Problem: fmt.Sprintf("the repository has no branch %q", target), Next: "give --target-branch"}
	}
	return found, nil
}

// clone is a copy in memory of the heads' commits, without their history.
type clone struct {
	remote  remote
	storage *memory.Storage
}

// fetch copies the heads' commits of two branches, the second one only if h has it. It returns the heads that came: a branch
// may have moved since h was seen.
func (r remote) fetch(ctx context.Context, target, branch string, h heads) (clone, heads, error) {
	c := clone{r, memory.NewStorage()}
	options := git.FetchOptions{Auth: r.credential.auth(), CABundle: r.caBundle, Depth: 1, Tags: git.NoTags,
		RefSpecs: []config.RefSpec{fetchSpec(target)}}
	if !h.branch.IsZero() {
		options.RefSpecs = append(options.RefSpecs, fetchSpec(branch))
	}
	if err := r.open(c.storage).FetchContext(ctx, &options); err != nil {
		return clone{}, heads{}, r.explain("the repository cannot be fetched", err)
	}
	came, err := c.storage.Reference(plumbing.NewBranchReferenceName(target))
	if err == nil {
		h.target = came.Hash()
	}
	if err == nil && !h.branch.IsZero() {
		if came, err = c.storage.Reference(plumbing.NewBranchReferenceName(branch)); err == nil {
			h.branch = came.Hash()
		}
	}
	if err != nil {
		return clone{}, heads{}, fmt.Errorf("fetching %q: %w", r.url, err)
	}
	return c, h, nil
}

func fetchSpec(branch string) config.RefSpec {
	return config.RefSpec("+refs/heads/" + branch + ":refs/heads/" + branch)
}

// commit is a commit of the clone.
func (c clone) commit(hash plumbing.Hash) (*object.Commit, tree, error) {
	commit, err := object.GetCommit(c.storage, hash)
	if err != nil {
		return nil, tree{}, fmt.Errorf("reading commit %q: %w", hash, err)
	}
	root, err := commit.Tree()
	if err != nil {
		return nil, tree{}, fmt.Errorf("reading the tree of commit %q: %w", hash, err)
	}
	return commit, tree{root}, nil
}

// open makes the remote usable with a storage.
func (r remote) open(s *memory.Storage) *git.Remote {
	return git.NewRemote(s, &config.RemoteConfig{Name: git.DefaultRemoteName, URLs: []string{r.url}})
}

// explain makes an error that a person can use, and that does not hold the credential.
func (r remote) explain(problem string, err error) error {
	next := "see whether the server is there, and run it again"
	switch {
	case errors.Is(err, transport.ErrAuthenticationRequired):
		next = "see whether the token in the Secret is the Git server's, and has not expired"
	case errors.Is(err, transport.ErrAuthorizationFailed):
		next = "the token needs the right to push to the repository (GitLab: write_repository, role Developer)"
	case errors.Is(err, transport.ErrRepositoryNotFound):
		next = "see whether --repository is right; Git servers say so also where the credential may see nothing"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		next = "run it again: what is there is not pushed twice"
	}
	const most = 500
	proof := r.credential.redact(err.Error())
	return &Error{Problem: problem, Proof: proof[:min(len(proof), most)], Next: next, Err: err}
}
