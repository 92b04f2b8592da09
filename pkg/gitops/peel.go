package gitops

import (
	"errors"

	"github.com/go-git/go-git/v5/plumbing"
)

// target is what a branch or a tag points at in the end: a commit, or of a tag also a tree or a file.
type target struct {
	kind plumbing.ObjectType
	hash plumbing.Hash
}

// maxTags is how many annotated tags there may be of one another.
const maxTags = 8

var errTag = errors.New("the tag object is malformed, or one of many in a row")

// peel follows annotated tags to what they are of (git-mktag(1) has their format).
func (p *pack) peel(hash plumbing.Hash) (target, error) {
	for range maxTags {
		i, held := p.byHash[hash]
		if !held {
			return target{}, errNotHeld
		}
		content, err := p.content(i)
		if err != nil {
			return target{}, err
		}
		if kind := p.entries[i].kind; kind != plumbing.TagObject {
			return target{kind, hash}, nil
		}
		of, ok := firstHash(content, "object ")
		if !ok {
			return target{}, errTag
		}
		hash = of
	}
	return target{}, errTag
}

// root is the tree of a target; of a file it is zero.
func (p *pack) root(of target) (plumbing.Hash, error) {
	switch of.kind {
	case plumbing.CommitObject:
		t, err := p.tree(of.hash)
		return t.root, err
	case plumbing.TreeObject:
		return of.hash, nil
	}
	return plumbing.ZeroHash, nil
}
