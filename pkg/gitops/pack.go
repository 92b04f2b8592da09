package gitops

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// pack is a pack on the scratch disk, with an index in memory. go-git's own index needs each object in memory, however large.
type pack struct {
	file    *os.File
	scanner *packfile.Scanner
	entries []packEntry // in the order of their offsets
	byHash  map[plumbing.Hash]int32
	bases   map[int32]plumbing.Hash // of deltas that name their base by its hash
	cache   *cache.BufferLRU
}

// packEntry is one object of a pack.
type packEntry struct {
	offset int64
	hash   plumbing.Hash // zero until it is known
	base   int32         // the entry that it is a delta of, or one of the following
	kind   plumbing.ObjectType
}

const (
	whole   = -1 // no delta
	unknown = -2 // a delta of what is not found yet
	skipped = -3 // too large, or a delta of what is
)

// receivePack writes a pack to the scratch disk and indexes it. The file has no name: it goes with the process.
func receivePack(ctx context.Context, from io.Reader) (*pack, error) {
	file, err := os.CreateTemp("", "update-overlay-*.pack")
	if err != nil {
		return nil, scratchError(err)
	}
	p := &pack{file: file, byHash: map[plumbing.Hash]int32{}, bases: map[int32]plumbing.Hash{}, cache: cache.NewBufferLRU(cacheSize)}
	if err := os.Remove(file.Name()); err != nil {
		p.close()
		return nil, scratchError(err)
	}
	if err := p.receive(ctx, from); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func scratchError(err error) error {
	return &Error{Problem: "the scratch disk cannot be written", Proof: err.Error(), Err: err,
		Next: fmt.Sprintf("$TMPDIR, else /tmp, must be writable and have room for %d MiB", ScratchSize>>20)}
}

func (p *pack) close() { p.file.Close() }

func (p *pack) receive(ctx context.Context, from io.Reader) error {
	if _, err := io.Copy(scratch{p.file}, &limited{from, ScratchSize, packTooLarge}); err != nil {
		return err
	}
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return scratchError(err)
	}
	p.scanner = packfile.NewScanner(p.file)
	if err := p.scan(ctx); err != nil {
		return err
	}
	return p.resolve(ctx)
}

// scratch tells an error of the disk from one of the server.
type scratch struct{ file *os.File }

func (s scratch) Write(b []byte) (int, error) {
	n, err := s.file.Write(b)
	if err != nil {
		err = scratchError(err)
	}
	return n, err
}

// scan reads the pack once from end to end. No object is held: one that is needed later is read again.
func (p *pack) scan(ctx context.Context) error {
	_, count, err := p.scanner.Header()
	if err != nil {
		return fmt.Errorf("reading the pack: %w", err)
	}
	if count > maxObjects {
		return tooLarge(smaller, "the newest commit has more than %d files and directories", maxObjects)
	}
	p.entries = make([]packEntry, 0, count)
	var unpacked int64
	for range count {
		if err := ctx.Err(); err != nil {
			return err
		}
		header, err := p.scanner.NextObjectHeader()
		if err != nil {
			return fmt.Errorf("reading the pack: %w", err)
		}
		if unpacked += header.Length; header.Length < 0 || unpacked > maxUnpacked {
			return tooLarge(smaller, "the newest commit inflates to more than %d GiB", maxUnpacked>>30)
		}
		if err := p.scanObject(header); err != nil {
			return fmt.Errorf("reading the pack: %w", err)
		}
	}
	if _, err := p.scanner.Checksum(); err != nil {
		return fmt.Errorf("reading the pack: %w", err)
	}
	return nil
}

// scanObject adds an entry for an object, whose content follows.
func (p *pack) scanObject(header *packfile.ObjectHeader) error {
	i := int32(len(p.entries))
	entry := packEntry{offset: header.Offset, base: whole, kind: header.Type}
	content := io.Discard
	var hasher plumbing.Hasher
	switch {
	case header.Length > maxObject:
		entry.base = skipped
	case header.Type == plumbing.OFSDeltaObject:
		if entry.base = p.at(header.OffsetReference); entry.base == unknown {
			return packfile.ErrMalformedPackFile
		}
	case header.Type == plumbing.REFDeltaObject:
		entry.base, p.bases[i] = unknown, header.Reference
	default:
		hasher = plumbing.NewHasher(header.Type, header.Length)
		content = hasher
	}
	if _, _, err := p.scanner.NextObject(content); err != nil {
		return err
	}
	if entry.base == whole {
		entry.hash = hasher.Sum()
		p.byHash[entry.hash] = i
	}
	p.entries = append(p.entries, entry)
	return nil
}

// at finds the entry at an offset.
func (p *pack) at(offset int64) int32 {
	i, found := slices.BinarySearchFunc(p.entries, offset, func(e packEntry, offset int64) int { return cmp.Compare(e.offset, offset) })
	if !found {
		return unknown
	}
	return int32(i)
}

// resolve computes the hashes of deltas. Of those that name their base by its hash, the base may itself be such a delta.
func (p *pack) resolve(ctx context.Context) error {
	for again := true; again; {
		again = false
		for i := range p.entries {
			e := &p.entries[i]
			if e.base == whole || e.base == skipped || !e.hash.IsZero() {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if base, ok := p.byHash[p.bases[int32(i)]]; ok && e.base == unknown {
				e.base = base
			}
			if e.base == unknown || p.entries[e.base].base == unknown {
				continue
			}
			content, err := p.content(int32(i))
			if err != nil {
				e.base = skipped // Such as a delta of what is too large. Where it is needed, that is an error.
				continue
			}
			e.hash = plumbing.ComputeHash(e.kind, content)
			p.byHash[e.hash] = int32(i)
			again = true
		}
	}
	return nil
}
