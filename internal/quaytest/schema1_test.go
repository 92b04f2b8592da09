package quaytest_test

import (
	"net/http"
	"testing"
)

// An image that is asked for by a tag without its type comes as Docker schema 1, to the byte what Quay's code makes of it:
// the digest is that of its own JSON encoder's output.
func TestSchema1(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	const config = `{"architecture":"amd64","os":"linux","created":"2026-01-01T00:00:00Z","config":{"Cmd":["<é>"]},` +
		`"rootfs":{"type":"layers","diff_ids":[]},"history":[{"created":"2025-01-01T00:00:00Z","created_by":"ADD <é>"},` +
		`{"created_by":"CMD","empty_layer":true}]}`
	const want = "sha256:764a0ead013af8a4786fc5aea45e0aaba27200d496e0aad703f4e793ba05122a"
	image := c.manifest(app, nil, []string{"layer"}, func(m map[string]any) {
		m["config"] = describe("application/vnd.oci.image.config.v1+json", c.blob(app, config), len(config))
	})
	c.put(app, "v1", ociManifest, image).want(t, http.StatusCreated, "")
	a := c.do(http.MethodGet, "/v2/team-a/app/manifests/v1", "")
	a.wantHeader(t, "Docker-Content-Digest", want)
	a.wantHeader(t, "Content-Type", "application/vnd.docker.distribution.manifest.v1+json")
	if digest(a.body) != want {
		t.Errorf("body is %s", a.body)
	}
	// By digest it comes as it is.
	c.do(http.MethodGet, "/v2/team-a/app/manifests/"+digest(image), "").want(t, http.StatusOK, image)
}

// Of an index it is the image for linux on amd64, and of one without such an image it is none.
func TestSchema1OfAnIndex(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	image := c.manifest(app, nil, []string{"layer"}, nil)
	c.put(app, "", ociManifest, image).want(t, http.StatusCreated, "")
	for architecture, status := range map[string]int{"amd64": http.StatusOK, "arm64": http.StatusNotFound} {
		child := describe(ociManifest, digest(image), len(image))
		child["platform"] = map[string]any{"os": "linux", "architecture": architecture}
		list := encode(t, map[string]any{"schemaVersion": 2, "mediaType": ociIndex, "manifests": []any{child}})
		c.put(app, architecture, ociIndex, list).want(t, http.StatusCreated, "")
		a := c.do(http.MethodGet, "/v2/team-a/app/manifests/"+architecture, "")
		a.want(t, status, "")
		if status == http.StatusOK {
			a.want(t, status, `"blobSum": "`+digest("layer")+`"`)
		}
	}
}

// A config whose history tells of another number of layers cannot be turned into anything.
func TestSchema1OfAWrongHistory(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	for _, config := range []string{`{"history":[{},{}]}`, `{"history":[{"empty_layer":true}]}`, `no JSON`} {
		image := c.manifest(app, nil, []string{"layer"}, func(m map[string]any) {
			m["config"] = describe("application/vnd.oci.image.config.v1+json", c.blob(app, config), len(config))
		})
		c.put(app, "v1", ociManifest, image).want(t, http.StatusCreated, "")
		c.do(http.MethodGet, "/v2/team-a/app/manifests/v1", "").want(t, http.StatusNotFound, "MANIFEST_UNKNOWN")
	}
}
