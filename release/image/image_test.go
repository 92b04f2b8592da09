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
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/comptech-lab/quay-push/release/source"
)

// What the project ships is read: six images, two of them for the tutorial, for two platforms, on a base that has no digest of its own.
func TestReadConfig(t *testing.T) {
	c, err := ReadConfig("../..")
	if err != nil {
		t.Fatal(err)
	}
	mains := []string{}
	for _, b := range c.Builds {
		mains = append(mains, b.Main)
	}
	slices.Sort(mains)
	if want := []string{"./cmd/controller", "./cmd/push-image", "./cmd/tkn-quay", "./cmd/update-overlay", "./test/build", "./test/quaytest"}; !slices.Equal(mains, want) {
		t.Errorf("the images are %q", mains)
	}
	if want := []string{"linux/amd64", "linux/arm64"}; !slices.Equal(c.Platforms, want) || c.Base != "cgr.dev/chainguard/static" {
		t.Errorf("they are for %q, on %q", c.Platforms, c.Base)
	}
}

func TestConfigWithoutBuilds(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadConfig(dir); err == nil {
		t.Error("no file is taken")
	}
	write(t, filepath.Join(dir, "ko.yaml"), "defaultBaseImage: x\n")
	if _, err := ReadConfig(dir); err == nil || err.Error() != "reading ko.yaml: there are no builds" {
		t.Errorf("the error is %v", err)
	}
}

func TestPin(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	base := strings.TrimPrefix(server.URL, "http://") + "/static"
	index, err := random.Index(10, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(base + ":v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(tag, index); err != nil {
		t.Fatal(err)
	}
	digest, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	want := base + "@" + digest.String()
	for _, given := range []string{base + ":v1", want} {
		if got, err := Pin(t.Context(), given); got != want || err != nil {
			t.Errorf("%s is %s, %v", given, got, err)
		}
	}
	for given, says := range map[string]string{
		base:                     `asking for the base image "` + base + `"`, // There is no tag latest.
		base + ":v1:2":           `reading the base image "` + base + `:v1:2"`,
		base + "@" + otherDigest: `asking for the base image "`,
	} {
		if got, err := Pin(t.Context(), given); err == nil || !strings.HasPrefix(err.Error(), says) {
			t.Errorf("%s is %q, %v", given, got, err)
		}
	}
}

var (
	epoch       = time.Unix(0, 0)
	indexDigest = "sha256:" + strings.Repeat("1", 64)
	amd64Digest = "sha256:" + strings.Repeat("2", 64)
	otherDigest = "sha256:" + strings.Repeat("3", 64)
)

// double is a ko that pushed an index over one image, and says so as ko v0.19.1 does; TestRelease has the real one.
func double(t *testing.T, printed string) {
	t.Helper()
	dir := t.TempDir()
	script := `#!/bin/sh
echo "$@" > ` + dir + `/called
echo "$KO_DOCKER_REPO $KO_DEFAULTBASEIMAGE $SOURCE_DATE_EPOCH" >> ` + dir + `/called
while [ $# -gt 0 ]; do
  case $1 in
  --sbom-dir) sboms=$2 ;;
  --image-refs) refs=$2 ;;
  esac
  shift
done
echo '{"packages":[{"name":"` + indexDigest + `"},{"name":"` + amd64Digest + `"}]}' > $sboms/a-index.spdx.json
echo '{"packages":[{"name":"` + amd64Digest + `"}]}' > $sboms/a-linux-amd64.spdx.json
printf 'r.example.com/o/a@` + indexDigest + `\nr.example.com/o/a@` + amd64Digest + `\n' > $refs
echo ` + printed + `
`
	write(t, filepath.Join(dir, "ko"), script)
	if err := os.Chmod(filepath.Join(dir, "ko"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Cleanup(func() {
		called, err := os.ReadFile(filepath.Join(dir, "called"))
		const flags, env = "build --base-import-paths --tags v0.2.0 --platform linux/amd64,linux/arm64 --sbom spdx --sbom-dir ", "\nr.example.com/o base@sha256:0 0\n"
		if err != nil || !strings.HasPrefix(string(called), flags) || !strings.HasSuffix(string(called), env) {
			t.Errorf("ko was called %s, %v", called, err)
		}
	})
}

func build(t *testing.T) (Pushed, string, error) {
	t.Helper()
	config := Config{Base: "base@sha256:0", Platforms: []string{"linux/amd64", "linux/arm64"}}
	config.Builds = append(config.Builds, struct {
		Main string `json:"main"`
	}{"./cmd/a"})
	b := Build{Config: config, Tree: source.Tree{Dir: t.TempDir(), Time: epoch}, Registry: "r.example.com/o", Version: "v0.2.0", SBOMs: t.TempDir()}
	pushed, err := b.Run(t.Context())
	return pushed, b.SBOMs, err
}

func TestRun(t *testing.T) {
	double(t, "r.example.com/o/a:v0.2.0@"+indexDigest)
	pushed, dir, err := build(t)
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"cmd/a": "r.example.com/o/a@" + indexDigest}; !maps.Equal(pushed.Images, want) {
		t.Errorf("images are %v", pushed.Images)
	}
	if want := map[string]string{
		"r.example.com/o/a@" + indexDigest: filepath.Join(dir, "a-index.spdx.json"),
		"r.example.com/o/a@" + amd64Digest: filepath.Join(dir, "a-linux-amd64.spdx.json"),
	}; !maps.Equal(pushed.SBOMs, want) {
		t.Errorf("SBOMs are %v", pushed.SBOMs)
	}
	if _, err := os.Stat(filepath.Join(dir, "refs")); err == nil {
		t.Error("ko's list is left among what is given out")
	}
}

func TestRunRefuses(t *testing.T) {
	for printed, says := range map[string]string{
		"":                         "ko pushed map[], and ko.yaml has map[a:cmd/a]",
		"r.example.com/o/a:v0.2.0": `reading the image "r.example.com/o/a:v0.2.0"`,
	} {
		double(t, printed)
		if _, _, err := build(t); err == nil || !strings.HasPrefix(err.Error(), says) {
			t.Errorf("ko prints %q: %v", printed, err)
		}
	}
}

func TestDocuments(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.spdx.json"), `{"packages":[{"name":"`+amd64Digest+`"}]}`)
	if _, err := documents(dir, []string{"r/a@" + amd64Digest, "r/a@" + otherDigest}); err == nil || err.Error() != `ko left no SBOM of "r/a@`+otherDigest+`"` {
		t.Errorf("an image without one: %v", err)
	}
	write(t, filepath.Join(dir, "b.spdx.json"), `{"packages":[]}`)
	if _, err := documents(dir, nil); err == nil || !strings.HasPrefix(err.Error(), `reading the SBOM "`) {
		t.Errorf("one of nothing: %v", err)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
