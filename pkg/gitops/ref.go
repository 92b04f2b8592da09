package gitops

import (
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
)

// Ref is a branch or a tag by its full name, such as refs/heads/main or refs/tags/v1.
type Ref string

const (
	branchPrefix = "refs/heads/"
	tagPrefix    = "refs/tags/"
)

// String is what a person calls it, such as "branch main".
func (r Ref) String() string {
	if name, tag := strings.CutPrefix(string(r), tagPrefix); tag {
		return "tag " + name
	}
	return "branch " + strings.TrimPrefix(string(r), branchPrefix)
}

// refsOf are the branches and tags that a server has, with the object that each names: of an annotated tag that is no commit.
func refsOf(refs *packp.AdvRefs) map[Ref]plumbing.Hash {
	found := map[Ref]plumbing.Hash{}
	for name, hash := range refs.References {
		if strings.HasPrefix(name, branchPrefix) || strings.HasPrefix(name, tagPrefix) {
			found[Ref(name)] = hash
		}
	}
	return found
}
