package quaytest_test

import (
	"net/http"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

// start returns a Quay with organization team-a, repository team-a/app and
// robot team-a+ci that may write there, with the robot's token.
func start(t *testing.T) (*quaytest.Quay, string) {
	t.Helper()
	q := quaytest.Start(t)
	q.AddOrganization("team-a")
	q.AddRepository("team-a", "app")
	token := q.AddRobot("team-a", "ci")
	q.Grant("team-a/app", "team-a+ci", quaytest.Write)
	return q, token
}

// as returns the options of go-containerregistry for a robot.
func as(q *quaytest.Quay, robot, token string) []remote.Option {
	return []remote.Option{
		remote.WithAuth(&authn.Basic{Username: robot, Password: token}),
		remote.WithTransport(q.Client().Transport),
		remote.WithJobs(4),
	}
}

// image returns a small OCI image of two layers.
func image(t *testing.T) v1.Image {
	t.Helper()
	img, err := random.Image(4096, 2)
	if err != nil {
		t.Fatal(err)
	}
	return mutate.ConfigMediaType(mutate.MediaType(img, types.OCIManifestSchema1), types.OCIConfigJSON)
}

func digestOf(t *testing.T, i interface{ Digest() (v1.Hash, error) }) string {
	t.Helper()
	h, err := i.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return h.String()
}

func reference(t *testing.T, q *quaytest.Quay, path string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(q.Host() + "/" + path)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func TestPushAndPullWithARealClient(t *testing.T) {
	q, token := start(t)
	img := image(t)
	ref := reference(t, q, "team-a/app:v1")
	if err := remote.Write(ref, img, as(q, "team-a+ci", token)...); err != nil {
		t.Fatalf("pushing: %v", err)
	}
	want := digestOf(t, img)
	if got := q.Tags("team-a/app")["v1"]; got != want {
		t.Errorf("tag v1 is %q, want %q", got, want)
	}
	pulled, err := remote.Image(ref, as(q, "team-a+ci", token)...)
	if err != nil {
		t.Fatalf("pulling: %v", err)
	}
	if got := digestOf(t, pulled); got != want {
		t.Errorf("pulled %q, want %q", got, want)
	}
	layers, err := pulled.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, layer := range layers {
		if !q.HasBlob("team-a/app", digestOf(t, layer)) {
			t.Errorf("blob %s is missing", digestOf(t, layer))
		}
	}
	body, mediaType, ok := q.Manifest("team-a/app", "v1")
	if raw, err := img.RawManifest(); err != nil || !ok || string(raw) != string(body) {
		t.Errorf("manifest v1 = %q, %v, want %q (%v)", body, ok, raw, err)
	}
	if mediaType != string(types.OCIManifestSchema1) {
		t.Errorf("media type is %q", mediaType)
	}
	for _, r := range q.Requests() {
		if r.Status == 0 || r.Status >= 400 && r.Status != http.StatusUnauthorized && r.Status != http.StatusNotFound {
			t.Errorf("unexpected answer: %+v", r)
		}
	}
}

func TestPushAnIndexWithARealClient(t *testing.T) {
	q, token := start(t)
	index, err := random.Index(1024, 1, 3)
	if err != nil {
		t.Fatal(err)
	}
	ref := reference(t, q, "team-a/app:multi")
	if err := remote.WriteIndex(ref, index, as(q, "team-a+ci", token)...); err != nil {
		t.Fatalf("pushing: %v", err)
	}
	if got, want := q.Tags("team-a/app")["multi"], digestOf(t, index); got != want {
		t.Errorf("tag multi is %q, want %q", got, want)
	}
}
