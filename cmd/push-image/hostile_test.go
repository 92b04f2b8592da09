package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// mostMemoryRefusing is what a refusal may cost, in bytes.
const mostMemoryRefusing = 64 << 20

// whole is the size of the largest document that is read.
const whole = 4 << 20

// measure returns a program that prints what another takes, which it builds beside binary: a test with the race detector is too large to be
// the parent of what is measured.
func measure(t *testing.T, binary string) string {
	t.Helper()
	path := filepath.Join(filepath.Dir(binary), "measure")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if out, err := exec.Command("go", "build", "-o", path, "./testdata/measure").CombinedOutput(); err != nil {
		t.Fatalf("building measure: %v\n%s", err, out)
	}
	return path
}

// hostile is a source that somebody made to fill the memory.
type hostile struct {
	t   *testing.T
	dir string
	// files are those of the layout, or of the tar file.
	files map[string]string
}

// blob adds one and returns its descriptor.
func (h hostile) blob(mediaType, content string) string {
	sum := sha256.Sum256([]byte(content))
	digest := hex.EncodeToString(sum[:])
	h.files["blobs/sha256/"+digest] = content
	return fmt.Sprintf(`{"mediaType":%q,"digest":"sha256:%s","size":%d}`, mediaType, digest, len(content))
}

// manifest adds one and returns its descriptor.
func (h hostile) manifest(content string) string {
	return h.blob("application/vnd.oci.image.manifest.v1+json", content)
}

// index makes the layout's index of the given descriptors.
func (h hostile) index(manifests ...string) {
	h.files["index.json"] = `{"schemaVersion":2,"manifests":[` + strings.Join(manifests, ",") + `]}`
}

// layout writes a directory.
func (h hostile) layout() string {
	for name, content := range h.files {
		path := filepath.Join(h.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			h.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			h.t.Fatal(err)
		}
	}
	return "oci:" + h.dir
}

// archive writes a tar file that begins with the given entries.
func (h hostile) archive(kind string, first func(*tar.Writer) error) string {
	file, err := os.Create(filepath.Join(h.dir, "image.tar"))
	if err != nil {
		h.t.Fatal(err)
	}
	defer file.Close()
	w := tar.NewWriter(file)
	if err := first(w); err != nil {
		h.t.Fatal(err)
	}
	for name, content := range h.files {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(content))}); err != nil {
			h.t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			h.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		h.t.Fatal(err)
	}
	return kind + file.Name()
}

// filled is a document of up to whole bytes: start, then element by number, separated by commas, then end.
func filled(start, end string, element func(n int) string) string {
	var b strings.Builder
	b.WriteString(start)
	for n := 0; ; n++ {
		next := element(n)
		if b.Len()+1+len(next)+len(end) > whole {
			return b.String() + end
		}
		if n > 0 {
			b.WriteByte(',')
		}
		b.WriteString(next)
	}
}

func same(text string) func(int) string { return func(int) string { return text } }

func numbered(format string) func(int) string {
	return func(n int) string { return fmt.Sprintf(format, n) }
}

// atMost ends a document after n elements.
func atMost(most int, element func(int) string) func(int) string {
	return func(n int) string {
		if n >= most {
			return strings.Repeat(" ", whole)
		}
		return element(n)
	}
}

const (
	imageStart = `{"schemaVersion":2,"config":`
	layerField = `"digest":"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","size":3,"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip"`
)

// refusal runs the program on a source, and wants it refused with class and text, in little memory.
func refusal(t *testing.T, binary, source string, class failure.Class, text string, flags ...string) {
	t.Helper()
	command := exec.Command(measure(t, binary), append([]string{binary, "--source", source}, flags...)...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	exit, most, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if exit != strconv.Itoa(class.Exit) || !strings.Contains(stderr.String(), text) {
		t.Errorf("the exit code is %s, want %d and %q:\n%.2000s", exit, class.Exit, text, &stderr)
	}
	if stderr.Len() > 8000 {
		t.Errorf("the log has %d bytes", stderr.Len())
	}
	peak, err := strconv.Atoi(most)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("it took %.1f MiB", float64(peak)/(1<<20))
	if peak == 0 || peak > mostMemoryRefusing {
		t.Errorf("it took %d bytes, not between 0 and %d", peak, mostMemoryRefusing)
	}
}

// buildBinary builds the program as it is released.
func buildBinary(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "push-image")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// What is refused is refused by its class, and takes little memory until then, whatever it was made of.
func TestHostileSourcesTakeLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("archives of hundreds of megabytes are made")
	}
	binary := buildBinary(t)
	none := func(*tar.Writer) error { return nil }
	for _, test := range []struct {
		name  string
		write func(h hostile) (source string)
		class failure.Class
		text  string
	}{
		{"an index of nothings", func(h hostile) string {
			h.files["index.json"] = filled(`{"schemaVersion":2,"manifests":[`, `]}`, same(`{}`))
			return h.layout()
		}, failure.ClassSourceRefused, "more than 20000 elements"},
		{"an index in two arrays", func(h hostile) string {
			h.files["index.json"] = filled(`{"schemaVersion":2,"manifests":[`, `]}`, atMost(10_000, same(`{"urls":[`+strings.Repeat(`"",`, 100)+`""]}`)))
			return h.layout()
		}, failure.ClassSourceRefused, "more than 200000 values"},
		{"an index of names, and another one chosen", func(h hostile) string {
			h.files["index.json"] = filled(`{"schemaVersion":2,"manifests":[`, `]}`, atMost(15_000, numbered(
				`{"size":5,"digest":"sha256:%064x","annotations":{"org.opencontainers.image.ref.name":"abcdefghijklmnopqrstuvwxyz"}}`)))
			return h.layout() + ":v1"
		}, failure.ClassSourceMissing, "and 14995 more"},
		{"manifests beside the one that is chosen", func(h hostile) string {
			var images []string
			for n := range 15 {
				images = append(images, h.manifest(filled(fmt.Sprintf(`{"n":%d,"subject":{},"schemaVersion":2,"layers":[`, n), `]}`, atMost(15_000, same(`{`+layerField+`}`)))))
			}
			h.index(images...)
			return h.layout() + ":v1"
		}, failure.ClassSourceMissing, "no image named"},
		{"too many bytes beside the one that is chosen", func(h hostile) string {
			h.files["index.json"] = filled(`{"schemaVersion":2,"manifests":[`, `]}`, atMost(15_000, numbered(`{"size":4194304,"digest":"sha256:%064x"}`)))
			return h.layout() + ":v1"
		}, failure.ClassSourceRefused, "bytes together"},
		{"an index of brackets", func(h hostile) string {
			h.files["index.json"] = `{"schemaVersion":2,"manifests":` + strings.Repeat("[", 2_000_000)
			return h.layout()
		}, failure.ClassSourceCorrupt, "max depth"},
		{"an index of closed brackets", func(h hostile) string {
			h.files["index.json"] = `{"schemaVersion":2,"x":` + strings.Repeat(`[`, 9_000) + strings.Repeat(`]`, 9_000) + `}`
			return h.layout()
		}, failure.ClassSourceRefused, "nested more than 32 deep"},
		{"an index of annotations", func(h hostile) string {
			h.files["index.json"] = filled(`{"schemaVersion":2,"annotations":{`, `}}`, numbered(`"%x":""`))
			return h.layout()
		}, failure.ClassSourceRefused, "more than 20000 elements"},
		{"an index of one text", func(h hostile) string {
			h.files["index.json"] = `{"schemaVersion":2,"manifests":[{"digest":"` + strings.Repeat(`\u0000`, whole/6-20) + `"}]}`
			return h.layout()
		}, failure.ClassSourceCorrupt, "not an index"},
		{"an index of one name", func(h hostile) string {
			h.files["index.json"] = `{"schemaVersion":2,"` + strings.Repeat(`x`, whole/2-20) + `":1,"` + strings.Repeat(`x`, whole/2-20) + `":2}`
			return h.layout()
		}, failure.ClassSourceRefused, "given twice"},
		{"a manifest of nothings", func(h hostile) string {
			h.index(h.manifest(filled(imageStart+`{},"layers":[`, `]}`, same(`{}`))))
			return h.layout()
		}, failure.ClassSourceRefused, "more than 20000 elements"},
		{"a manifest of nulls", func(h hostile) string {
			h.index(h.manifest(filled(imageStart+`{},"layers":[`, `]}`, same(`null`))))
			return h.layout()
		}, failure.ClassSourceRefused, "more than 20000 elements"},
		{"a manifest of platforms", func(h hostile) string {
			h.index(h.manifest(filled(imageStart+`{},"layers":[`, `]}`, same(`{"platform":{"os.features":["",""],"features":[""]}}`))))
			return h.layout()
		}, failure.ClassSourceRefused, "more than 20000 elements"},
		{"a manifest of annotated layers", func(h hostile) string {
			h.index(h.manifest(filled(imageStart+`{},"layers":[`, `]}`, atMost(19_000, same(`{"annotations":{"a":"","b":"","c":"","d":"","e":"","f":"","g":"","h":"","i":""}}`)))))
			return h.layout()
		}, failure.ClassSourceRefused, "more than 200000 values"},
		{"a manifest of a media type", func(h hostile) string {
			h.index(h.manifest(`{"schemaVersion":2,"mediaType":"` + strings.Repeat(`\u0001`, whole/6-20) + `"}`))
			return h.layout()
		}, failure.ClassSourceRefused, "the manifest says it is"},
		{"manifests within the bounds, too many together", func(h hostile) string {
			h.files["blobs/sha256/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"] = "abc"
			config := h.blob("application/vnd.oci.image.config.v1+json", `{}`)
			var images []string
			for n := range 3 {
				images = append(images, h.manifest(filled(imageStart+config+`,"layers":[`, fmt.Sprintf(`],"n":%d}`, n), atMost(15_000, same(`{`+layerField+`}`)))))
			}
			h.index(h.blob("application/vnd.oci.image.index.v1+json", `{"schemaVersion":2,"manifests":[`+strings.Join(images, ",")+`]}`))
			return h.layout()
		}, failure.ClassSourceRefused, "name more than 40000"},
		{"manifests of spaces, the last one not there", func(h hostile) string {
			config := h.blob("application/vnd.oci.image.config.v1+json", `{}`)
			var images []string
			for n := range 2 {
				images = append(images, h.manifest(imageStart+config+`,"layers":[]`+strings.Repeat(" ", whole-2000-n)+`}`))
			}
			images = append(images, h.manifest(`{"schemaVersion":2}`))
			h.index(h.blob("application/vnd.oci.image.index.v1+json", `{"schemaVersion":2,"manifests":[`+strings.Join(images, ",")+`]}`))
			return h.layout()
		}, failure.ClassSourceCorrupt, "no config"},
		{"a list of images", func(h hostile) string {
			h.files["manifest.json"] = filled(`[`, `]`, same(`{}`))
			return h.archive("docker-archive:", none)
		}, failure.ClassSourceRefused, "more than 20000 elements"},
		{"a million tags", func(h hostile) string {
			h.files["manifest.json"] = filled(`[{"Config":"c","RepoTags":[`, `]}]`, same(`""`))
			return h.archive("docker-archive:", none)
		}, failure.ClassSourceRefused, "more than 20000 elements"},
		{"a million layers", func(h hostile) string {
			h.files["manifest.json"] = filled(`[{"Config":"c","Layers":[`, `]}]`, numbered(`"%d"`))
			return h.archive("docker-archive:", none)
		}, failure.ClassSourceRefused, "more than 20000 elements"},
		{"a config of diff_ids", func(h hostile) string {
			h.files["manifest.json"] = `[{"Config":"c"}]`
			h.files["c"] = filled(`{"rootfs":{"diff_ids":[`, `]}}`, same(`null`))
			return h.archive("docker-archive:", none)
		}, failure.ClassSourceRefused, "more than 20000 elements"},
		{"a config of history", func(h hostile) string {
			h.files["manifest.json"] = `[{"Config":"c"}]`
			h.files["c"] = filled(`{"history":[`, `]}`, same(`{}`))
			return h.archive("docker-archive:", none)
		}, failure.ClassSourceRefused, "more than 20000 elements"},
		{"layers that need large windows", func(h hostile) string {
			var layer bytes.Buffer
			w, err := zstd.NewWriter(&layer, zstd.WithWindowSize(8<<20))
			if err != nil {
				h.t.Fatal(err)
			}
			for range 64 {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					h.t.Fatal(err)
				}
			}
			if err := errors.Join(w.Flush(), w.Close()); err != nil {
				h.t.Fatal(err)
			}
			var names, digests []string
			for n := range 6 {
				name := fmt.Sprint(n)
				h.files[name] = layer.String()
				names, digests = append(names, strconv.Quote(name)), append(digests, `"sha256:`+strings.Repeat("0", 64)+`"`)
			}
			h.files["manifest.json"] = `[{"Config":"c","Layers":[` + strings.Join(names, ",") + `]}]`
			h.files["c"] = `{"rootfs":{"diff_ids":[` + strings.Join(digests, ",") + `]}}`
			return h.archive("docker-archive:", none)
		}, failure.ClassSourceCorrupt, "hashes to"},
		{"an archive of entries, and manifests", func(h hostile) string {
			h.files["oci-layout"] = `{"imageLayoutVersion":"1.0.0"}`
			config := h.blob("application/vnd.oci.image.config.v1+json", `{}`)
			var images []string
			for n := range 2 {
				images = append(images, h.manifest(imageStart+config+`,"layers":[]`+strings.Repeat(" ", whole-2000-n)+`}`))
			}
			images = append(images, h.manifest(`{"schemaVersion":2}`))
			h.index(h.blob("application/vnd.oci.image.index.v1+json", `{"schemaVersion":2,"manifests":[`+strings.Join(images, ",")+`]}`))
			return h.archive("oci-archive:", entries(29_980, 70, tar.Header{Typeflag: tar.TypeSymlink, Linkname: strings.Repeat("l", 60)}))
		}, failure.ClassSourceCorrupt, "no config"},
		{"an archive of long names", func(h hostile) string {
			return h.archive("", entries(9_000, 250, tar.Header{Typeflag: tar.TypeSymlink, Linkname: strings.Repeat("l", 250)}))
		}, failure.ClassSourceRefused, "more than 4194304 bytes together"},
		{"an archive of entries", func(h hostile) string {
			return h.archive("", entries(30_001, 20, tar.Header{Typeflag: tar.TypeFifo}))
		}, failure.ClassSourceRefused, "more than 30000 entries"},
		{"an archive of large headers", func(h hostile) string {
			return h.archive("", entries(100, 250, tar.Header{PAXRecords: map[string]string{"VENDOR.x": strings.Repeat("x", 1_000_000)}}))
		}, failure.ClassSourceRefused, "more than 65536 bytes of headers"},
		{"an archive of headers with many records", func(h hostile) string {
			records := map[string]string{}
			for n := range 3_000 {
				records[fmt.Sprintf("VENDOR.%d", n)] = "x"
			}
			return h.archive("oci-archive:", entries(100, 250, tar.Header{PAXRecords: records}))
		}, failure.ClassSourceMissing, "oci-layout"},
		{"an archive of an endless map of holes", func(h hostile) string {
			path := filepath.Join(h.dir, "holes.tar")
			if err := os.WriteFile(path, holes(h.t, 100_000), 0o644); err != nil {
				h.t.Fatal(err)
			}
			return path
		}, failure.ClassSourceRefused, "more than 65536 bytes of headers"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := hostile{t, t.TempDir(), map[string]string{}}
			source := test.write(h)
			if strings.HasPrefix(source, "oci:") {
				h.files = map[string]string{"oci-layout": `{"imageLayoutVersion":"1.0.0"}`, "blobs/sha256/x": ""}
				h.layout()
			}
			refusal(t, binary, source, test.class, test.text, "--image-ref", "quay.invalid/team-a/app", "--dockerconfig", h.dir)
		})
	}
}

// A registry is a stranger, too.
func TestHostileRegistryTakesLittleMemory(t *testing.T) {
	binary := buildBinary(t)
	for _, test := range []struct {
		name, path string
		status     int
		header     http.Header
		body       string
		class      failure.Class
		text       string
	}{
		{"a manifest of nothings", "/manifests/", 200, http.Header{"Content-Type": {"application/vnd.oci.image.manifest.v1+json"}},
			filled(imageStart+`{},"layers":[`, `]}`, same(`{}`)), failure.ClassSourceRefused, "more than 20000 elements"},
		{"a manifest without a type", "/manifests/", 200, nil, filled(imageStart+`{},"layers":[`, `]}`, same(`{}`)), failure.ClassSourceRefused, "more than 20000 elements"},
		{"errors", "/manifests/", 400, nil, filled(`{"errors":[`, `]}`, same(`{}`)), failure.ClassProtocol, "400 Bad Request"},
		{"a token", "^/v2/auth$", 200, nil, filled(`{"token":"x","access":[`, `]}`, same(`{}`)), failure.ClassProtocol, "sent no token"},
	} {
		t.Run(test.name, func(t *testing.T) {
			q := quaytest.Start(t)
			q.AddOrganization("team-a")
			q.AddRepository("team-a", "app")
			q.AddRobot("team-a", "ci")
			q.Grant("team-a/app", "team-a+ci", quaytest.Write)
			q.Faults.Add(quaytest.Fault{Name: test.name, Path: test.path, Times: -1, Effect: quaytest.Status(test.status, test.header, test.body)})
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "config.json"), q.Dockerconfig("team-a+ci"), 0o600); err != nil {
				t.Fatal(err)
			}
			refusal(t, binary, "docker://"+q.Host()+"/team-a/app:v1", test.class, test.text,
				"--image-ref", q.Host()+"/team-a/copy", "--dockerconfig", dir, "--ca-file", q.CAFile(), "--timeout", "10s")
		})
	}
}

// entries are n empty entries with names of the given length.
func entries(n, length int, header tar.Header) func(*tar.Writer) error {
	return func(w *tar.Writer) error {
		for i := range n {
			header.Name = fmt.Sprintf("%0*d", length, i)
			if err := w.WriteHeader(&header); err != nil {
				return err
			}
		}
		return nil
	}
}

// holes is a sparse file in GNU's old format, whose map goes on for n blocks.
func holes(t *testing.T, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "x", Format: tar.FormatGNU}); err != nil {
		t.Fatal(err)
	}
	block := b.Bytes()[:512]
	block[156] = 'S'
	block[482] = 1 // There is more of the map.
	copy(block[148:156], "        ")
	sum := 0
	for _, c := range block {
		sum += int(c)
	}
	copy(block[148:156], fmt.Sprintf("%06o\x00 ", sum))
	next := make([]byte, 512)
	next[504] = 1
	for i := range 21 {
		copy(next[24*i:], "00000000000\x0000000000000\x00")
	}
	return append(bytes.Clone(block), bytes.Repeat(next, n)...)
}
