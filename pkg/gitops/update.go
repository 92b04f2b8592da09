// Package gitops proposes a digest to a GitOps repository: it edits the dev overlay of one app, and pushes that as a branch
// of its own, ci/dev/<short sha>. It writes no other branch, and no other field. docs/overlay.md has the contract.
package gitops

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/comptech-lab/quay-push/pkg/overlay"
	"github.com/comptech-lab/quay-push/pkg/results"
)

// Result says where the digest is.
type Result struct {
	// Branch has the digest: the one that was pushed, or the target branch if that has it already.
	Branch string
	// Commit is the head of Branch that was seen or pushed.
	Commit string
	// Changed reports whether this run pushed Commit.
	Changed bool
}

// resultNames are the result files.
var resultNames = []string{"branch", "commit", "changed", failureResult}

func (r Result) values() map[string]string {
	return map[string]string{"branch": r.Branch, "commit": r.Commit, "changed": strconv.FormatBool(r.Changed)}
}

// updater is one update.
type updater struct {
	opts   Options
	change change
	remote remote
	log    *slog.Logger
	warned []string
}

// Update sees to it that a branch of the repository has the digest in the app's dev overlay. Where it is there already, on
// the target branch or on its own, nothing is pushed. The error is an *Error, or wraps an *overlay.Refusal; with it no
// result file is left but what WriteFailure writes. Running Update again is safe.
func Update(ctx context.Context, opts Options) (Result, error) {
	c, err := opts.complete()
	if err != nil {
		return Result{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, opts.Timeout)
	defer cancel()
	u := &updater{opts: opts, change: c, log: opts.Logger()}
	if u.remote.credential, err = readCredential(opts.Credential); err != nil {
		return Result{}, err
	}
	client, connections := newClient(c.origin, c.authorities)
	defer connections.CloseIdleConnections()
	u.remote.url, u.remote.client, u.remote.log = opts.Repository, client, u.log
	files := results.Dir(opts.ResultsDir)
	if err := files.Prepare(resultNames...); err != nil {
		return Result{}, usageError("let --results-dir be a directory that can be written", "--results-dir: %v", err)
	}
	result, err := u.update(ctx)
	if err != nil {
		return Result{}, err
	}
	if err := u.writeEvidence(result); err != nil {
		return Result{}, err
	}
	if err := files.Write(result.values()); err != nil {
		return Result{}, &Error{Problem: "the results cannot be written", Proof: err.Error(), Next: "see whether --results-dir has room and can be written", Err: err}
	}
	return result, nil
}

// update proposes the change, and once more if a branch moved meanwhile.
func (u *updater) update(ctx context.Context) (Result, error) {
	before, err := u.remote.look(ctx, u.opts.TargetBranch, u.change.branch)
	if err != nil {
		return Result{}, err
	}
	result, pushErr, err := u.propose(ctx, before)
	if pushErr == nil {
		return result, err
	}
	now, err := u.remote.look(ctx, u.opts.TargetBranch, u.change.branch)
	if err != nil {
		return Result{}, err
	}
	if now == before {
		return Result{}, u.remote.explain(fmt.Sprintf("the server does not take branch %q", u.change.branch), pushErr)
	}
	u.log.Info("a branch moved, starting again from there", "target", now.target.String(), "branch", now.branch.String())
	result, pushErr, err = u.propose(ctx, now)
	if pushErr != nil {
		err = u.remote.explain(fmt.Sprintf("branch %q or %q moved twice, or the server does not take it", u.change.branch, u.opts.TargetBranch), pushErr)
	}
	return result, err
}

// propose makes and pushes the commit, on top of the heads that were seen. pushErr is what the push said.
func (u *updater) propose(ctx context.Context, h heads) (result Result, pushErr, err error) {
	p, h, err := u.remote.fetch(ctx, u.opts.TargetBranch, u.change.branch, h)
	if err != nil {
		return Result{}, nil, err
	}
	defer p.close()
	onto, err := u.look(p, u.opts.TargetBranch, h.target)
	if err == nil && onto.edit.Changed() && !h.branch.IsZero() {
		// The same source commit built another app too, or was built again: its branch gets one commit more.
		onto, err = u.look(p, u.change.branch, h.branch)
	}
	if err != nil {
		return Result{}, nil, err
	}
	if !onto.edit.Changed() {
		u.log.Info("the digest is there", "branch", onto.branch, "commit", onto.head.String())
		return Result{Branch: onto.branch, Commit: onto.head.String()}, nil, nil
	}
	if h.obstacle != "" {
		return Result{}, nil, &Error{Problem: fmt.Sprintf("branch %q is in the way of %q", h.obstacle, u.change.branch),
			Next: fmt.Sprintf("delete or rename branch %q: Git cannot have both", h.obstacle)}
	}
	who := object.Signature{Name: u.change.author.name, Email: u.change.author.address, When: u.opts.Now().UTC()}
	commit, err := onto.tree.commitEdit(onto.head, onto.edit.Path, onto.edit.After, u.change.message(), who)
	if err != nil {
		return Result{}, nil, damagedError(fmt.Sprintf("%q cannot be committed", onto.edit.Path), err)
	}
	if err := u.remote.push(ctx, commit, u.opts.TargetBranch, u.change.branch, h, u.pushOptions()); err != nil {
		return Result{}, err, nil
	}
	u.log.Info("pushed", "branch", u.change.branch, "commit", commit.hash.String(), "path", onto.edit.Path, "digest", u.change.pin.Digest)
	return Result{u.change.branch, commit.hash.String(), true}, nil, nil
}

// proposal is the edit as it would be on a branch.
type proposal struct {
	branch string
	head   plumbing.Hash
	tree   tree
	edit   overlay.Edit
}

// look makes the edit on a branch that was fetched.
func (u *updater) look(p *pack, branch string, head plumbing.Hash) (proposal, error) {
	t, err := p.tree(head)
	if err != nil {
		return proposal{}, damagedError(fmt.Sprintf("commit %q of branch %q cannot be read", head, branch), err)
	}
	edit, err := overlay.Set(warnedTree{t, u}, u.change.overlay, u.change.pin)
	if refusal := (*overlay.Refusal)(nil); err != nil && !errors.As(err, &refusal) {
		return proposal{}, damagedError(fmt.Sprintf("branch %q cannot be read", branch), err)
	} else if err != nil {
		return proposal{}, fmt.Errorf("on branch %q: %w", branch, err)
	}
	return proposal{branch, head, t, edit}, nil
}

// pushOptions asks GitLab for a merge request (GitLab docs, "Push options"); a server without push options ignores it.
func (u *updater) pushOptions() map[string]string {
	if !u.opts.MergeRequest {
		return nil
	}
	return map[string]string{
		"merge_request.create": "true", "merge_request.target": u.opts.TargetBranch,
		"merge_request.title": u.change.message(), "merge_request.remove_source_branch": "true",
	}
}
