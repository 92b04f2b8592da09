package gitops

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/memory"
)

// commit is a new commit with the objects that it adds.
type commit struct {
	hash    plumbing.Hash
	objects []plumbing.Hash
	storage *memory.Storage
}

// commitEdit makes a commit on top of parent in which the file at name has content, and no other byte is changed.
func (t tree) commitEdit(parent plumbing.Hash, name string, content []byte, message string, who object.Signature) (*commit, error) {
	c := &commit{storage: memory.NewStorage()}
	hash, err := c.add(plumbing.BlobObject, content)
	if err != nil {
		return nil, err
	}
	if hash, err = c.replace(t.pack, t.root, strings.Split(name, "/"), hash); err != nil {
		return nil, err
	}
	encoded := &plumbing.MemoryObject{}
	made := object.Commit{Author: who, Committer: who, Message: message + "\n", TreeHash: hash, ParentHashes: []plumbing.Hash{parent}}
	if err := made.Encode(encoded); err != nil {
		return nil, err
	}
	c.hash = encoded.Hash()
	return c, c.store(encoded)
}

// replace adds the trees from the one with the file up to in, with the file's new hash.
func (c *commit) replace(p *pack, in plumbing.Hash, elements []string, hash plumbing.Hash) (plumbing.Hash, error) {
	content, err := p.find(plumbing.TreeObject, in)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	e, err := findEntry(content, elements[0])
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("finding %q in tree %q: %w", elements[0], in, err)
	}
	if len(elements) > 1 {
		if hash, err = c.replace(p, e.hash, elements[1:], hash); err != nil {
			return plumbing.ZeroHash, err
		}
	}
	changed := slices.Clone(content)
	copy(changed[e.at:], hash[:])
	return c.add(plumbing.TreeObject, changed)
}

func (c *commit) add(kind plumbing.ObjectType, content []byte) (plumbing.Hash, error) {
	encoded := &plumbing.MemoryObject{}
	encoded.SetType(kind)
	if _, err := encoded.Write(content); err != nil {
		return plumbing.ZeroHash, err
	}
	return encoded.Hash(), c.store(encoded)
}

func (c *commit) store(o *plumbing.MemoryObject) error {
	hash, err := c.storage.SetEncodedObject(o)
	c.objects = append(c.objects, hash)
	return err
}

// pack is what a push sends: the commit, the changed trees and the file. The server has all else.
func (c *commit) pack() (*bytes.Buffer, error) {
	packed := &bytes.Buffer{}
	_, err := packfile.NewEncoder(packed, c.storage, false).Encode(c.objects, 0)
	return packed, err
}
