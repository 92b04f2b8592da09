//go:build release

package image

import (
	"io"
	"log"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/comptech-lab/quay-push/release/releasetest"
	"github.com/comptech-lab/quay-push/release/source"
)

// The real ko, with a program that is quickly built: for two platforms it pushes an index over two images, for one that image alone, and
// leaves an SBOM of each. A second time, in another directory, they are the same.
func TestReleaseImages(t *testing.T) {
	bin, err := filepath.Abs("../../bin")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	base, err := Pin(t.Context(), releasetest.Base(t, host))
	if err != nil {
		t.Fatal(err)
	}
	repository := releasetest.Repository(t, map[string]string{
		"go.mod":            "module example.com/small\n\ngo 1.26\n",
		"ko.yaml":           "builds: [{id: small, main: ./cmd/small, flags: [-trimpath], ldflags: [-s -w]}]\n",
		"cmd/small/main.go": "package main\n\nfunc main() {}\n",
	})
	for platforms, want := range map[string][]string{
		"linux/amd64,linux/arm64": {"small-index.spdx.json", "small-linux-amd64.spdx.json", "small-linux-arm64.spdx.json"},
		"linux/arm64":             {"small-linux-arm64.spdx.json"},
	} {
		t.Run(platforms, func(t *testing.T) {
			first, second := koBuild(t, repository, host, base, platforms), koBuild(t, repository, host, base, platforms)
			if !maps.Equal(first.Images, second.Images) || len(first.Images) != 1 {
				t.Errorf("one time it pushed %v, another %v", first.Images, second.Images)
			}
			files := []string{}
			for reference, path := range first.SBOMs {
				files = append(files, filepath.Base(path))
				content, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				again, err := os.ReadFile(second.SBOMs[reference])
				if err != nil || string(content) != string(again) {
					t.Errorf("the SBOM of %s is another one the second time, %v", reference, err)
				}
			}
			if slices.Sort(files); !slices.Equal(files, want) {
				t.Errorf("there are SBOMs %q, want %q", files, want)
			}
			checkIndex(t, first, len(want) > 1)
		})
	}
}

// checkIndex compares the images that have SBOMs with what the registry has.
func checkIndex(t *testing.T, pushed Pushed, index bool) {
	t.Helper()
	ref, err := name.NewDigest(pushed.Images["cmd/small"])
	if err != nil {
		t.Fatal(err)
	}
	found, err := remote.Get(ref)
	if err != nil || found.MediaType.IsIndex() != index {
		t.Fatalf("it is %v, %v", found, err)
	}
	want := []string{ref.String()}
	if index {
		i, err := found.ImageIndex()
		if err != nil {
			t.Fatal(err)
		}
		manifest, err := i.IndexManifest()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range manifest.Manifests {
			want = append(want, ref.Context().Digest(m.Digest.String()).String())
		}
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(pushed.SBOMs)); !slices.Equal(got, want) {
		t.Errorf("there are SBOMs of %q, want %q", got, want)
	}
}

func koBuild(t *testing.T, repository, host, base, platforms string) Pushed {
	t.Helper()
	tree, err := source.Clone(t.Context(), repository, filepath.Join(t.TempDir(), "source"), "v0.2.0")
	if err != nil {
		t.Fatal(err)
	}
	config, err := ReadConfig(tree.Dir)
	if err != nil {
		t.Fatal(err)
	}
	config.Base, config.Platforms = base, strings.Split(platforms, ",")
	pushed, err := Build{Config: config, Tree: tree, Registry: host + "/quay-push", Version: "v0.2.0", SBOMs: t.TempDir()}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return pushed
}
