package push_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// tarEntry is one entry of a tar file; without a header it is a regular file.
type tarEntry struct {
	name    string
	content []byte
	header  tar.Header
}

// tarOf packs entries as they are given.
func tarOf(t testing.TB, entries ...tarEntry) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	for _, e := range entries {
		h := e.header
		h.Name, h.Size, h.Mode = e.name, int64(len(e.content)), 0o644
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// entriesOf are the files below dir, by their paths in it.
func entriesOf(t testing.TB, dir string) (entries []tarEntry) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		entries = append(entries, tarEntry{name: name, content: content})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// archived makes the source of f a tar file of its layout, and returns its path.
func (f *fixture) archived(transport string, entries ...tarEntry) string {
	f.t.Helper()
	file := filepath.Join(f.t.TempDir(), "image.tar")
	write(f.t, file, tarOf(f.t, entries...))
	f.opts.Source = transport + file
	return file
}

// An archive is pushed as the directory is, whatever the names in it start with.
func TestOCIArchive(t *testing.T) {
	for _, prefix := range []string{"", "./"} {
		for _, transport := range []string{"oci-archive:", ""} {
			f := newFixture(t)
			image := writeLayout(t, f.layout, small, large)
			entries := entriesOf(t, f.layout)
			for i := range entries {
				entries[i].name = prefix + entries[i].name
			}
			f.archived(transport, entries...)
			if result := f.push(); result.Digest != image.Digest {
				t.Errorf("Push = %s, want %s", result.Digest, image.Digest)
			}
			for _, l := range layers(t, f.layout, image) {
				if !f.HasBlob("team-a/app", l.Digest) {
					t.Errorf("blob %s is missing", l.Digest)
				}
			}
		}
	}
}

// An archive that is compressed as a whole is pushed as it is without that, whatever it is and however it is named.
func TestCompressedArchive(t *testing.T) {
	f := newFixture(t)
	scratch := t.TempDir()
	t.Setenv("TMPDIR", scratch)
	content := layerOf(1, 5000)
	saved := tarOf(t, tarEntry{name: "a.tar", content: content}, tarEntry{name: "c.json", content: savedConfig(t, content)},
		tarEntry{name: "manifest.json", content: marshal(t, []savedImage{{Config: "c.json", Layers: []string{"a.tar"}}})})
	layout := tarOf(t, entriesOf(t, f.layout)...)
	for transport, plain := range map[string][]byte{"oci-archive:": layout, "docker-archive:": saved} {
		file := filepath.Join(t.TempDir(), "image.tar")
		push := func(transport string, content []byte) string {
			write(t, file, content)
			f.opts.Source = transport + file
			return f.push().Digest
		}
		want := push(transport, plain)
		for _, transport := range []string{transport, ""} {
			if got := push(transport, gzipped(t, plain)); got != want {
				t.Errorf("%q in gzip is %s, want %s", transport, got, want)
			}
			if got := push(transport, zstandard(t, plain, 1<<20)); got != want {
				t.Errorf("%q in zstd is %s, want %s", transport, got, want)
			}
		}
	}
	if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
		t.Errorf("%v is left (%v)", left, err)
	}
}

// A ref has colons and slashes, as buildah writes it, and so may the path.
func TestOCIArchiveWithRef(t *testing.T) {
	f := newFixture(t)
	const ref = "quay.test:8443/team-a/app:v1"
	one, two := writeImage(t, f.layout, `{"os":"linux"}`, small), writeImage(t, f.layout, `{"os":"linux"}`, small, 7)
	two.Annotations = map[string]string{"org.opencontainers.image.ref.name": ref}
	writeIndex(t, f.layout, one, two)
	file := filepath.Join(t.TempDir(), "image:v1.tar")
	write(t, file, tarOf(t, entriesOf(t, f.layout)...))
	for _, source := range []string{"oci-archive:" + file, file, "oci:" + f.layout, f.layout} {
		f.opts.Source = source + ":" + ref
		if result := f.push(); result.Digest != two.Digest {
			t.Errorf("Push of %s = %s, want %s", source, result.Digest, two.Digest)
		}
	}
	f.opts.Source = file
	remove(t, filepath.Join(f.results, "IMAGE_URL"))
	if reason := f.fail(failure.ClassSourceRefused); !strings.Contains(reason.Error(), ":REF behind the path") {
		t.Errorf("the error is %q", reason)
	}
}

// Each row spoils a good archive.
func TestBadArchive(t *testing.T) {
	blob := func(entries []tarEntry, size int) *tarEntry {
		for i := range entries {
			if len(entries[i].content) == size {
				return &entries[i]
			}
		}
		panic(fmt.Sprintf("no entry of %d bytes", size))
	}
	pack := func(t *testing.T, entries []tarEntry) []byte { return tarOf(t, entries...) }
	linked := func(kind byte, target string) func(*testing.T, []tarEntry) []byte {
		return func(t *testing.T, entries []tarEntry) []byte {
			e := blob(entries, small)
			entries = append(entries, tarEntry{name: "elsewhere", content: e.content})
			*e = tarEntry{name: e.name, header: tar.Header{Typeflag: kind, Linkname: target}}
			return pack(t, entries)
		}
	}
	named := func(name string) func(*testing.T, []tarEntry) []byte {
		return func(t *testing.T, entries []tarEntry) []byte {
			return pack(t, append(entries, tarEntry{name: name, content: []byte("x")}))
		}
	}
	for _, test := range []struct {
		name  string
		spoil func(t *testing.T, entries []tarEntry) []byte
		class failure.Class
		text  string
	}{
		{"a symbolic link", linked(tar.TypeSymlink, "/etc/hostname"), failure.ClassSourceRefused, "not a regular file but a symbolic link"},
		{"a link to a good blob", linked(tar.TypeSymlink, "../../elsewhere"), failure.ClassSourceRefused, "symbolic link"},
		{"a hard link", linked(tar.TypeLink, "elsewhere"), failure.ClassSourceRefused, "hard link"},
		{"a device", linked(tar.TypeChar, ""), failure.ClassSourceRefused, "special file"},
		{"a pipe", linked(tar.TypeFifo, ""), failure.ClassSourceRefused, "special file"},
		{"an absolute name", named("/index.json"), failure.ClassSourceRefused, "absolute or goes upwards"},
		{"a name that goes up", named("../index.json"), failure.ClassSourceRefused, "absolute or goes upwards"},
		{"a name that goes up within", named("blobs/../index.json"), failure.ClassSourceRefused, "absolute or goes upwards"},
		{"a name of another system", named(`blobs\..\..\x`), failure.ClassSourceRefused, "absolute or goes upwards"},
		{"a long name", named(strings.Repeat("x", 256)), failure.ClassSourceRefused, "a name of 256 bytes"},
		{"a name twice", named("index.json"), failure.ClassSourceRefused, `two entries "index.json"`},
		{"a name twice in another form", named(".//index.json"), failure.ClassSourceRefused, `two entries "index.json"`},
		{"another blob under the name", func(t *testing.T, entries []tarEntry) []byte {
			blob(entries, large).content = bytes.Repeat([]byte("x"), large)
			return pack(t, entries)
		}, failure.ClassSourceCorrupt, "hashes to"},
		{"a shorter blob", func(t *testing.T, entries []tarEntry) []byte {
			e := blob(entries, large)
			e.content = e.content[1:]
			return pack(t, entries)
		}, failure.ClassSourceCorrupt, "has 1299999 bytes, its descriptor says 1300000"},
		{"a missing blob", func(t *testing.T, entries []tarEntry) []byte {
			blob(entries, large).name = "elsewhere"
			return pack(t, entries)
		}, failure.ClassSourceMissing, "is missing"},
		{"no index.json", func(t *testing.T, _ []tarEntry) []byte {
			return pack(t, []tarEntry{{name: "oci-layout", content: []byte(`{"imageLayoutVersion":"1.0.0"}`)}})
		}, failure.ClassSourceMissing, `index.json" is missing`},
		{"an archive of something else", func(t *testing.T, _ []tarEntry) []byte {
			return pack(t, []tarEntry{{name: "file", content: []byte("x")}})
		}, failure.ClassSourceMissing, "is missing"},
		{"an empty archive", func(t *testing.T, _ []tarEntry) []byte { return pack(t, nil) }, failure.ClassSourceMissing, "is missing"},
		{"an empty file", func(*testing.T, []tarEntry) []byte { return nil }, failure.ClassSourceMissing, "is missing"},
		{"no archive", func(*testing.T, []tarEntry) []byte { return bytes.Repeat([]byte("x"), 2000) }, failure.ClassSourceCorrupt, "not a tar file"},
		{"cut off in a blob", func(t *testing.T, entries []tarEntry) []byte {
			packed := pack(t, entries)
			return packed[:len(packed)/2]
		}, failure.ClassSourceCorrupt, "cut off"},
		{"cut off in a header", func(t *testing.T, entries []tarEntry) []byte { return pack(t, entries)[:100] }, failure.ClassSourceCorrupt, "cut off"},
		{"a larger size in the PAX header", func(t *testing.T, entries []tarEntry) []byte {
			return append(paxSize(t, blob(entries, large), "9999999999"), pack(t, entries)...)
		}, failure.ClassSourceCorrupt, "cut off"},
		{"a negative size in the PAX header", func(t *testing.T, entries []tarEntry) []byte {
			return append(paxSize(t, blob(entries, large), "-1"), pack(t, entries)...)
		}, failure.ClassSourceCorrupt, "not a tar file"},
		{"an old sparse file", func(t *testing.T, entries []tarEntry) []byte {
			packed := pack(t, entries)
			reseal(packed, blob(entries, small).name, func(h []byte) {
				h[156] = tar.TypeGNUSparse
				copy(h[257:], "ustar  \x00")
				clear(h[345:512])
				copy(h[386:], "00000000000\x0000000001750\x00") // One piece, 1000 bytes from byte 0.
				copy(h[483:], "00000001750\x00")
			})
			return packed
		}, failure.ClassSourceRefused, "a sparse file"},
		{"a new sparse file", func(t *testing.T, entries []tarEntry) []byte {
			e := blob(entries, small)
			// A map of no pieces, then a size that the file does not have.
			packed := pax(t, *e, "GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.realsize", "1000", "GNU.sparse.name", e.name)
			packed = append(packed, tarOf(t, tarEntry{name: "GNUSparseFile.0/x", content: append([]byte("0\n"), make([]byte, 510)...)})[:1024]...)
			e.name = "elsewhere"
			return append(packed, pack(t, entries)...)
		}, failure.ClassSourceRefused, "a sparse file"},
		{"compressed in an unknown format", func(*testing.T, []tarEntry) []byte { return []byte("BZh91AY&SY") }, failure.ClassSourceRefused, "is compressed with bzip2"},
		{"compressed and cut off", func(t *testing.T, entries []tarEntry) []byte {
			packed := gzipped(t, pack(t, entries))
			return packed[:len(packed)/2]
		}, failure.ClassSourceCorrupt, "or is cut off"},
		{"another blob in what is compressed", func(t *testing.T, entries []tarEntry) []byte {
			blob(entries, large).content = bytes.Repeat([]byte("x"), large)
			return gzipped(t, pack(t, entries))
		}, failure.ClassSourceCorrupt, "hashes to"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			file := f.archived("oci-archive:")
			write(t, file, test.spoil(t, entriesOf(t, f.layout)))
			if reason := f.fail(test.class); !strings.Contains(reason.Error(), test.text) {
				t.Errorf("the error is %q, want %q in it", reason, test.text)
			}
		})
	}
}

// A header for every name would fill the memory.
func TestArchiveWithTooManyEntries(t *testing.T) {
	f := newFixture(t)
	many := make([]tarEntry, 30_001)
	for i := range many {
		many[i].name = fmt.Sprint(i)
	}
	f.archived("oci-archive:", many...)
	if reason := f.fail(failure.ClassSourceRefused); !strings.Contains(reason.Error(), "more than 30000 entries") {
		t.Errorf("the error is %q", reason)
	}
}

func TestArchiveThatIsNoFile(t *testing.T) {
	f := newFixture(t)
	file := f.archived("", entriesOf(t, f.layout)...)
	linked := filepath.Join(t.TempDir(), "link")
	link(t, file, linked)
	for source, class := range map[string]failure.Class{
		"oci-archive:":                     failure.ClassSourceRefused,
		"oci-archive:" + f.layout:          failure.ClassSourceRefused,
		"oci-archive:" + linked:            failure.ClassSourceRefused,
		linked:                             failure.ClassSourceRefused,
		"oci-archive:/dev/zero":            failure.ClassSourceRefused,
		"oci-archive:" + file + "x":        failure.ClassSourceMissing,
		"oci-archive:" + file + "/x":       failure.ClassSourceMissing,
		"oci-archive:" + file + ":missing": failure.ClassSourceMissing,
	} {
		f.opts.Source = source
		f.fail(class)
	}
}

// pax is a PAX header for e with the given records, which archive/tar would not write.
func pax(t testing.TB, e tarEntry, records ...string) []byte {
	t.Helper()
	var text string
	for i := 0; i < len(records); i += 2 {
		record := " " + records[i] + "=" + records[i+1] + "\n"
		size := len(record) + 1
		for len(fmt.Sprint(size))+len(record) != size {
			size++
		}
		text += fmt.Sprint(size) + record
	}
	packed := tarOf(t, tarEntry{name: "PaxHeaders.0/x", content: []byte(text)})
	reseal(packed, "PaxHeaders.0/x", func(h []byte) { h[156] = tar.TypeXHeader })
	return packed[:len(packed)-1024]
}

// paxSize takes e out of its archive and packs it with another size.
func paxSize(t testing.TB, e *tarEntry, size string) []byte {
	t.Helper()
	packed := append(pax(t, *e, "size", size), tarOf(t, *e)...)
	e.name = "elsewhere"
	return packed[:len(packed)-1024]
}

// reseal changes the header of the entry with the given name and corrects its checksum.
func reseal(packed []byte, name string, change func(header []byte)) {
	for at := 0; at+512 <= len(packed); at += 512 {
		header := packed[at : at+512]
		if string(bytes.TrimRight(header[:100], "\x00")) != name {
			continue
		}
		change(header)
		copy(header[148:156], "        ")
		sum := 0
		for _, b := range header {
			sum += int(b)
		}
		copy(header[148:], fmt.Sprintf("%06o\x00 ", sum))
		return
	}
	panic("no entry " + name)
}

// The tar file is read where it lies: nothing is written anywhere.
func TestArchiveIsNotUnpacked(t *testing.T) {
	f := newFixture(t)
	f.archived("oci-archive:", entriesOf(t, f.layout)...)
	dir := t.TempDir()
	t.Setenv("TMPDIR", filepath.Join(dir, "none"))
	f.push()
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("the push left %v", left)
	}
}
