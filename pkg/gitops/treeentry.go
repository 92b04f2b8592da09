package gitops

import (
	"bytes"
	"errors"
	"io/fs"
	"iter"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// treeEntry is one line of a tree object: MODE NAME, a zero, and the hash.
type treeEntry struct {
	name string
	mode filemode.FileMode
	hash plumbing.Hash
	at   int // where the hash stands in the tree
}

// errTree is what reading a tree object says that is none.
var errTree = errors.New("the tree object is malformed")

// treeEntries reads a tree object.
func treeEntries(tree []byte) iter.Seq2[treeEntry, error] {
	return func(yield func(treeEntry, error) bool) {
		for at := 0; at < len(tree); {
			line, _, found := bytes.Cut(tree[at:], []byte{0})
			mode, name, named := bytes.Cut(line, []byte{' '})
			e := treeEntry{name: string(name), at: at + len(line) + 1}
			parsed, err := filemode.New(string(mode))
			if !found || !named || err != nil || len(tree)-e.at < len(e.hash) {
				yield(treeEntry{}, errTree)
				return
			}
			e.mode = parsed
			at = e.at + copy(e.hash[:], tree[e.at:])
			if !yield(e, nil) {
				return
			}
		}
	}
}

// findEntry finds an entry of a tree object by its name.
func findEntry(tree []byte, name string) (treeEntry, error) {
	for e, err := range treeEntries(tree) {
		if err != nil || e.name == name {
			return e, err
		}
	}
	return treeEntry{}, fs.ErrNotExist
}
