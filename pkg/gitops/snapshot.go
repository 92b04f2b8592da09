package gitops

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Snapshot is every branch of a repository at one time, and its history since another. It is for one goroutine.
type Snapshot struct {
	pack  *pack
	heads map[string]plumbing.Hash
	// past are the trees of commits that a branch was at since then, but for the heads'.
	past []plumbing.Hash
	// seen are the files and directories that were visited.
	seen map[plumbing.Hash]bool
	// unread are the names of the files that are too large to be read.
	unread []string
}

// Close frees the scratch disk.
func (s *Snapshot) Close() { s.pack.close() }

// Heads are the commits of the branches.
func (s *Snapshot) Heads() map[string]string {
	heads := map[string]string{}
	for name, hash := range s.heads {
		heads[name] = hash.String()
	}
	return heads
}

// Branches lists the branches.
func (s *Snapshot) Branches() []string { return slices.Sorted(maps.Keys(s.heads)) }

// Tree is the files of a branch, to read. Sys of what Lstat returns is a value that two files, or two directories, of any two branches
// have alike only if their content is the same.
func (s *Snapshot) Tree(branch string) (fs.FS, error) {
	t, err := s.pack.tree(s.heads[branch])
	if err != nil {
		return nil, damagedError(fmt.Sprintf("branch %q cannot be read", branch), err)
	}
	return t, nil
}

// maxSkew is how many commits in a row may tell a time that is too early, on top of one of the time that is asked for.
const maxSkew = 8

// walk finds what the branches were at since a time: each commit of that time, what came on top of one, and what was before the first of
// them. It goes by the times that the commits themselves tell; some tools keep that of a commit that they write anew, so that it looks
// behind a few that are too early. whole is false where there is more history than was fetched.
func (s *Snapshot) walk(ctx context.Context, since time.Time) (whole bool, err error) {
	// visit is a commit, early how many in a row before it were too early.
	type visit struct {
		hash  plumbing.Hash
		early int
	}
	met, trees, above := map[plumbing.Hash]int{}, map[plumbing.Hash]plumbing.Hash{}, map[plumbing.Hash][]plumbing.Hash{}
	kept := map[plumbing.Hash]bool{}
	var young []plumbing.Hash // of that time
	var next []visit
	for _, hash := range s.heads {
		next = append(next, visit{hash, 0})
	}
	for len(next) > 0 {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		v := next[len(next)-1]
		next = next[:len(next)-1]
		if early, before := met[v.hash]; before && early <= v.early {
			continue
		}
		met[v.hash] = v.early
		if _, held := s.pack.byHash[v.hash]; !held {
			return false, nil
		}
		commit, err := s.commit(v.hash)
		if err != nil {
			return false, fmt.Errorf("reading commit %q: %w", v.hash, err)
		}
		trees[v.hash] = commit.TreeHash
		early := v.early + 1
		if !commit.Committer.When.Before(since) {
			early = 0
			young = append(young, v.hash)
		}
		kept[v.hash] = kept[v.hash] || v.early == 0
		if early <= maxSkew {
			for _, parent := range commit.ParentHashes {
				next = append(next, visit{parent, early})
				above[parent] = append(above[parent], v.hash)
			}
		}
	}
	// What came on top of a commit of that time is of that time, whatever it tells.
	for later := map[plumbing.Hash]bool{}; len(young) > 0; {
		hash := young[len(young)-1]
		young = young[:len(young)-1]
		if !later[hash] {
			later[hash], kept[hash] = true, true
			young = append(young, above[hash]...)
		}
	}
	for hash, is := range kept {
		if is {
			s.past = append(s.past, trees[hash])
		}
	}
	return true, nil
}

// commit reads one.
func (s *Snapshot) commit(hash plumbing.Hash) (*object.Commit, error) {
	content, err := s.pack.find(plumbing.CommitObject, hash)
	if err != nil {
		return nil, err
	}
	encoded, commit := &plumbing.MemoryObject{}, &object.Commit{}
	encoded.SetType(plumbing.CommitObject)
	if _, err := encoded.Write(content); err != nil {
		return nil, err
	}
	return commit, commit.Decode(encoded)
}

// Unread are the names, without directories, of the files that Files and Past left out since they are too large to be read.
func (s *Snapshot) Unread() []string { return s.unread }

// Files calls visit with the content of each file of a branch that was not visited before. Files that are too large to be read are left
// out, see Unread.
func (s *Snapshot) Files(ctx context.Context, branch string, visit func(content []byte)) error {
	t, err := s.pack.tree(s.heads[branch])
	if err == nil {
		err = s.visit(ctx, t.root, 0, visit)
	}
	if err != nil {
		return damagedError(fmt.Sprintf("branch %q cannot be read", branch), err)
	}
	return nil
}

// Past calls visit as Files does, for what any branch had since the time that was asked for.
func (s *Snapshot) Past(ctx context.Context, visit func(content []byte)) error {
	for _, root := range s.past {
		if err := s.visit(ctx, root, 0, visit); err != nil {
			return damagedError("the history cannot be read", err)
		}
	}
	return nil
}

// maxTreeDepth is how many directories there may be in one another.
const maxTreeDepth = 256

// visit visits the files below a tree.
func (s *Snapshot) visit(ctx context.Context, tree plumbing.Hash, depth int, visit func(content []byte)) error {
	if s.seen[tree] {
		return nil
	}
	s.seen[tree] = true
	if err := ctx.Err(); err != nil {
		return err
	}
	if depth > maxTreeDepth {
		return fmt.Errorf("there are more than %d directories in one another", maxTreeDepth)
	}
	content, err := s.pack.find(plumbing.TreeObject, tree)
	if err != nil {
		return fmt.Errorf("reading tree %q: %w", tree, err)
	}
	for e, err := range treeEntries(content) {
		if err != nil {
			return fmt.Errorf("reading tree %q: %w", tree, err)
		}
		switch {
		case e.mode == filemode.Dir:
			if err := s.visit(ctx, e.hash, depth+1, visit); err != nil {
				return err
			}
		case e.mode == filemode.Submodule || s.seen[e.hash]:
		default:
			s.seen[e.hash] = true
			file, err := s.pack.find(plumbing.BlobObject, e.hash)
			if err == errNotHeld {
				s.unread = append(s.unread, e.name)
				continue
			} else if err != nil {
				return fmt.Errorf("reading %q: %w", e.name, err)
			}
			visit(file)
		}
	}
	return nil
}
