package quay_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/quay"
)

// A tag is made immutable and mutable, deleted, and restored; its lives tell of all that.
func TestTagEdit(t *testing.T) {
	q, c := start(t)
	q.Grant("team-a/app", "team-a+ci", quaytest.Write)
	push(t, q, "team-a/app", "main")
	push(t, q, "team-a/app", "other")
	digest := q.Tags("team-a/app")["main"]
	step := func(name string, err error, ok bool) {
		t.Helper()
		if (err == nil) != ok {
			t.Fatalf("%s: %v", name, err)
		}
	}
	step("fix", c.SetImmutable(t.Context(), "team-a/app", "main", true), true)
	step("delete what is fixed", c.DeleteTag(t.Context(), "team-a/app", "main"), false)
	step("restore what is fixed", c.RestoreTag(t.Context(), "team-a/app", "main", digest), false)
	step("free", c.SetImmutable(t.Context(), "team-a/app", "main", false), true)
	q.Advance(time.Hour)
	step("delete", c.DeleteTag(t.Context(), "team-a/app", "main"), true)
	if err := c.DeleteTag(t.Context(), "team-a/app", "main"); !quay.IsNotFound(err) {
		t.Errorf("deleting it again: %v", err)
	}
	if err := c.SetImmutable(t.Context(), "team-a/app", "main", true); !quay.IsNotFound(err) {
		t.Errorf("fixing what is gone: %v", err)
	}
	if _, _, ok := q.Manifest("team-a/app", digest); ok {
		t.Error("a digest without a tag can be pulled")
	}
	q.Advance(time.Hour)
	step("restore", c.RestoreTag(t.Context(), "team-a/app", "main", digest), true)
	if got := q.Tags("team-a/app")["main"]; got != digest {
		t.Errorf("main is %q", got)
	}
	lives, err := c.TagLives(t.Context(), "team-a/app", "main")
	if err != nil || len(lives) != 2 || lives[0].Name != "main" || !lives[0].End.IsZero() || lives[1].End.Sub(lives[1].Start) < time.Hour || !lives[0].Start.After(lives[1].End) || lives[0].Digest != digest {
		t.Errorf("lives %+v, %v", lives, err)
	}
	now := q.Now()
	if !lives[0].Lives(now) || lives[1].Lives(now) || lives[0].Immutable || lives[0].Index {
		t.Errorf("lives %+v", lives)
	}
	if err := c.RestoreTag(t.Context(), "team-a/app", "main", "sha256:0000000000000000000000000000000000000000000000000000000000000000"); !quay.IsNotFound(err) {
		t.Errorf("restoring what never was: %v", err)
	}
}

// What an index lists is told by its manifest; an image lists nothing.
func TestChildren(t *testing.T) {
	q, c := start(t)
	q.Grant("team-a/app", "team-a+ci", quaytest.Write)
	push(t, q, "team-a/app", "main")
	digest := q.Tags("team-a/app")["main"]
	if children, err := c.Children(t.Context(), "team-a/app", digest); err != nil || len(children) != 0 {
		t.Errorf("of an image: %v, %v", children, err)
	}
	index, want := pushIndex(t, q, "team-a/app", "multi")
	children, err := c.Children(t.Context(), "team-a/app", index)
	if err != nil || !slices.Equal(children, want) {
		t.Errorf("children %v, want %v, %v", children, want, err)
	}
	tags, err := c.Tags(t.Context(), "team-a/app", time.Time{})
	if err != nil || !slices.ContainsFunc(tags, func(t quay.Tag) bool { return t.Name == "multi" && t.Index }) || !slices.ContainsFunc(tags, func(t quay.Tag) bool { return t.Name == "main" && !t.Index }) {
		t.Errorf("tags %+v, %v", tags, err)
	}
	if _, err := c.Children(t.Context(), "team-a/app", "sha256:0000000000000000000000000000000000000000000000000000000000000000"); !quay.IsNotFound(err) {
		t.Errorf("of what never was: %v", err)
	}
}

// pushIndex pushes an index of two images to the tag, and returns its digest and what it lists.
func pushIndex(t *testing.T, q *quaytest.Quay, repository, tag string) (digest string, children []quay.Child) {
	t.Helper()
	index, err := random.Index(16, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range manifest.Manifests {
		children = append(children, quay.Child{Digest: m.Digest.String()})
	}
	hash, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	to, err := name.NewTag(q.Host() + "/" + repository + ":" + tag)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(to, index, remote.WithContext(t.Context()), remote.WithTransport(q.Client().Transport),
		remote.WithAuth(&authn.Basic{Username: "team-a+ci", Password: q.RobotToken("team-a+ci")})); err != nil {
		t.Fatal(err)
	}
	return hash.String(), children
}
