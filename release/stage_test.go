//go:build release

package main

import (
	"bytes"
	"cmp"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/comptech-lab/quay-push/release/releasetest"
)

const password = "correct horse"

// stage is a registry with a base image, and a key. No other server is needed.
type stage struct {
	t *testing.T
	// registry is its host, base what is below our images, key a file, and commit the one that is released.
	registry, base, key, commit string
	platforms                   []string
}

func newStage(t *testing.T) *stage {
	t.Helper()
	bin, err := filepath.Abs("../bin")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	server := httptest.NewServer(registry.New(registry.WithReferrersSupport(true), registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	s := &stage{t: t, registry: host, base: releasetest.Base(t, host), platforms: strings.Split(cmp.Or(os.Getenv("PLATFORMS"), "linux/amd64"), ",")}
	s.commit = s.run(".", nil, "git", "rev-parse", "HEAD")
	s.key = s.newKey()
	return s
}

// newKey returns the file of a new private key; the public one is beside it, as .pub.
func (s *stage) newKey() string {
	s.t.Helper()
	dir := s.t.TempDir()
	s.run(dir, []string{"COSIGN_PASSWORD=" + password}, "cosign", "generate-key-pair")
	return filepath.Join(dir, "cosign.key")
}

// release makes one in a clone of its own, and returns its dist. It shares the compiler's cache with all others; what is linked is not in that.
func (s *stage) release() string {
	s.t.Helper()
	clone := filepath.Join(s.t.TempDir(), "clone")
	s.run(".", nil, "git", "clone", "--quiet", "..", clone)
	s.run(clone, nil, "git", "checkout", "--quiet", "--detach", s.commit)
	s.run(clone, []string{"COSIGN_PASSWORD=" + password}, "go", "run", "./release", "-version", version, "-registry", s.registry+"/quay-push",
		"-key", s.key, "-base", s.base, "-platforms", strings.Join(s.platforms, ","), "-url", "https://downloads.example.com/"+version)
	return filepath.Join(clone, "dist")
}

// run returns what a program prints, which must succeed.
func (s *stage) run(dir string, env []string, name string, args ...string) string {
	s.t.Helper()
	out, words, ok := s.try(dir, env, name, args...)
	if !ok {
		s.t.Fatalf("%s %s: %s%s", name, strings.Join(args, " "), out, words)
	}
	return strings.TrimSpace(out)
}

// try returns what a program prints and says, and whether it succeeds.
func (s *stage) try(dir string, env []string, name string, args ...string) (out, words string, ok bool) {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), name, args...)
	var printed, said bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = dir, &printed, &said, append(os.Environ(), env...)
	err := cmd.Run()
	if err != nil && cmd.ProcessState == nil {
		s.t.Fatal(err)
	}
	return printed.String(), said.String(), err == nil
}

// cosign is a stranger's, who has a public key and nothing else: no home, no password, no name.
func (s *stage) cosign(verb, public string, args ...string) (out, words string, ok bool) {
	s.t.Helper()
	home := s.t.TempDir()
	return s.try(home, []string{"HOME=" + home, "DOCKER_CONFIG=" + home}, "cosign", append([]string{verb, "--key", public, "--insecure-ignore-tlog"}, args...)...)
}

// references are the images of a release: those of images.txt, and those of the platforms below them.
func (s *stage) references(dist string) []name.Digest {
	s.t.Helper()
	var all []name.Digest
	for line := range strings.Lines(read(s.t, dist, "images.txt")) {
		ref, err := name.NewDigest(strings.TrimSpace(line))
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, ref)
		found, err := remote.Get(ref)
		if err != nil {
			s.t.Fatal(err)
		}
		if !found.MediaType.IsIndex() {
			continue
		}
		index, err := found.ImageIndex()
		if err != nil {
			s.t.Fatal(err)
		}
		manifest, err := index.IndexManifest()
		if err != nil {
			s.t.Fatal(err)
		}
		for _, m := range manifest.Manifests {
			all = append(all, ref.Context().Digest(m.Digest.String()))
		}
	}
	return all
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
