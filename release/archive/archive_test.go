package archive_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/release/archive"
)

var files = []archive.File{
	{Name: "tkn-quay", Mode: 0o755, Content: []byte("program")},
	{Name: "LICENSE", Mode: 0o644, Content: []byte("free")},
	{Name: "completions/_tkn-quay", Mode: 0o644},
}

func write(t *testing.T, at time.Time, files []archive.File) []byte {
	t.Helper()
	var packed bytes.Buffer
	if err := archive.Write(&packed, at, files); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func TestWrite(t *testing.T) {
	at := time.Date(2026, 11, 30, 1, 2, 3, 999, time.FixedZone("", 3600))
	compressed, err := gzip.NewReader(bytes.NewReader(write(t, at, files)))
	if err != nil {
		t.Fatal(err)
	}
	if !compressed.ModTime.IsZero() || compressed.Name != "" {
		t.Errorf("gzip's header has %v, %q", compressed.ModTime, compressed.Name)
	}
	type entry struct {
		Name, Content, User string
		Mode                int64
		ID                  int
		Time                time.Time
	}
	var got []entry
	for r := tar.NewReader(compressed); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, entry{h.Name, string(content), h.Uname + h.Gname, h.Mode, h.Uid + h.Gid, h.ModTime.UTC()})
	}
	second := time.Date(2026, 11, 30, 0, 2, 3, 0, time.UTC)
	want := []entry{
		{Name: "LICENSE", Content: "free", Mode: 0o644, Time: second},
		{Name: "completions/_tkn-quay", Mode: 0o644, Time: second},
		{Name: "tkn-quay", Content: "program", Mode: 0o755, Time: second},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// The order in which files are given, and the zone of the time, do not change the bytes; the content and the time do.
func TestSameBytes(t *testing.T) {
	at := time.Unix(1700000000, 0)
	first := write(t, at, files)
	other := slices.Clone(files)
	slices.Reverse(other)
	if !bytes.Equal(first, write(t, at.In(time.FixedZone("", 7200)), other)) {
		t.Error("the same files make other bytes")
	}
	if bytes.Equal(first, write(t, at.Add(time.Second), files)) {
		t.Error("the time changes nothing")
	}
	if other[0].Content = []byte("x"); bytes.Equal(first, write(t, at, other)) {
		t.Error("the content changes nothing")
	}
}

// What does not fit the format is said, with its name.
func TestError(t *testing.T) {
	if err := archive.Write(io.Discard, time.Unix(0, 0), []archive.File{{Name: "a\x00b"}}); err == nil || err.Error()[:19] != `archiving "a\x00b":` {
		t.Errorf("the error is %v", err)
	}
}
