package gitops

import (
	"fmt"
	"path"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// Submodules are the paths of submodules in what Files and Past visited, of which nothing is fetched: the first one in each directory
// apps/<team>, and in each other directory or file at the top.
func (s *Snapshot) Submodules() []string { return s.submodules }

// noteSubmodules adds those of a commit's tree.
func (s *Snapshot) noteSubmodules(root plumbing.Hash) error {
	return s.eachEntry(root, func(top treeEntry) error {
		if top.name != "apps" || top.mode != filemode.Dir {
			return s.noteSubmodule("", top)
		}
		return s.eachEntry(top.hash, func(team treeEntry) error { return s.noteSubmodule("apps", team) })
	})
}

// noteSubmodule adds the first one that is or is in an entry of a directory.
func (s *Snapshot) noteSubmodule(dir string, e treeEntry) error {
	found, err := s.firstSubmodule(e, 0)
	if err != nil || found == "" {
		return err
	}
	name := path.Join(dir, found)
	if !s.noted[name] {
		s.noted[name] = true
		s.submodules = append(s.submodules, name)
	}
	return nil
}

// firstSubmodule is the path of the first submodule that e is or has, from e's name on; empty for none. Each tree is read once.
func (s *Snapshot) firstSubmodule(e treeEntry, depth int) (string, error) {
	switch e.mode {
	case filemode.Submodule:
		return e.name, nil
	case filemode.Dir:
	default:
		return "", nil
	}
	if depth > maxTreeDepth {
		return "", errTooDeep
	}
	below, known := s.firstBelow[e.hash]
	if !known {
		err := s.eachEntry(e.hash, func(child treeEntry) (err error) {
			if below == "" {
				below, err = s.firstSubmodule(child, depth+1)
			}
			return err
		})
		if err != nil {
			return "", err
		}
		s.firstBelow[e.hash] = below
	}
	if below == "" {
		return "", nil
	}
	return e.name + "/" + below, nil
}

// eachEntry visits the entries of a tree, until visit fails.
func (s *Snapshot) eachEntry(tree plumbing.Hash, visit func(e treeEntry) error) error {
	content, err := s.pack.find(plumbing.TreeObject, tree)
	if err != nil {
		return fmt.Errorf("reading tree %q: %w", tree, err)
	}
	for e, err := range treeEntries(content) {
		if err != nil {
			return fmt.Errorf("reading tree %q: %w", tree, err)
		}
		if err := visit(e); err != nil {
			return err
		}
	}
	return nil
}
