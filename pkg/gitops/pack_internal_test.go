package gitops

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
	"github.com/comptech-lab/quay-push/pkg/overlay"
)

// packed is one object of a pack that a test writes.
type packed struct {
	kind    plumbing.ObjectType
	base    plumbing.Hash // of a delta that names it
	back    int           // how many objects before stands the base of another delta
	off     int           // added to the way back
	length  uint64        // 0: that of content
	content []byte
}

// writePack writes a pack.
func writePack(objects ...packed) []byte {
	out := append([]byte("PACK\x00\x00\x00\x02"), binary.BigEndian.AppendUint32(nil, uint32(len(objects)))...)
	var offsets []int
	for i, o := range objects {
		offsets = append(offsets, len(out))
		length := o.length
		if length == 0 {
			length = uint64(len(o.content))
		}
		first := byte(o.kind)<<4 | byte(length&15)
		if length >>= 4; length > 0 {
			out = binary.AppendUvarint(append(out, first|0x80), length)
		} else {
			out = append(out, first)
		}
		switch o.kind {
		case plumbing.REFDeltaObject:
			out = append(out, o.base[:]...)
		case plumbing.OFSDeltaObject:
			out = append(out, distance(offsets[i]-offsets[i-o.back]+o.off)...)
		}
		var deflated bytes.Buffer
		w := zlib.NewWriter(&deflated)
		w.Write(o.content)
		w.Close()
		out = append(out, deflated.Bytes()...)
	}
	sum := sha1.Sum(out)
	return append(out, sum[:]...)
}

// distance is the way back to the base, in Git's own variable-width form.
func distance(d int) []byte {
	digits := []byte{byte(d & 127)}
	for d >>= 7; d > 0; d >>= 7 {
		d--
		digits = append(digits, byte(d&127)|128)
	}
	slices.Reverse(digits)
	return digits
}

// deltaOf is a delta that copies the first n bytes of a base of size bytes and adds a text.
func deltaOf(size, n int, add string) []byte {
	delta := binary.AppendUvarint(nil, uint64(size))
	delta = binary.AppendUvarint(delta, uint64(n+len(add)))
	if n > 0 {
		delta = append(delta, 0x80|0x70, byte(n), byte(n>>8), byte(n>>16))
	}
	if add != "" {
		delta = append(append(delta, byte(len(add))), add...)
	}
	return delta
}

func blob(content string) packed { return packed{kind: plumbing.BlobObject, content: []byte(content)} }

func hashOf(content string) plumbing.Hash {
	return plumbing.ComputeHash(plumbing.BlobObject, []byte(content))
}

// receive is receivePack with a scratch directory that must be empty after it.
func receive(t *testing.T, content []byte) (*pack, error) {
	t.Helper()
	scratch := t.TempDir()
	t.Setenv("TMPDIR", scratch)
	p, err := receivePack(context.Background(), bytes.NewReader(content))
	if left, _ := os.ReadDir(scratch); len(left) > 0 {
		t.Errorf("the scratch disk has %v", left)
	}
	if p != nil {
		t.Cleanup(p.close)
	}
	return p, err
}

func TestPackReadsDeltas(t *testing.T) {
	large := strings.Repeat("x", maxObject+1)
	bomb := append(binary.AppendUvarint(binary.AppendUvarint(nil, 5), maxObject+1), bytes.Repeat([]byte{0x80 | 0x10, 5}, maxObject/5+1)...)
	p, err := receive(t, writePack(
		packed{kind: plumbing.REFDeltaObject, base: hashOf("hello, you"), content: deltaOf(10, 10, "!")}, // Its base comes later, and is a delta.
		blob("hello"),
		packed{kind: plumbing.OFSDeltaObject, back: 1, content: deltaOf(5, 5, ", you")},
		packed{kind: plumbing.OFSDeltaObject, back: 1, content: deltaOf(10, 3, "p")},
		blob(large),
		packed{kind: plumbing.OFSDeltaObject, back: 1, content: deltaOf(len(large), 3, "of a large one")},
		packed{kind: plumbing.OFSDeltaObject, back: 5, content: bomb},
		packed{kind: plumbing.OFSDeltaObject, back: 6, content: []byte("no delta")},
		packed{kind: plumbing.OFSDeltaObject, back: 1, content: deltaOf(8, 1, "of none")},
		packed{kind: plumbing.REFDeltaObject, base: hashOf("not here"), content: deltaOf(8, 3, "x")},
		packed{kind: plumbing.REFDeltaObject, base: hashOf("notx"), content: deltaOf(4, 3, " here")},
	))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"hello", "hello, you", "help", "hello, you!"} {
		if got, err := p.find(plumbing.BlobObject, hashOf(want)); err != nil || string(got) != want {
			t.Errorf("%q reads as %q, %v", want, got, err)
		}
		if _, err := p.find(plumbing.TreeObject, hashOf(want)); err == nil || !strings.Contains(err.Error(), "not a tree") {
			t.Errorf("%q as a tree: error is %v", want, err)
		}
	}
	for _, lacks := range []string{large, "xxxof a large one", "notx", "not here", "never heard of"} {
		if _, err := p.find(plumbing.BlobObject, hashOf(lacks)); !errors.Is(err, errNotHeld) {
			t.Errorf("%.20q: error is %v", lacks, err)
		}
	}
}

// A long chain of deltas is read, also from its far end with nothing in the cache.
func TestPackReadsChains(t *testing.T) {
	objects, content := []packed{blob("x")}, "x"
	for range maxChain {
		objects = append(objects, packed{kind: plumbing.OFSDeltaObject, back: 1, content: deltaOf(len(content), len(content)-1, "yz")})
		content = content[:len(content)-1] + "yz"
	}
	longer := append(slices.Clone(objects), packed{kind: plumbing.OFSDeltaObject, back: 1, content: deltaOf(len(content), 1, "end")})
	p, err := receive(t, writePack(longer...))
	if err != nil {
		t.Fatal(err)
	}
	p.cache.Clear()
	if got, err := p.find(plumbing.BlobObject, hashOf(content)); err != nil || string(got) != content {
		t.Errorf("the chain reads as %.20q, %v", got, err)
	}
	p.cache.Clear()
	if _, err := p.find(plumbing.BlobObject, hashOf(content[:1]+"end")); !errors.Is(err, errNotHeld) {
		t.Errorf("of the longer chain the error is %v", err)
	}
}

// What a pack says of itself makes nobody allocate.
func TestPackRefuses(t *testing.T) {
	good := writePack(blob("hello"))
	countless := slices.Clone(good)
	copy(countless[8:], "\xff\xff\xff\xff")
	flipped := slices.Clone(good)
	flipped[len(flipped)-1] ^= 1
	for name, test := range map[string]struct {
		content []byte
		says    string
		tooMuch bool
	}{
		"four billion objects": {countless, "250000", true},
		"a length":             {writePack(packed{kind: plumbing.BlobObject, length: 1 << 50, content: []byte("x")}), "4 GiB", true},
		"many lengths":         {writePack(packed{kind: plumbing.BlobObject, length: 3 << 30}, packed{kind: plumbing.BlobObject, length: 3 << 30}), "4 GiB", true},
		"more than its length": {writePack(packed{kind: plumbing.BlobObject, length: 1, content: bytes.Repeat([]byte("x"), 1<<20)}), "reading the pack", false},
		"nothing":              {nil, "reading the pack", false},
		"no pack":              {[]byte("<html>"), "reading the pack", false},
		"an end":               {good[:len(good)-30], "reading the pack", false},
		"another checksum":     {flipped, "reading the pack", false},
		"a base of no object":  {writePack(blob("hello"), packed{kind: plumbing.OFSDeltaObject, back: 1, off: 1, content: deltaOf(5, 5, "")}), "reading the pack", false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := receive(t, test.content)
			refusal := (*overlay.Refusal)(nil)
			if err == nil || !strings.Contains(err.Error(), test.says) || errors.As(err, &refusal) != test.tooMuch {
				t.Errorf("error is %v, want it to say %q", err, test.says)
			}
		})
	}
}

// A pack that does not end fills no disk.
func TestPackTooLarge(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	_, err := receivePack(context.Background(), io.MultiReader(strings.NewReader("PACK\x00\x00\x00\x02\x00\x00\x00\x01"), gitopstest.Noise(1)))
	if refusal := (*overlay.Refusal)(nil); !errors.As(err, &refusal) || !strings.Contains(refusal.Problem, "256 MiB of scratch disk") || !strings.Contains(refusal.Next, "uploadpack.allowFilter") {
		t.Errorf("error is %v", err)
	}
}

// A server that can leave large files out is asked to.
func TestFetchLeavesLargeFilesOut(t *testing.T) {
	server := gitopstest.Start(t, map[string]string{"README.md": "read me\n"})
	server.Import(func(w io.Writer) {
		gitopstest.StartCommit(w)
		gitopstest.WriteFile(w, "large", 2<<20, gitopstest.Noise(1))
		gitopstest.WriteFile(w, "largest-that-is-read", 1<<20, gitopstest.Noise(2))
	})
	for partial, want := range map[string]int64{"false": 3 << 20, "true": 1 << 20} {
		gitopstest.Git(t, server.Dir, "config", "uploadpack.allowFilter", partial)
		p, _ := fetchMain(t, server)
		info, err := p.file.Stat()
		if err != nil || info.Size() < want || info.Size() > want+64<<10 {
			t.Errorf("with partial clones %s the pack has %d bytes, %v, want about %d", partial, info.Size(), err, want)
		}
	}
}

// Without room on the disk the error says where it is needed, and how much.
func TestScratchDisk(t *testing.T) {
	t.Setenv("TMPDIR", "/proc/none")
	_, err := receivePack(context.Background(), bytes.NewReader(writePack(blob("x"))))
	if err == nil || !strings.Contains(err.Error(), "$TMPDIR, else /tmp, must be writable and have room for 256 MiB") {
		t.Errorf("error is %v", err)
	}
}

// A run that is cancelled stops reading.
func TestPackHonoursTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := receivePack(ctx, bytes.NewReader(writePack(blob("x")))); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}
