//go:build release

package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/comptech-lab/quay-push/release/cosign"
	"github.com/comptech-lab/quay-push/test/docs"
)

const version = "v0.2.0"

// TestRelease makes two releases of the commit that is checked out, and looks at them as a stranger would. PLATFORMS are as for make release.
func TestRelease(t *testing.T) {
	s := newStage(t)
	first, second := s.release(), s.release()
	t.Run("files", func(t *testing.T) { s.in(t).files(first) })
	t.Run("catalogs", func(t *testing.T) { s.in(t).catalogs(first) })
	t.Run("operators", func(t *testing.T) { s.in(t).operators(first) })
	t.Run("same", func(t *testing.T) { s.in(t).same(first, second) })
	t.Run("checksums", func(t *testing.T) { s.in(t).checksums(first) })
	t.Run("version", func(t *testing.T) { s.in(t).version(first) })
	// The signature of one release is good for the files of the other.
	t.Run("signatures of files", func(t *testing.T) { s.in(t).signatures(first, second) })
	t.Run("signatures of images", func(t *testing.T) { s.in(t).images(first) })
	t.Run("page", func(t *testing.T) { s.in(t).page(first) })
	t.Run("changed", func(t *testing.T) { s.in(t).changed(first) })
}

// in is the stage for a part of the test.
func (s *stage) in(t *testing.T) *stage {
	part := *s
	part.t = t
	return &part
}

func (s *stage) files(dist string) {
	want := []string{"artifacthub.tar.gz", "checksums.txt", "copy.yaml", "cosign.pub", "custody.yaml", "fleet.yaml", "images.txt", "monitoring.yaml", "olm.tar.gz", "openshift.yaml",
		"pipeline.yaml", "provenance.json", "quay.yaml", "release.yaml", "stepaction.yaml", "tutorial.yaml"}
	for _, platform := range s.platforms {
		want = append(want, "tkn-quay_"+version+"_"+strings.ReplaceAll(platform, "/", "_")+".tar.gz")
	}
	for _, name := range slices.Clone(want) {
		if name == "checksums.txt" || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".gz") {
			want = append(want, name+cosign.Suffix)
		}
	}
	got := slices.DeleteFunc(names(s.t, dist), func(name string) bool { return strings.HasSuffix(name, ".spdx.json") })
	if slices.Sort(want); !slices.Equal(got, want) {
		s.t.Errorf("there are\n%q, want\n%q", got, want)
	}
	// Where each image is used.
	in := map[string]string{"build": "tutorial.yaml", "bundle": "", "controller": "release.yaml", "push-image": "release.yaml", "quaytest": "tutorial.yaml",
		"tkn-quay": "fleet.yaml", "update-overlay": "release.yaml"}
	images := strings.Fields(read(s.t, dist, "images.txt"))
	for _, image := range images {
		ref, err := name.NewDigest(image)
		if err != nil {
			s.t.Fatal(err)
		}
		program := path.Base(ref.Context().RepositoryStr())
		file, ok := in[program]
		if delete(in, program); !ok || file != "" && !strings.Contains(read(s.t, dist, file), image) {
			s.t.Errorf("%q does not have %s", file, image)
		}
	}
	if len(in) > 0 {
		s.t.Errorf("of %v there is no image among\n%q", in, images)
	}
}

// same compares all but signatures, which have chance in them.
func (s *stage) same(first, second string) {
	a, b := names(s.t, first), names(s.t, second)
	if !slices.Equal(a, b) {
		s.t.Fatalf("one has %q, the other %q", a, b)
	}
	compared := 0
	for _, name := range a {
		if strings.HasSuffix(name, cosign.Suffix) {
			continue
		}
		if compared++; read(s.t, first, name) != read(s.t, second, name) {
			s.t.Errorf("%s has other bytes", name)
		}
	}
	if least := 15 + len(s.platforms) + 6; compared < least {
		s.t.Errorf("%d files were compared, want %d", compared, least)
	}
}

func (s *stage) checksums(dist string) {
	var want strings.Builder
	for _, name := range names(s.t, dist) {
		if name != "checksums.txt" && !strings.HasSuffix(name, cosign.Suffix) {
			fmt.Fprintf(&want, "%x  %s\n", sha256.Sum256([]byte(read(s.t, dist, name))), name)
		}
	}
	if got := read(s.t, dist, "checksums.txt"); got != want.String() {
		s.t.Errorf("they are\n%s, want\n%s", got, want.String())
	}
	s.run(dist, nil, "sha256sum", "--check", "--strict", "checksums.txt")
}

// version looks into the programs of the images, and runs the one that people install if it is for this machine.
func (s *stage) version(dist string) {
	seen := 0
	for _, ref := range s.references(dist) {
		found, err := remote.Get(ref)
		if err != nil {
			s.t.Fatal(err)
		}
		if found.MediaType.IsIndex() || isBundle(ref) {
			continue
		}
		image, err := found.Image()
		if err != nil {
			s.t.Fatal(err)
		}
		files := mutate.Extract(image)
		built, err := buildinfo.Read(bytes.NewReader(extract(s.t, files, "ko-app/"+path.Base(ref.Context().RepositoryStr()))))
		files.Close()
		if err != nil || built.Main.Version != version || !strings.Contains(built.String(), "vcs.revision="+s.commit+"\n") {
			s.t.Errorf("%s has %v, %v", ref, built, err)
		}
		seen++
	}
	if seen < 6 {
		s.t.Errorf("%d images were looked into", seen)
	}
	archive := filepath.Join(dist, "tkn-quay_"+version+"_linux_amd64.tar.gz")
	if _, err := os.Stat(archive); err != nil {
		return
	}
	dir := s.t.TempDir()
	s.run(dir, nil, "tar", "xzf", archive)
	var told struct{ Version, Commit string }
	if err := json.Unmarshal([]byte(s.run(dir, nil, "./tkn-quay", "version", "-o", "json")), &told); err != nil || told.Version != version || told.Commit != s.commit {
		s.t.Errorf("tkn quay version says %+v, %v", told, err)
	}
}

func (s *stage) signatures(signed, files string) {
	public, n := filepath.Join(signed, "cosign.pub"), 0
	for _, bundle := range names(s.t, signed) {
		name, ok := strings.CutSuffix(bundle, cosign.Suffix)
		if !ok {
			continue
		}
		n++
		if _, words, ok := s.cosign("verify-blob", public, "--bundle", filepath.Join(signed, bundle), filepath.Join(files, name)); !ok {
			s.t.Errorf("cosign refuses %s: %s", name, words)
		}
	}
	if least := 12 + len(s.platforms); n < least {
		s.t.Errorf("%d files are signed, want %d", n, least)
	}
}

// images verifies the signature of each, and that its SBOM and its provenance are those of the release.
func (s *stage) images(dist string) {
	public := filepath.Join(dist, "cosign.pub")
	for _, ref := range s.references(dist) {
		// cosign verify takes an attestation for a signature, too, and says which of them it has seen.
		if out, words, ok := s.cosign("verify", public, ref.String()); !ok || !strings.Contains(out, `"type":"https://sigstore.dev/cosign/sign/v1"`) {
			s.t.Errorf("cosign sees no signature of %s: %s%s", ref, out, words)
		}
		if got, want := s.attested(public, "slsaprovenance1", ref), object(s.t, read(s.t, dist, "provenance.json")); !reflect.DeepEqual(got, want) {
			s.t.Errorf("%s was built from %v, want %v", ref, got, want)
		}
		if isBundle(ref) {
			continue
		}
		sbom := s.attested(public, "spdxjson", ref)
		packages, _ := sbom["packages"].([]any)
		if len(packages) == 0 || packages[0].(map[string]any)["name"] != ref.DigestStr() {
			s.t.Errorf("the SBOM of %s is of %v", ref, packages)
		}
		if !slices.ContainsFunc(names(s.t, dist), func(name string) bool {
			return strings.HasSuffix(name, ".spdx.json") && reflect.DeepEqual(object(s.t, read(s.t, dist, name)), sbom)
		}) {
			s.t.Errorf("no file has the SBOM of %s", ref)
		}
	}
}

// attested is the one predicate of that kind that cosign has verified of an image, or one for each release of the same image, which say the same.
func (s *stage) attested(public, kind string, ref name.Digest) map[string]any {
	s.t.Helper()
	out, words, ok := s.cosign("verify-attestation", public, "--type", kind, ref.String())
	if !ok {
		s.t.Errorf("cosign refuses the %s of %s: %s", kind, ref, words)
		return nil
	}
	var said map[string]any
	for line := range strings.Lines(out) {
		var e struct{ Payload string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			s.t.Fatalf("%v: %s", err, line)
		}
		payload, err := base64.StdEncoding.DecodeString(e.Payload)
		if err != nil {
			s.t.Fatal(err)
		}
		predicate, _ := object(s.t, string(payload))["predicate"].(map[string]any)
		if said != nil && !reflect.DeepEqual(said, predicate) {
			s.t.Errorf("two releases say other things of %s: %v, %v", ref, said, predicate)
		}
		said = predicate
	}
	return said
}

// page runs what docs/releasing.md tells who has a release to.
func (s *stage) page(dist string) {
	const page = "../docs/releasing.md"
	before, _, _ := strings.Cut(read(s.t, ".", page), "\n## The bundle and the catalog\n")
	blocks, err := docs.Read(page)
	if err != nil {
		s.t.Fatal(err)
	}
	printed, home := "", s.t.TempDir()
	for _, block := range blocks {
		if block.Language == "sh" && block.Line > strings.Count(before, "\n") && !strings.HasPrefix(block.Text, "export ") {
			printed = s.run(dist, []string{"HOME=" + home, "DOCKER_CONFIG=" + home, "KEY=" + filepath.Join(dist, "cosign.pub"), "VERSION=" + version}, "bash", "-euo", "pipefail", "-c", block.Text)
		}
	}
	if !strings.Contains(printed, `"gitCommit":"`+s.commit+`"`) {
		s.t.Errorf("the last command prints %s", printed)
	}
}

// changed: cosign refuses what has one other byte, and what another key signed, and takes what has neither.
func (s *stage) changed(dist string) {
	public, foreign := filepath.Join(dist, "cosign.pub"), strings.TrimSuffix(s.newKey(), ".key")+".pub"
	for _, bundle := range names(s.t, dist) {
		name, ok := strings.CutSuffix(bundle, cosign.Suffix)
		if !ok {
			continue
		}
		content := []byte(read(s.t, dist, name))
		content[len(content)/2] ^= 1
		forged := filepath.Join(s.t.TempDir(), name)
		if err := os.WriteFile(forged, content, 0o644); err != nil {
			s.t.Fatal(err)
		}
		for what, args := range map[string][]string{"another byte": {public, forged}, "another key": {foreign, filepath.Join(dist, name)}} {
			_, words, ok := s.cosign("verify-blob", args[0], "--bundle", filepath.Join(dist, bundle), args[1])
			if ok || !strings.Contains(words, "signature") {
				s.t.Errorf("%s with %s: cosign is content: %v, %s", name, what, ok, words)
			}
		}
	}
	ref := s.references(dist)[0]
	if _, words, ok := s.cosign("verify", foreign, ref.String()); ok || !strings.Contains(words, "signature") {
		s.t.Errorf("an image with another key: cosign is content: %v, %s", ok, words)
	}
	found, err := remote.Get(s.references(dist)[len(s.references(dist))-1])
	if err != nil {
		s.t.Fatal(err)
	}
	image, err := found.Image()
	if err != nil {
		s.t.Fatal(err)
	}
	other := mutate.Annotations(image, map[string]string{"changed": "byte"})
	digest, err := other.(interface{ RawManifest() ([]byte, error) }).RawManifest()
	if err != nil {
		s.t.Fatal(err)
	}
	forged := ref.Context().Digest(fmt.Sprintf("sha256:%x", sha256.Sum256(digest)))
	if err := remote.Put(forged, other.(remote.Taggable)); err != nil {
		s.t.Fatal(err)
	}
	if _, words, ok := s.cosign("verify", public, forged.String()); ok || !strings.Contains(words, "no signatures found") {
		s.t.Errorf("another image: cosign is content: %v, %s", ok, words)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := []string{}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatalf("%v: %.300s", err, text)
	}
	return o
}

// extract returns a file of a tar.
func extract(t *testing.T, r io.Reader, name string) []byte {
	t.Helper()
	for files := tar.NewReader(r); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			t.Fatalf("there is no %s", name)
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimPrefix(header.Name, "/") == name {
			content, err := io.ReadAll(files)
			if err != nil {
				t.Fatal(err)
			}
			return content
		}
	}
}
