package quaytest_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

// endpoints/v2/manifest.py:534-535, data/model/oci/tag.py:530-535: even the
// same digest is refused.
func TestImmutableTags(t *testing.T) {
	for _, test := range []struct {
		name   string
		policy func(q *quaytest.Quay)
		labels map[string]string
	}{
		{"organization", func(q *quaytest.Quay) { q.SetImmutable("team-a", true) }, nil},
		{"repository", func(q *quaytest.Quay) { q.SetRepositoryImmutable(app, true) }, nil},
		{"label", func(*quaytest.Quay) {}, map[string]string{"quay.immutable": "true"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			q, token := start(t)
			test.policy(q)
			c := pusher(t, q, token, app)
			first := c.manifest(app, test.labels, nil, nil)
			second := c.manifest(app, test.labels, []string{"layer"}, nil)
			c.put(app, "v1", ociManifest, first).want(t, http.StatusCreated, "")
			for _, manifest := range []string{first, second} {
				c.put(app, "v1", ociManifest, manifest).
					want(t, http.StatusConflict, `"code":"TAG_IMMUTABLE","detail":{"message":"tag 'v1' is immutable"}`)
			}
			c.do(http.MethodDelete, "/v2/team-a/app/manifests/v1", "").want(t, http.StatusConflict, "TAG_IMMUTABLE")
			if got := q.Tags(app)["v1"]; got != digest(first) {
				t.Errorf("tag v1 is %s, want %s", got, digest(first))
			}
			c.put(app, "", ociManifest, second).want(t, http.StatusCreated, "")
			c.put(app, "v2", ociManifest, second).want(t, http.StatusCreated, "")
		})
	}
}

// data/registry_model/registry_oci_model.py, create_manifest_and_retarget_tag;
// endpoints/v2/manifest.py:91-100.
func TestExpiresAfterEndsTheTag(t *testing.T) {
	for _, test := range []struct {
		label string
		lives time.Duration // 0 means for ever
	}{
		{"30s", 30 * time.Second}, {"5m", 5 * time.Minute}, {"2h", 2 * time.Hour},
		{"3d", 72 * time.Hour}, {"2w", 336 * time.Hour},
		{"1y", 8760 * time.Hour}, {"2", 0}, {"w", 0}, {"0h", 0},
	} {
		t.Run(test.label, func(t *testing.T) {
			q, token := start(t)
			c := pusher(t, q, token, app)
			manifest := c.manifest(app, map[string]string{"quay.expires-after": test.label}, nil, nil)
			// The way of a careful push: by digest first, then the tag.
			c.put(app, "", ociManifest, manifest).want(t, http.StatusCreated, "")
			c.put(app, "v1", ociManifest, manifest).want(t, http.StatusCreated, "")
			if test.lives == 0 {
				q.Advance(10000 * time.Hour)
				if len(q.Tags(app)) != 1 {
					t.Error("the tag ended")
				}
				return
			}
			q.Advance(test.lives - time.Second)
			if len(q.Tags(app)) != 1 {
				t.Errorf("the tag ended before %v", test.lives)
			}
			q.Advance(time.Second)
			pusher(t, q, token, app).get(app, "v1").want(t, http.StatusNotFound,
				`"code":"TAG_EXPIRED","detail":{},"message":"Tag v1 was deleted or has expired. To pull, revive via time machine"`)
		})
	}
}

func TestExpiresAfterOfAnIndexIsThatOfAllChildren(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	short := map[string]string{"quay.expires-after": "2h"}
	one := c.manifest(app, short, []string{"one"}, nil)
	two := c.manifest(app, short, []string{"two"}, nil)
	three := c.manifest(app, nil, []string{"three"}, nil)
	annotated := c.manifest(app, nil, []string{"four"}, func(m map[string]any) { m["annotations"] = short })
	for _, manifest := range []string{one, two, three} {
		c.put(app, "", ociManifest, manifest).want(t, http.StatusCreated, "")
	}
	c.put(app, "all", ociIndex, index(t, one, two)).want(t, http.StatusCreated, "")
	c.put(app, "some", ociIndex, index(t, one, three)).want(t, http.StatusCreated, "")
	c.put(app, "annotated", ociManifest, annotated).want(t, http.StatusCreated, "")
	q.Advance(3 * time.Hour)
	want := map[string]string{"some": digest(index(t, one, three))}
	if diff := cmp.Diff(want, q.Tags(app)); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}

func TestTagMovesAndTheOldDigestGoes(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	first := c.manifest(app, nil, nil, nil)
	second := c.manifest(app, nil, []string{"layer"}, nil)
	c.put(app, "v1", ociManifest, first).want(t, http.StatusCreated, "")
	c.put(app, "v1", ociManifest, second).want(t, http.StatusCreated, "")
	c.get(app, "v1").want(t, http.StatusOK, second)
	c.get(app, digest(first)).want(t, http.StatusNotFound, "MANIFEST_UNKNOWN")
}

func TestTagsAreListedInPages(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	manifest := c.manifest(app, nil, nil, nil)
	for i := range 105 {
		c.put(app, fmt.Sprintf("v%03d", i), ociManifest, manifest).want(t, http.StatusCreated, "")
	}
	a := c.do(http.MethodGet, "/v2/team-a/app/tags/list?n=500", "")
	a.want(t, http.StatusOK, `"v099"]`)
	a.wantHeader(t, "Link", `</v2/team-a/app/tags/list?n=100&last=v099>; rel="next"`)
	a = c.do(http.MethodGet, "/v2/team-a/app/tags/list?last=v099&n=100", "")
	a.want(t, http.StatusOK, `{"name":"team-a/app","tags":["v100","v101","v102","v103","v104"]}`)
	a.wantHeader(t, "Link", "")
	c.do(http.MethodGet, "/v2/team-a/app/tags/other", "").want(t, http.StatusNotFound, "")
}
