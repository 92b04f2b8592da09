package gitops

import (
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
)

// heads are the commits of the two branches; branch is zero where it does not exist.
type heads struct {
	target, branch plumbing.Hash
	// obstacle is a branch beside which Git cannot have the second one, such as ci beside ci/dev/…; empty for none.
	obstacle string
}

// headsOf picks two branches from those that a server has.
func headsOf(refs *packp.AdvRefs, target, branch string) heads {
	h := heads{target: refs.References[nameOf(target)], branch: refs.References[nameOf(branch)]}
	for _, name := range branchesOf(refs) {
		if strings.HasPrefix(branch, name+"/") || strings.HasPrefix(name, branch+"/") {
			h.obstacle = name
		}
	}
	return h
}

func nameOf(branch string) string { return plumbing.NewBranchReferenceName(branch).String() }

// branchesOf lists the branches that a server has.
func branchesOf(refs *packp.AdvRefs) []string {
	var names []string
	for name := range refs.References {
		if branch, ok := strings.CutPrefix(name, nameOf("")); ok {
			names = append(names, branch)
		}
	}
	slices.Sort(names)
	return names
}
