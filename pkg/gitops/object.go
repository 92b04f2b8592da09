package gitops

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// errNotHeld is what reading an object says that the pack lacks, or that is too large to be held.
var errNotHeld = errors.New("the object is too large to be read")

// find returns the content of an object of a kind. The cache has it too: callers change a copy.
func (p *pack) find(kind plumbing.ObjectType, hash plumbing.Hash) ([]byte, error) {
	i, ok := p.byHash[hash]
	if !ok {
		return nil, errNotHeld
	}
	content, err := p.content(i)
	if err == nil && p.entries[i].kind != kind {
		err = fmt.Errorf("reading object %q: it is a %s, not a %s", hash, p.entries[i].kind, kind)
	}
	return content, err
}

// tree returns the tree of a commit.
func (p *pack) tree(commit plumbing.Hash) (tree, error) {
	content, err := p.find(plumbing.CommitObject, commit)
	if err != nil {
		return tree{}, err
	}
	hash, ok := firstHash(content, "tree ")
	if !ok {
		return tree{}, errors.New("the commit object is malformed")
	}
	return tree{p, hash}, nil
}

// firstHash is the hash in the first line of an object that Git writes as text, behind prefix.
func firstHash(content []byte, prefix string) (plumbing.Hash, bool) {
	line, _, _ := strings.Cut(string(content[:min(len(content), 64)]), "\n")
	hash, found := strings.CutPrefix(line, prefix)
	if !found || !plumbing.IsHash(hash) {
		return plumbing.ZeroHash, false
	}
	return plumbing.NewHash(hash), true
}

// content inflates an object, on top of what it is a delta of. It holds two of them at a time, whatever the chain's length.
func (p *pack) content(i int32) ([]byte, error) {
	var deltas []int32
	content, held := p.cache.Get(p.entries[i].offset)
	for ; !held && p.entries[i].base != whole; content, held = p.cache.Get(p.entries[i].offset) {
		if p.entries[i].base == skipped || p.entries[i].base == unknown || len(deltas) == maxChain {
			return nil, errNotHeld
		}
		deltas = append(deltas, i)
		i = p.entries[i].base
	}
	if !held {
		var err error
		if content, err = p.inflate(i); err != nil {
			return nil, err
		}
	}
	for _, d := range slices.Backward(deltas) {
		delta, err := p.inflate(d)
		if err != nil {
			return nil, err
		}
		if content, err = apply(content, delta); err != nil {
			return nil, err
		}
		p.entries[d].kind = p.entries[i].kind
		p.cache.Put(p.entries[d].offset, content)
	}
	return content, nil
}

// inflate reads an entry, an object or a delta.
func (p *pack) inflate(i int32) ([]byte, error) {
	header, err := p.scanner.SeekObjectHeader(p.entries[i].offset)
	if err != nil {
		return nil, fmt.Errorf("reading the pack: %w", err)
	}
	if header.Length > maxObject {
		return nil, errNotHeld
	}
	content := bytes.NewBuffer(make([]byte, 0, header.Length))
	if _, _, err := p.scanner.NextObject(content); err != nil {
		return nil, fmt.Errorf("reading the pack: %w", err)
	}
	if p.entries[i].base == whole {
		p.cache.Put(p.entries[i].offset, content.Bytes())
	}
	return content.Bytes(), nil
}

// apply makes the content that a delta describes.
func apply(base, delta []byte) ([]byte, error) {
	_, n := binary.Uvarint(delta)
	if n <= 0 {
		return nil, packfile.ErrInvalidDelta
	}
	if size, n := binary.Uvarint(delta[n:]); n <= 0 || size > maxObject {
		return nil, errNotHeld
	}
	content, err := packfile.PatchDelta(base, delta)
	if err != nil {
		return nil, fmt.Errorf("reading the pack: %w", err)
	}
	return content, nil
}
