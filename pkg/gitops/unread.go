package gitops

import (
	"errors"
	"fmt"
	"path"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// Why something was not visited, besides what visit failed with.
var (
	// ErrTooLarge is that a file is.
	ErrTooLarge = errors.New("the file is too large to be read")
	// ErrSubmodule is that it is one, of which nothing is fetched.
	ErrSubmodule = errors.New("it is a submodule")
)

// Unread is a file or submodule that was not visited, or not whole.
type Unread struct {
	Path string
	Err  error
}

// Unread are what Files and Past left out: the first one that matters in each directory apps/<team>, and in each other directory or file at
// the top. A file that is there twice is in both, whichever was visited.
func (s *Snapshot) Unread() []Unread { return s.unread }

// noteAllUnread adds those of a commit's tree, of which all files were visited.
func (s *Snapshot) noteAllUnread(root plumbing.Hash) error {
	return s.eachEntry(root, func(top treeEntry) error {
		if top.name != "apps" || top.mode != filemode.Dir {
			return s.noteUnread("", top)
		}
		return s.eachEntry(top.hash, func(team treeEntry) error { return s.noteUnread("apps", team) })
	})
}

// noteUnread adds the first one that is or is in an entry of a directory.
func (s *Snapshot) noteUnread(dir string, e treeEntry) error {
	found, err := s.findUnread(e, 0)
	if err != nil || found.Err == nil {
		return err
	}
	found.Path = path.Join(dir, found.Path)
	if !s.noted[found.Path] {
		s.noted[found.Path] = true
		s.unread = append(s.unread, found)
	}
	return nil
}

// findUnread is the first one that e is or has, with its path from e's name on; without an error for none. Each tree is read once.
func (s *Snapshot) findUnread(e treeEntry, depth int) (Unread, error) {
	if e.mode != filemode.Dir {
		err := s.failed[e.hash]
		if e.mode == filemode.Submodule {
			err = ErrSubmodule
		}
		if err == nil || s.Matters != nil && !s.Matters(e.name, err) {
			return Unread{}, nil
		}
		return Unread{e.name, err}, nil
	}
	if depth > maxTreeDepth {
		return Unread{}, errTooDeep
	}
	below, known := s.firstUnread[e.hash]
	if !known {
		err := s.eachEntry(e.hash, func(child treeEntry) (err error) {
			if below.Err == nil {
				below, err = s.findUnread(child, depth+1)
			}
			return err
		})
		if err != nil {
			return Unread{}, err
		}
		s.firstUnread[e.hash] = below
	}
	if below.Err != nil {
		below.Path = e.name + "/" + below.Path
	}
	return below, nil
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
