package quaytest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

const day = 24 * time.Hour

// What a moving tag leaves behind is unknown to pulls at once, can be brought
// back for two weeks, and is gone then; an anchor keeps it.
func TestAMovedTagLosesItsDigest(t *testing.T) {
	for _, anchored := range []bool{false, true} {
		q, token := start(t)
		c := pusher(t, q, token, app)
		first := c.manifest(app, nil, []string{"first"}, nil)
		second := c.manifest(app, nil, []string{"second"}, nil)
		c.put(app, "main", ociManifest, first).want(t, http.StatusCreated, "")
		if anchored {
			c.put(app, "anchor", ociManifest, first).want(t, http.StatusCreated, "")
		}
		c.put(app, "main", ociManifest, second).want(t, http.StatusCreated, "")
		seen := func(want bool) {
			t.Helper()
			if _, _, ok := q.Manifest(app, digest(first)); ok != want {
				t.Errorf("anchored %t: a pull sees the first digest: %t", anchored, ok)
			}
		}
		seen(anchored)
		q.Advance(14*day - time.Second)
		if gone := q.CollectGarbage(); len(gone) != 0 {
			t.Errorf("anchored %t: too early %v", anchored, gone)
		}
		if !q.HasManifest(app, digest(first)) {
			t.Errorf("anchored %t: the first digest is gone too early", anchored)
		}
		q.Advance(time.Second)
		want := []string{"team-a/app@" + digest(first)}
		if anchored {
			want = []string{}
		}
		if diff := cmp.Diff(want, q.CollectGarbage()); diff != "" {
			t.Errorf("anchored %t: collected (-want +got):\n%s", anchored, diff)
		}
		seen(anchored)
		if q.HasManifest(app, digest(first)) != anchored || !q.HasManifest(app, digest(second)) {
			t.Errorf("anchored %t: the wrong digests are left", anchored)
		}
		if q.HasBlob(app, digest("first")) != anchored || !q.HasBlob(app, digest("second")) {
			t.Errorf("anchored %t: the wrong blobs are left", anchored)
		}
	}
}

// data/model/gc.py: not the time machine of another organization, 0 s too.
func TestTimeMachineIsTheOrganizations(t *testing.T) {
	q, token := start(t)
	q.SetTimeMachine("team-a", 0)
	c := pusher(t, q, token, app)
	manifest := c.manifest(app, nil, nil, nil)
	c.put(app, "main", ociManifest, manifest).want(t, http.StatusCreated, "")
	c.do(http.MethodDelete, "/v2/team-a/app/manifests/main", "").want(t, http.StatusAccepted, "")
	if diff := cmp.Diff([]string{app + "@" + digest(manifest)}, q.CollectGarbage()); diff != "" {
		t.Errorf("collected (-want +got):\n%s", diff)
	}
	admin(t, q).do(http.MethodGet, "/api/v1/organization/team-a", "").want(t, http.StatusOK, `"tag_expiration_s":0`)
	c.get(app, "main").want(t, http.StatusNotFound, "MANIFEST_UNKNOWN")
}

// An index keeps its children, and takes them along; a child with a tag of its own stays.
func TestGarbageOfAnIndex(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	one, two := c.manifest(app, nil, []string{"one"}, nil), c.manifest(app, nil, []string{"two"}, nil)
	both := index(t, one, two)
	for _, m := range []string{one, two} {
		c.put(app, "", ociManifest, m).want(t, http.StatusCreated, "")
	}
	c.put(app, "multi", ociIndex, both).want(t, http.StatusCreated, "")
	c.put(app, "one", ociManifest, one).want(t, http.StatusCreated, "")
	q.Advance(60 * day)
	if gone := q.CollectGarbage(); len(gone) != 0 {
		t.Errorf("collected %v", gone)
	}
	c = pusher(t, q, token, app)
	c.do(http.MethodDelete, "/v2/team-a/app/manifests/multi", "").want(t, http.StatusAccepted, "")
	q.Advance(14 * day)
	if gone := q.CollectGarbage(); len(gone) != 2 || !q.HasManifest(app, digest(one)) {
		t.Errorf("collected %v", gone)
	}
}

// A receipt keeps its subject from being collected, but not in sight; Quay never collects either.
func TestASubjectStaysOutOfSight(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	manifest := c.manifest(app, nil, []string{"layer"}, nil)
	c.put(app, "main", ociManifest, manifest).want(t, http.StatusCreated, "")
	receipt := c.manifest(app, nil, []string{"receipt"}, func(m map[string]any) {
		m["subject"] = describe(ociManifest, digest(manifest), len(manifest))
	})
	c.put(app, "", ociManifest, receipt).want(t, http.StatusCreated, "")
	c.do(http.MethodDelete, "/v2/team-a/app/manifests/main", "").want(t, http.StatusAccepted, "")
	q.Advance(100 * day)
	if gone := q.CollectGarbage(); len(gone) != 0 {
		t.Errorf("collected %v", gone)
	}
	c = pusher(t, q, token, app)
	c.get(app, digest(manifest)).want(t, http.StatusNotFound, "MANIFEST_UNKNOWN")
	c.get(app, digest(receipt)).want(t, http.StatusOK, receipt)
	admin(t, q).do(http.MethodPost, "/api/v1/repository/team-a/app/tag/back/restore", `{"manifest_digest":"`+digest(manifest)+`"}`,
		"Content-Type", "application/json").want(t, http.StatusOK, "{}")
	c.get(app, digest(manifest)).want(t, http.StatusOK, manifest)
}

// data/model/oci/tag.py, _expire_cosign_sibling_tags: cosign's tags go with the
// last name of their digest.
func TestSignaturesEndWithTheirDigest(t *testing.T) {
	for _, anchored := range []bool{false, true} {
		q, token := start(t)
		c := pusher(t, q, token, app)
		first, second := c.manifest(app, nil, []string{"first"}, nil), c.manifest(app, nil, []string{"second"}, nil)
		signature := "sha256-" + digest(first)[len("sha256:"):] + ".sig"
		c.put(app, "main", ociManifest, first).want(t, http.StatusCreated, "")
		c.put(app, signature, ociManifest, second).want(t, http.StatusCreated, "")
		if anchored {
			c.put(app, "anchor", ociManifest, first).want(t, http.StatusCreated, "")
		}
		c.put(app, "main", ociManifest, second).want(t, http.StatusCreated, "")
		if _, ok := q.Tags(app)[signature]; ok != anchored {
			t.Errorf("anchored %t: the signature is there: %t", anchored, ok)
		}
	}
}

// create_temporary_tag_if_necessary: pushed by digest again, a manifest has
// another hour, unless a tag lasts longer: then it has none when that tag goes.
func TestAnotherPushRenewsTheHour(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	manifest := c.manifest(app, nil, nil, nil)
	c.put(app, "", ociManifest, manifest).want(t, http.StatusCreated, "")
	q.Advance(50 * time.Minute)
	c.put(app, "", ociManifest, manifest).want(t, http.StatusCreated, "")
	q.Advance(59 * time.Minute)
	if _, _, ok := q.Manifest(app, digest(manifest)); !ok {
		t.Error("the hour was not renewed")
	}
	q.Advance(time.Minute)
	if _, _, ok := q.Manifest(app, digest(manifest)); ok {
		t.Error("the second hour has no end")
	}
	c = pusher(t, q, token, app)
	tagged := c.manifest(app, nil, []string{"tagged"}, nil)
	c.put(app, "main", ociManifest, tagged).want(t, http.StatusCreated, "")
	q.Advance(quaytest.LeaseDuration / 2)
	c.put(app, "", ociManifest, tagged).want(t, http.StatusCreated, "")
	c.do(http.MethodDelete, "/v2/team-a/app/manifests/main", "").want(t, http.StatusAccepted, "")
	c.get(app, digest(tagged)).want(t, http.StatusNotFound, "MANIFEST_UNKNOWN")
}
