package push_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/reference"
)

// seed makes the content of every test layout; it is fixed, so that a failure comes back.
const seed = 20261124

// layer sizes in bytes on both sides of what goes in one request.
const (
	small = 1000
	large = 1_300_000
)

// fixture is a Quay with organization team-a, repository team-a/app, its robot team-a+ci with Write, and a push to it.
type fixture struct {
	*quaytest.Quay
	t       *testing.T
	token   string
	opts    push.Options
	log     *buffer
	layout  string
	results string
	// extra is how many other images were pushed before.
	extra int
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	q := quaytest.Start(t)
	q.AddOrganization("team-a")
	q.AddRepository("team-a", "app")
	f := &fixture{Quay: q, t: t, token: q.AddRobot("team-a", "ci"), log: &buffer{}, layout: t.TempDir(), results: t.TempDir()}
	q.Grant("team-a/app", "team-a+ci", quaytest.Write)
	config := filepath.Join(t.TempDir(), "config.json")
	write(t, config, q.Dockerconfig("team-a+ci"))
	writeLayout(t, f.layout, small, large)
	f.opts = push.Options{
		Source: "oci:" + f.layout, ImageRef: q.Host() + "/team-a/app", Tags: []string{"v1"},
		ResultsDir: f.results, Dockerconfig: config, CAFile: q.CAFile(),
		RetryPause: time.Millisecond, LogOutput: f.log, LogFormat: "json",
	}
	t.Cleanup(func() {
		if text := f.log.String(); strings.Contains(text, f.token) {
			t.Errorf("the log holds the token: %s", text)
		}
		if t.Failed() {
			t.Logf("log:\n%s", f.log.String())
			for _, r := range q.Requests() {
				t.Logf("%s %s %v %d %s %s", r.Method, r.Path, r.Query, r.Status, r.Proto, r.Fault)
			}
		}
	})
	return f
}

// push pushes and must succeed.
func (f *fixture) push() push.Result {
	f.t.Helper()
	result, err := push.Push(context.Background(), f.opts)
	if err != nil {
		f.t.Fatalf("pushing: %v", err)
	}
	return result
}

// given are the tags of team-a/app but for anchors: one is left where another tag could not be set.
func (f *fixture) given() map[string]string {
	tags := f.Tags("team-a/app")
	maps.DeleteFunc(tags, func(name, digest string) bool { return name == reference.Anchor(digest) })
	return tags
}

// fail pushes and must fail with class, without results, without a tag and without the token in the error.
func (f *fixture) fail(class failure.Class) *failure.Error {
	f.t.Helper()
	tags := f.given()
	_, err := push.Push(context.Background(), f.opts)
	reason, ok := err.(*failure.Error)
	if !ok || reason.Class != class {
		f.t.Fatalf("pushing = %v, want class %s %s", err, class.ID, class.Name)
	}
	if reason.Problem == "" || reason.Next == "" {
		f.t.Errorf("the error has no problem or no next step: %#v", reason)
	}
	failure.Log(f.opts.Logger(), err)
	if strings.Contains(err.Error(), f.token) {
		f.t.Errorf("the error holds the token: %v", err)
	}
	if left, _ := os.ReadDir(f.results); len(left) > 0 {
		f.t.Errorf("results were left: %v", left)
	}
	if got := f.given(); len(got) != len(tags) {
		f.t.Errorf("tags are %v, were %v", got, tags)
	}
	return reason
}

// result reads a result file.
func (f *fixture) result(name string) string {
	f.t.Helper()
	data, err := os.ReadFile(filepath.Join(f.results, name))
	if err != nil {
		f.t.Error(err)
	}
	return string(data)
}

// count counts the requests with the given method whose path has the given part.
func (f *fixture) count(method, part string) (n int) {
	for _, r := range f.Requests() {
		if r.Method == method && strings.Contains(r.Path, part) {
			n++
		}
	}
	return n
}

// descriptor is one of an OCI layout.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
	URLs        []string          `json:"urls,omitempty"`
}

// Media types of the test layouts.
const (
	mediaIndex    = "application/vnd.oci.image.index.v1+json"
	mediaManifest = "application/vnd.oci.image.manifest.v1+json"
	mediaConfig   = "application/vnd.oci.image.config.v1+json"
	mediaLayer    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// writeLayout makes a layout with one image that has a layer of each size, and returns the image's descriptor.
func writeLayout(t *testing.T, dir string, sizes ...int) descriptor {
	t.Helper()
	d := writeImage(t, dir, `{"architecture":"amd64","os":"linux"}`, sizes...)
	writeIndex(t, dir, d)
	return d
}

// writeImage adds an image to a layout, without naming it in index.json.
func writeImage(t *testing.T, dir, config string, sizes ...int) descriptor {
	t.Helper()
	random := rand.NewChaCha8([32]byte{seed % 256, byte(len(sizes))})
	var layers []descriptor
	for _, size := range sizes {
		content := make([]byte, size)
		random.Read(content)
		layers = append(layers, addBlob(t, dir, mediaLayer, content))
	}
	return addJSON(t, dir, mediaManifest, map[string]any{
		"schemaVersion": 2, "mediaType": mediaManifest, "config": addBlob(t, dir, mediaConfig, []byte(config)), "layers": layers,
	})
}

// writeIndex writes oci-layout and an index.json that names the given manifests.
func writeIndex(t *testing.T, dir string, manifests ...descriptor) {
	t.Helper()
	write(t, filepath.Join(dir, "oci-layout"), []byte(`{"imageLayoutVersion":"1.0.0"}`))
	index, err := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": manifests})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "index.json"), index)
}

func addJSON(t *testing.T, dir, mediaType string, v any) descriptor {
	t.Helper()
	content, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return addBlob(t, dir, mediaType, content)
}

func addBlob(t *testing.T, dir, mediaType string, content []byte) descriptor {
	t.Helper()
	digest := digestOf(content)
	if err := os.MkdirAll(filepath.Join(dir, "blobs", "sha256"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, blobFile(dir, digest), content)
	return descriptor{MediaType: mediaType, Digest: digest, Size: int64(len(content))}
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// blobFile is where a layout keeps a blob.
func blobFile(dir, digest string) string {
	return filepath.Join(dir, "blobs", strings.Replace(digest, ":", "/", 1))
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// layers returns the layers of the layout's image.
func layers(t *testing.T, dir string, image descriptor) []descriptor {
	t.Helper()
	body, err := os.ReadFile(blobFile(dir, image.Digest))
	if err != nil {
		t.Fatal(err)
	}
	var m struct{ Layers []descriptor }
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatal(err)
	}
	return m.Layers
}

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
