package quaytest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

const anchors = "digest-[0-9a-f]{32}"

// data/model/immutability.py: live tags at once, and no end for them; what was
// fixed stays fixed without the policy until somebody lets go of the tag.
func TestImmutabilityPolicyFixesWhatIsThere(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	manifest := c.manifest(app, map[string]string{"quay.expires-after": "2h"}, nil, nil)
	anchor := "digest-" + digest(manifest)[len("sha256:"):][:32]
	for _, tag := range []string{anchor, "main", "x" + anchor} {
		c.put(app, tag, ociManifest, manifest).want(t, http.StatusCreated, "")
	}
	uuid := q.AddImmutability("team-a", anchors, true)
	want := []quaytest.ImmutabilityPolicy{{UUID: uuid, TagPattern: anchors, Matches: true}}
	if diff := cmp.Diff(want, q.ImmutabilityPolicies("team-a")); diff != "" {
		t.Errorf("policies (-want +got):\n%s", diff)
	}
	q.Advance(3 * time.Hour)
	if diff := cmp.Diff(map[string]string{anchor: digest(manifest)}, q.Tags(app)); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	api := admin(t, q)
	api.do(http.MethodDelete, "/api/v1/organization/team-a/immutabilitypolicy/"+uuid, "").want(t, http.StatusOK, uuid)
	target := "/api/v1/repository/team-a/app/tag/" + anchor
	api.do(http.MethodDelete, target, "").want(t, http.StatusConflict, `"error_type":"tag_immutable"`)
	api.do(http.MethodPut, target, `{"immutable":false}`, "Content-Type", "application/json").want(t, http.StatusCreated, "Updated")
	api.do(http.MethodDelete, target, "").want(t, http.StatusNoContent, "")
	if got := q.Tags(app); len(got) != 0 {
		t.Errorf("tags are %v", got)
	}
}

// A policy of the repository or of its organization fixes a new tag, and one that does not match leaves it alone.
func TestImmutabilityPolicyOfANewTag(t *testing.T) {
	for _, test := range []struct {
		where, pattern string
		matches        bool
		fixed          bool
	}{
		{"team-a", "v.", true, true}, {"team-a/app", "v.", true, true}, {"team-a", "v", true, false}, {"team-a", "v1", false, false},
		{"team-a/app", "main", false, true}, {"team-b", ".*", true, false},
	} {
		q, token := start(t)
		q.AddOrganization("team-b")
		q.AddImmutability(test.where, test.pattern, test.matches)
		c := pusher(t, q, token, app)
		manifest := c.manifest(app, nil, nil, nil)
		c.put(app, "v1", ociManifest, manifest).want(t, http.StatusCreated, "")
		again := c.put(app, "v1", ociManifest, manifest).status
		if (again == http.StatusConflict) != test.fixed {
			t.Errorf("%+v: the second push is answered with %d", test, again)
		}
	}
}

// Before 3.17, and where the feature is off: no route, no policy, no member of a tag.
func TestImmutabilityOff(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	manifest := c.manifest(app, nil, nil, nil)
	c.put(app, "v1", ociManifest, manifest).want(t, http.StatusCreated, "")
	q.SetImmutable("team-a", true)
	q.SetImmutability(false)
	c.put(app, "v1", ociManifest, manifest).want(t, http.StatusCreated, "")
	api := admin(t, q)
	api.do(http.MethodGet, "/api/v1/organization/team-a/immutabilitypolicy/", "").want(t, http.StatusNotFound, "not found")
	if a := api.do(http.MethodGet, "/api/v1/repository/team-a/app/tag/", ""); a.status != http.StatusOK || strings.Contains(a.body, "immutable") {
		t.Errorf("tags are %s", a.body)
	}
	q.SetImmutability(true)
	api.do(http.MethodGet, "/api/v1/organization/team-a/immutabilitypolicy/", "").want(t, http.StatusOK, `"tagPattern":".*"`)
	c.put(app, "v2", ociManifest, manifest).want(t, http.StatusCreated, "")
	c.put(app, "v2", ociManifest, manifest).want(t, http.StatusConflict, "TAG_IMMUTABLE")
}
