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

// Snapshot is branches and tags of a repository at one time, and their history since another. It is for one goroutine.
type Snapshot struct {
	pack  *pack
	since time.Time
	// heads are what each branch and tag names, targets what it points at in the end.
	heads   map[Ref]plumbing.Hash
	targets map[Ref]target
	// seen are the files and directories that were visited.
	seen map[plumbing.Hash]bool
	// failed are the files that could not be visited whole.
	failed map[plumbing.Hash]error
	// unread are what was not visited, noted has the path of each once; firstUnread is the first one in a tree.
	unread      []Unread
	noted       map[string]bool
	firstUnread map[plumbing.Hash]Unread

	// Matters reports whether it matters that a file or submodule of a name, without directories, was not visited for an error; nil: it
	// does. It is set before the first visit.
	Matters func(name string, err error) bool
}

func newSnapshot(p *pack, heads map[Ref]plumbing.Hash) *Snapshot {
	return &Snapshot{pack: p, heads: heads, targets: map[Ref]target{}, seen: map[plumbing.Hash]bool{}, failed: map[plumbing.Hash]error{},
		noted: map[string]bool{}, firstUnread: map[plumbing.Hash]Unread{}}
}

// Close frees the scratch disk.
func (s *Snapshot) Close() { s.pack.close() }

// Heads are the objects that the branches and tags name, as Reader.Heads has them.
func (s *Snapshot) Heads() map[Ref]string { return asText(s.heads) }

// Refs lists the branches, then the tags.
func (s *Snapshot) Refs() []Ref { return slices.Sorted(maps.Keys(s.heads)) }

// Tree is the files of a branch or a tag, to read; nil for a tag of one file. Sys of what Lstat returns is a value that two files, or two
// directories, of any two branches have alike only if their content is the same.
func (s *Snapshot) Tree(ref Ref) (fs.FS, error) {
	root, err := s.pack.root(s.targets[ref])
	if err != nil {
		return nil, damagedError(fmt.Sprintf("%s cannot be read", ref), err)
	}
	if root.IsZero() {
		return nil, nil
	}
	return tree{s.pack, root}, nil
}

// maxSkew is how many commits in a row may tell a time that is too early, on top of one of the time that is asked for.
const maxSkew = 8

// walk finds the trees of what branches and tags were at since the time: of each commit of that time, of what came on top of one, and of
// what was before the first of them. It goes by the times that the commits themselves tell; some tools keep that of a commit that they
// write anew, so that it looks behind a few that are too early. whole is false where there is more history than was fetched.
func (s *Snapshot) walk(ctx context.Context, refs []Ref) (past []plumbing.Hash, whole bool, err error) {
	// visit is a commit, early how many in a row before it were too early.
	type visit struct {
		hash  plumbing.Hash
		early int
	}
	met, trees, above := map[plumbing.Hash]int{}, map[plumbing.Hash]plumbing.Hash{}, map[plumbing.Hash][]plumbing.Hash{}
	kept := map[plumbing.Hash]bool{}
	var young []plumbing.Hash // of that time
	var next []visit
	for _, ref := range refs {
		if of := s.targets[ref]; of.kind == plumbing.CommitObject {
			next = append(next, visit{of.hash, 0})
		}
	}
	for len(next) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, false, err
		}
		v := next[len(next)-1]
		next = next[:len(next)-1]
		if early, before := met[v.hash]; before && early <= v.early {
			continue
		}
		met[v.hash] = v.early
		if _, held := s.pack.byHash[v.hash]; !held {
			return nil, false, nil
		}
		commit, err := s.commit(v.hash)
		if err != nil {
			return nil, false, fmt.Errorf("reading commit %q: %w", v.hash, err)
		}
		trees[v.hash] = commit.TreeHash
		early := v.early + 1
		if !commit.Committer.When.Before(s.since) {
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
			past = append(past, trees[hash])
		}
	}
	return past, true, nil
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

// Files calls visit with the content of each file of a branch or a tag that was not visited before. What it fails with is noted, as are files
// that are too large to be read and submodules, see Unread.
func (s *Snapshot) Files(ctx context.Context, ref Ref, visit func(content []byte) error) error {
	of := s.targets[ref]
	root, err := s.pack.root(of)
	if err == nil && root.IsZero() {
		e := treeEntry{name: string(ref), mode: filemode.Regular, hash: of.hash}
		if err = s.visitFile(e, visit); err == nil {
			err = s.noteUnread("", e)
		}
	} else if err == nil {
		err = s.visitRoot(ctx, root, visit)
	}
	if err != nil {
		return damagedError(fmt.Sprintf("%s cannot be read", ref), err)
	}
	return nil
}

// Past calls visit as Files does, for what any of refs had since the time that was asked for.
func (s *Snapshot) Past(ctx context.Context, refs []Ref, visit func(content []byte) error) error {
	past, _, err := s.walk(ctx, refs)
	for _, root := range past {
		if err == nil {
			err = s.visitRoot(ctx, root, visit)
		}
	}
	if err != nil {
		return damagedError("the history cannot be read", err)
	}
	return nil
}

// visitRoot visits the files of a commit's tree.
func (s *Snapshot) visitRoot(ctx context.Context, root plumbing.Hash, visit func(content []byte) error) error {
	if err := s.visit(ctx, root, 0, visit); err != nil {
		return err
	}
	return s.noteAllUnread(root)
}

// maxTreeDepth is how many directories there may be in one another.
const maxTreeDepth = 256

var errTooDeep = fmt.Errorf("there are more than %d directories in one another", maxTreeDepth)

// visit visits the files below a tree.
func (s *Snapshot) visit(ctx context.Context, tree plumbing.Hash, depth int, visit func(content []byte) error) error {
	if s.seen[tree] {
		return nil
	}
	s.seen[tree] = true
	if err := ctx.Err(); err != nil {
		return err
	}
	if depth > maxTreeDepth {
		return errTooDeep
	}
	return s.eachEntry(tree, func(e treeEntry) error {
		switch e.mode {
		case filemode.Dir:
			return s.visit(ctx, e.hash, depth+1, visit)
		case filemode.Submodule:
			return nil
		}
		return s.visitFile(e, visit)
	})
}

// visitFile visits one file.
func (s *Snapshot) visitFile(e treeEntry, visit func(content []byte) error) error {
	if s.seen[e.hash] {
		return nil
	}
	s.seen[e.hash] = true
	file, err := s.pack.find(plumbing.BlobObject, e.hash)
	if err == errNotHeld {
		s.failed[e.hash] = ErrTooLarge
		return nil
	} else if err != nil {
		return fmt.Errorf("reading %q: %w", e.name, err)
	}
	if err := visit(file); err != nil {
		s.failed[e.hash] = err
	}
	return nil
}
