package story

import (
	"context"
	"fmt"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/overlay"
)

// SourceCommit is what a trigger would say was built.
const SourceCommit = "3f4781f2c0ffee00000000000000000000000000"

// Proposal is a digest that was proposed to a GitOps repository.
type Proposal struct {
	// Git runs git where the repository is, and returns what it prints without the last line's end.
	Git func(ctx context.Context, args ...string) (string, error)
	// Refs is what the name of a branch begins with there: empty, or origin/ in a clone.
	Refs string
	// Branch is the branch that the step named.
	Branch string
	// Commit is the source commit that was built.
	Commit string
	// Overlay is what was to be changed, Digest, sha256:<hex>, what it was to get.
	Overlay overlay.Overlay
	Digest  string
}

// Proposed checks the branch: one commit of the contract's message, one line of one file. It returns the branch's commit.
func (s *Story) Proposed(ctx context.Context, p Proposal) (string, error) {
	head, err := p.Git(ctx, "rev-parse", "--verify", p.Refs+p.Branch)
	if err != nil {
		return "", err
	}
	s.Tell(p.Branch == "ci/dev/"+p.Commit[:8], "branch %s, named after the source commit, is at %.8s", p.Branch, head)
	message, err := p.Git(ctx, "log", "--format=%s", p.Refs+"main.."+p.Refs+p.Branch)
	if err != nil {
		return "", err
	}
	want := fmt.Sprintf("bump: %s @%.8s", p.Overlay, strings.TrimPrefix(p.Digest, "sha256:"))
	s.Tell(message == want, "it has one commit: %s", message)
	changed, err := p.Git(ctx, "diff", "--numstat", p.Refs+"main", p.Refs+p.Branch)
	if err != nil {
		return "", err
	}
	s.Tell(changed == "1\t1\t"+p.Overlay.Path(), "and changes one line of one file: %s", p.Overlay.Path())
	return head, nil
}
