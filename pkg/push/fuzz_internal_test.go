package push

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"
)

// classed fails for an error that a user could not do anything with.
func classed(t *testing.T, err error) {
	t.Helper()
	failure := (*Error)(nil)
	if err != nil && (!errors.As(err, &failure) || failure.Class == ClassInternal || failure.Problem == "" || failure.Next == "") {
		t.Errorf("the error has no class: %v", err)
	}
}

// whole reads everything that a source says it has.
func whole(t *testing.T, s source) {
	t.Helper()
	i, err := readImage(t.Context(), s)
	classed(t, err)
	if err != nil {
		return
	}
	if len(i.manifests) > maxManifests || len(i.blobs) > maxBlobs || digestOf(i.root().body) != i.digest {
		t.Errorf("the image has %d manifests, %d blobs and the digest %s", len(i.manifests), len(i.blobs), i.digest)
	}
	for _, d := range i.blobs {
		content, err := openVerified(t.Context(), s, d, nil)
		if err == nil {
			_, err = io.Copy(io.Discard, content)
			content.Close()
		}
		classed(t, err)
	}
}

// memory is a layout's files.
type memory map[string][]byte

func (m memory) open(name string) (io.ReadCloser, int64, error) {
	content, ok := m[name]
	if !ok {
		return nil, 0, missing(fs.ErrNotExist, "%q is missing", name)
	}
	return io.NopCloser(bytes.NewReader(content)), int64(len(content)), nil
}

func (m memory) path(name string) string { return name }
func (m memory) Close() error            { return nil }

// add adds a blob and returns its descriptor.
func (m memory) add(mediaType types.MediaType, content []byte) v1.Descriptor {
	digest, err := v1.NewHash(digestOf(content))
	if err != nil {
		panic(err)
	}
	m["blobs/sha256/"+digest.Hex] = content
	return v1.Descriptor{MediaType: mediaType, Size: int64(len(content)), Digest: digest}
}

func marshal(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

const emptyConfig = `{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.empty.v1+json","size":2,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}`

// FuzzLayout reads a layout whose index.json, version, manifest and blob are anything. Only what has the digest by which it is
// named comes so far, so the manifest is put where its digest says, and into an index of its own.
func FuzzLayout(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"manifests":[]}`), []byte(`{"imageLayoutVersion":"1.0.0"}`), []byte(emptyConfig+`}`), []byte(`{}`), "application/vnd.oci.image.manifest.v1+json", "")
	f.Add([]byte(``), []byte(`{"imageLayoutVersion":"1.0.0"}`), []byte(emptyConfig+`,"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":1,"digest":"sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}]}`), []byte(`x`), "application/vnd.oci.image.manifest.v1+json", "v1")
	f.Add([]byte(`null`), []byte(`{"imageLayoutVersion":"1."}`), []byte(`{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json","size":-1,"digest":"sha256:x"}]}`), []byte(``), "application/vnd.oci.image.index.v1+json", "")
	f.Fuzz(func(t *testing.T, index, version, manifest, blob []byte, mediaType, ref string) {
		m := memory{"oci-layout": version, "index.json": index}
		m.add("", blob)
		m.add("", []byte("{}"))
		root := m.add(types.MediaType(mediaType), manifest)
		for range 2 {
			s, err := newLayout(&pusher{log: slog.New(slog.DiscardHandler)}, m, ref)
			classed(t, err)
			if err == nil {
				whole(t, s)
			}
			root.Annotations = map[string]string{refName: ref}
			m["index.json"] = marshal(map[string]any{"schemaVersion": 2, "manifests": []v1.Descriptor{root}})
		}
	})
}

// FuzzManifest parses anything as a manifest of any type. What is taken may be fetched and checked without a further look.
func FuzzManifest(f *testing.F) {
	f.Add("application/vnd.oci.image.manifest.v1+json", []byte(emptyConfig+`,"layers":[]}`))
	f.Add("application/vnd.oci.image.index.v1+json", []byte(`{"schemaVersion":2,"manifests":[{"mediaType":"x","size":0,"digest":"sha256:`+strings.Repeat("0", 64)+`","urls":["https://x"]}]}`))
	f.Add("application/vnd.docker.distribution.manifest.v2+json", []byte(emptyConfig+`,"subject":null,"layers":[{"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"}]}`))
	f.Fuzz(func(t *testing.T, mediaType string, body []byte) {
		doc, err := parseDocument(types.MediaType(mediaType), body)
		classed(t, err)
		if err != nil {
			return
		}
		for _, d := range doc.descriptors() {
			if d.Digest.Algorithm != "sha256" || len(d.Digest.Hex) != 64 || strings.Trim(d.Digest.Hex, "0123456789abcdef") != "" || d.Size < 0 || len(d.URLs) > 0 {
				t.Errorf("taken was %+v", d)
			}
		}
		if t := types.MediaType(mediaType); len(doc.Manifests) > 0 && !t.IsIndex() || doc.Config == nil && !t.IsIndex() {
			panic("an image with manifests, or without config")
		}
	})
}

// FuzzArchive indexes anything as a tar file. What it finds must be what archive/tar reads.
func FuzzArchive(f *testing.F) {
	pack := func(headers ...tar.Header) []byte {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, h := range headers {
			err := w.WriteHeader(&h)
			if err == nil && h.Size > 0 {
				_, err = w.Write(make([]byte, h.Size))
			}
			if err != nil {
				f.Fatal(err)
			}
		}
		w.Close()
		return b.Bytes()
	}
	f.Add(pack(tar.Header{Name: "oci-layout", Size: 10}, tar.Header{Name: "blobs/", Typeflag: tar.TypeDir}, tar.Header{Name: "index.json", Size: 600}))
	f.Add(pack(tar.Header{Name: "a", Size: 3}, tar.Header{Name: "b", Typeflag: tar.TypeSymlink, Linkname: "../a"}, tar.Header{Name: "c", Typeflag: tar.TypeLink, Linkname: "a"}))
	f.Add(pack(tar.Header{Name: strings.Repeat("long/", 40) + "x", Size: 3, Format: tar.FormatPAX, PAXRecords: map[string]string{"VENDOR.x": "y"}}, tar.Header{Name: "x", Format: tar.FormatGNU, Size: 1}))
	file, err := os.CreateTemp(f.TempDir(), "")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { file.Close() })
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := file.WriteAt(data, 0); err != nil {
			t.Fatal(err)
		}
		a := &archive{file: file, entries: map[string]entry{}}
		err := a.index(t.Context(), int64(len(data)))
		classed(t, err)
		if err != nil {
			return
		}
		reader := tar.NewReader(bytes.NewReader(data))
		for {
			header, err := reader.Next()
			if err != nil {
				break
			}
			if header.Typeflag != tar.TypeReg || sparse(header) {
				continue
			}
			want, err := io.ReadAll(reader)
			if err != nil {
				t.Fatalf("%q was taken, and ends before it should: %v", header.Name, err)
			}
			content, err := a.section(header.Name)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(content); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%q has %d bytes, archive/tar reads %d (%v)", header.Name, len(got), len(want), err)
			}
		}
		for name, e := range a.entries {
			if !filepath.IsLocal(name) || e.link != "" && !filepath.IsLocal(e.link) {
				t.Errorf("entry %q, link %q", name, e.link)
			}
			_, err := a.follow(name)
			classed(t, err)
		}
	})
}

// FuzzDockerArchive makes an image of any manifest.json, config and layer.
func FuzzDockerArchive(f *testing.F) {
	good := []byte(`[{"Config":"c","Layers":["l"],"RepoTags":["a:b"]}]`)
	config := func(layer string) []byte {
		return []byte(`{"rootfs":{"diff_ids":["` + digestOf([]byte(layer)) + `"]}}`)
	}
	f.Add(good, config("x"), []byte("x"), "")
	for _, write := range []func(io.Writer) io.WriteCloser{
		func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z },
	} {
		var layer bytes.Buffer
		w := write(&layer)
		if _, err := io.WriteString(w, "layer"); err != nil || w.Close() != nil {
			f.Fatal(err)
		}
		f.Add(good, config("layer"), layer.Bytes(), "a:b")
	}
	f.Add([]byte(`[{"Config":"../c","Layers":["/l","l"]},null]`), []byte(`{"rootfs":null}`), []byte("BZh"), "x")
	dir := f.TempDir()
	p := &pusher{log: slog.New(slog.DiscardHandler)}
	f.Fuzz(func(t *testing.T, manifest, config, layer []byte, ref string) {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for name, content := range map[string][]byte{savedImages: manifest, "c": config, "l": layer} {
			if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(content))}); err != nil {
				t.Fatal(err)
			}
			w.Write(content)
		}
		w.Close()
		path := filepath.Join(dir, "image.tar")
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := openArchive(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		s, err := newDockerArchive(t.Context(), p, a, ref)
		classed(t, err)
		if err != nil {
			return
		}
		defer s.Close()
		i, err := readImage(t.Context(), s)
		if err != nil {
			t.Fatalf("the image that was made cannot be read: %v", err)
		}
		for _, d := range i.blobs {
			content, err := openVerified(t.Context(), s, d, nil)
			if err == nil {
				_, err = io.Copy(io.Discard, content)
			}
			if err != nil {
				t.Errorf("what was made is not what the manifest says: %v", err)
			}
		}
	})
}

// FuzzChallenge parses anything as WWW-Authenticate. A challenge that is written by the rules is read as it was meant.
func FuzzChallenge(f *testing.F) {
	f.Add(`Bearer realm="https://quay.test/v2/auth",service="quay.test"`, "https://quay.test/v2/auth", "quay.test")
	f.Add(`Basic realm="x", Bearer realm=y`, `a"b\c`, "")
	f.Add(`bearer  realm = "x" , service=`, "x", `\`)
	f.Fuzz(func(t *testing.T, value, realm, service string) {
		if c, ok := parseChallenge(http.Header{"Www-Authenticate": {value}}); ok != (c.realm != "") {
			t.Errorf("%q is %+v, %v", value, c, ok)
		}
		if realm == "" {
			return
		}
		quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace
		written := `Bearer service="` + quote(service) + `" , realm="` + quote(realm) + `"`
		if c, ok := parseChallenge(http.Header{"Www-Authenticate": {"Basic", written}}); !ok || c.realm != realm || c.service != service {
			t.Errorf("%q is %+v, %v", written, c, ok)
		}
	})
}

// FuzzReference parses anything as an image reference. What is taken leads to the host and repository that it shows, in every
// URL that is made of it.
func FuzzReference(f *testing.F) {
	for _, text := range []string{"quay.io/a/b:v1", "quay.io:443/a/b", "localhost/a@sha256:" + strings.Repeat("0", 64), "[::1]:5000/a", "quay.io/a/../b", "a@quay.io/b", "quay.io/%2e%2e/a", "[1]:0/a"} {
		f.Add(text, "v1")
	}
	f.Fuzz(func(t *testing.T, text, tag string) {
		check := func(to target, reference string) {
			r := &registry{peer: peer{base: url.URL{Scheme: "https", Host: to.host}}, repository: to.repository}
			made := r.url("manifests/"+reference, nil)
			again, err := url.Parse(made.String())
			if err != nil || again.Host != to.host || again.Path != "/v2/"+to.repository+"/manifests/"+reference || again.User != nil || again.RawQuery != "" || again.Fragment != "" {
				t.Errorf("%q leads to %q (%v)", text, made.String(), err)
			}
			if strings.Contains(to.repository, "..") || !strings.HasPrefix(text, to.name()) {
				t.Errorf("%q is %+v", text, to)
			}
		}
		if to, err := parseTarget(text, []string{tag}); err == nil {
			for _, tag := range to.tags {
				check(to, tag)
			}
		} else {
			classed(t, err)
		}
		if from, err := parseOrigin(text); err == nil {
			check(from.target, from.reference)
		} else {
			classed(t, err)
		}
	})
}
