package quaytest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

const app = "team-a/app"

// endpoints/v2/manifest.py:324-384, data/model/oci/tag.py:398-436, 807-821.
func TestDigestWithoutTagLivesOneHour(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	manifest := c.manifest(app, nil, []string{"layer"}, nil)
	dgst := digest(manifest)
	a := c.put(app, "", ociManifest, manifest)
	a.want(t, http.StatusCreated, "OK")
	a.wantHeader(t, "Location", "/v2/team-a/app/manifests/"+dgst)
	a.wantHeader(t, "Docker-Content-Digest", dgst)
	q.Advance(59 * time.Minute)
	a = c.get(app, dgst)
	a.want(t, http.StatusOK, manifest)
	a.wantHeader(t, "Content-Type", ociManifest)
	q.Advance(time.Minute)
	c = pusher(t, q, token, app)
	c.get(app, dgst).want(t, http.StatusNotFound, "MANIFEST_UNKNOWN")
	if _, _, ok := q.Manifest(app, dgst); ok {
		t.Error("the manifest is still visible")
	}
	// Pushed again it lives for another hour, or as long as a tag names it.
	c.put(app, "", ociManifest, manifest).want(t, http.StatusCreated, "")
	c.get(app, dgst).want(t, http.StatusOK, manifest)
	c.put(app, "v1", ociManifest, manifest).want(t, http.StatusCreated, "")
	q.Advance(24 * time.Hour)
	pusher(t, q, token, app).get(app, dgst).want(t, http.StatusOK, manifest)
}

// data/model/oci/manifest.py, _lookup_manifest and reset_child_manifest_expiration.
func TestIndexHoldsItsChildren(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	child := c.manifest(app, nil, []string{"layer"}, nil)
	c.put(app, "", ociManifest, child).want(t, http.StatusCreated, "")
	c.put(app, "multi", ociIndex, index(t, child)).want(t, http.StatusCreated, "")
	q.Advance(24 * time.Hour)
	c = pusher(t, q, token, app)
	c.get(app, digest(child)).want(t, http.StatusOK, child)
	c.do(http.MethodDelete, "/v2/team-a/app/manifests/multi", "").want(t, http.StatusAccepted, "")
	c.get(app, digest(child)).want(t, http.StatusNotFound, "MANIFEST_UNKNOWN")
	c.get(app, "multi").want(t, http.StatusNotFound, "TAG_EXPIRED")
	// A dead child counts when the index is pushed again.
	c.put(app, "again", ociIndex, index(t, child)).want(t, http.StatusCreated, "")
	c.get(app, digest(child)).want(t, http.StatusOK, child)
}

// endpoints/v2/manifest.py:251-287, 387-400; data/model/oci/manifest.py.
func TestManifestsThatQuayRefuses(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	missing := c.manifest(app, nil, nil, func(m map[string]any) {
		m["layers"] = []any{describe("application/vnd.oci.image.layer.v1.tar", digest("none"), 4)}
	})
	good := c.manifest(app, nil, []string{"layer"}, nil)
	docker := "application/vnd.docker.distribution.manifest.v2+json"
	noPlatform := encode(t, map[string]any{"schemaVersion": 2, "manifests": []any{map[string]any{
		"mediaType": ociManifest, "digest": digest(good), "size": len(good), "platform": map[string]any{"os": "linux"}}}})
	wrongSize := strings.Replace(index(t, good), `"size":`, `"size":1`, 1)
	c.put(app, "good", ociManifest, good).want(t, http.StatusCreated, "OK")

	for _, test := range []struct {
		name, ref, mediaType, manifest string
		status                         int
		want                           string
	}{
		{"blob unknown by tag", "v1", ociManifest, missing, 400, "{\"message\":\"Unknown blob `" + digest("none") + "`\"}"},
		{"blob unknown by digest", "", ociManifest, missing, 400, `"detail":{}`},
		{"digest mismatch", digest("other"), ociManifest, good, 400, `{"message":"manifest digest mismatch"}`},
		{"media type", "v1", "application/vnd.example+json", good, 415, `{"message":"manifest schema version not supported"}`},
		{"no media type", "v1", "", good, 400, "failed to parse manifest"},
		{"plain JSON", "v1", "application/json", good, 400, "failed to parse manifest"},
		{"no JSON", "v1", ociManifest, "{", 400, "failed to parse manifest: malformed manifest data"},
		{"no layers", "v1", ociManifest, `{"schemaVersion":2,"config":{}}`, 400, "failed to parse manifest"},
		{"schema version", "v1", ociManifest, `{"schemaVersion":1,"config":{},"layers":[]}`, 400, "schemaVersion is 1"},
		{"other type inside", "v1", ociIndex, good, 400, "failed to parse manifest"},
		{"no manifests", "v1", ociIndex, `{"schemaVersion":2}`, 400, "manifests is required"},
		{"platform", "v1", ociIndex, noPlatform, 400, "platform needs architecture and os"},
		{"child unknown", "v1", ociIndex, index(t, missing), 400, "Could not find child manifest with digest"},
		{"child size", "v1", ociIndex, wrongSize, 400, "Size of manifest does not match"},
		{"docker manifest with OCI config", "v1", docker, strings.Replace(good, ociManifest, docker, 1), 400, "config mediaType is"},
		{"too large for nginx", "v1", ociManifest, strings.Repeat(" ", 1<<20) + good, 413, "<h1>413 Request Entity Too Large</h1>"},
	} {
		a := c.put(app, test.ref, test.mediaType, test.manifest)
		if a.status != test.status || !strings.Contains(a.body, test.want) {
			t.Errorf("%s: answer is %d %s, want %d with %q", test.name, a.status, a.body, test.status, test.want)
		}
	}
	if got := q.Tags(app); len(got) != 1 {
		t.Errorf("tags are %v, want only good", got)
	}
	// The media type is looked at before the token.
	(&client{t: t, q: q}).put(app, "v1", "text/plain", good).want(t, http.StatusUnsupportedMediaType, "")
}

func TestManifestByTagNeedsItsTypeInAccept(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	manifest := c.manifest(app, nil, nil, nil)
	c.put(app, "v1", ociManifest, manifest).want(t, http.StatusCreated, "")
	other := c.do(http.MethodGet, "/v2/team-a/app/manifests/v1", "", "Accept", "*/*")
	other.want(t, http.StatusOK, `"schemaVersion": 1`)
	other.wantHeader(t, "Content-Type", "application/vnd.docker.distribution.manifest.v1+json")
	other.wantHeader(t, "Docker-Content-Digest", digest(other.body))
	c.do(http.MethodGet, "/v2/team-a/app/manifests/"+digest(manifest), "").want(t, http.StatusOK, manifest)
	a := c.do(http.MethodHead, "/v2/team-a/app/manifests/v1", "", "Accept", ociIndex+","+ociManifest)
	a.want(t, http.StatusOK, "")
	a.wantHeader(t, "Docker-Content-Digest", digest(manifest))
	c.get(app, "none").want(t, http.StatusNotFound, "MANIFEST_UNKNOWN")
	c.do(http.MethodDelete, "/v2/team-a/app/manifests/"+digest(manifest), "").want(t, http.StatusAccepted, "")
	c.do(http.MethodDelete, "/v2/team-a/app/manifests/"+digest(manifest), "").want(t, http.StatusNotFound, "MANIFEST_UNKNOWN")
}

// endpoints/v2/referrers.py; data/model/oci/manifest.py:438-448.
func TestReferrersStayAndAreListed(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	image := c.manifest(app, nil, []string{"layer"}, nil)
	c.put(app, "v1", ociManifest, image).want(t, http.StatusCreated, "")
	signature := c.manifest(app, nil, []string{"signature"}, func(m map[string]any) {
		m["subject"] = describe(ociManifest, digest(image), len(image))
		m["artifactType"] = "application/example.signature"
	})
	a := c.put(app, "", ociManifest, signature)
	a.want(t, http.StatusCreated, "")
	a.wantHeader(t, "OCI-Subject", "")
	q.Advance(48 * time.Hour)
	c = pusher(t, q, token, app)
	referrers := "/v2/team-a/app/referrers/"
	a = c.do(http.MethodGet, referrers+digest(image), "")
	a.want(t, http.StatusOK, digest(signature))
	a.wantHeader(t, "Content-Type", ociIndex)
	a.wantHeader(t, "OCI-Filters-Applied", "")
	a = c.do(http.MethodGet, referrers+digest(image)+"?artifactType=other", "")
	a.want(t, http.StatusOK, `"manifests":[]`)
	a.wantHeader(t, "OCI-Filters-Applied", "artifactType")
	c.do(http.MethodGet, referrers+digest("none"), "").want(t, http.StatusBadRequest, "MANIFEST_INVALID")
}

func TestManifestSizeIsThatOfTheBytes(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	manifest := " " + c.manifest(app, nil, nil, nil) + "\n"
	c.put(app, "v1", ociManifest, manifest).want(t, http.StatusCreated, "")
	body, mediaType, ok := q.Manifest(app, "v1")
	if string(body) != manifest || mediaType != ociManifest || !ok {
		t.Errorf("manifest is %q of type %q, %v", body, mediaType, ok)
	}
	if _, _, ok := q.Manifest("team-a/none", "v1"); ok {
		t.Error("a manifest in a repository that does not exist")
	}
}
