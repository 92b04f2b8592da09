package quaytest_test

import (
	"net/http"
	"testing"
)

// The config of a Docker schema 2 manifest has to have a history and a rootfs; by digest nobody says so. OCI may be without.
func TestDockerConfigNeedsAHistory(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	const docker, config = "application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.container.image.v1+json"
	for content, want := range map[string]string{
		`{"os":"linux","rootfs":{"type":"layers"},"history":[]}`:                      "",
		`{"rootfs":{"type":"layers"},"history":[{"created":"x","empty_layer":true}]}`: "",
		`{"os":"linux","rootfs":{"type":"layers"}}`:                                   "'history' is a required property",
		`{"os":"linux","history":[]}`:                                                 "'rootfs' is a required property",
		`{"rootfs":{},"history":[]}`:                                                  "'type' is a required property",
		`{"rootfs":{"type":"layers"},"history":{}}`:                                   "{} is not of type 'array'",
		`{"rootfs":{"type":"layers"},"history":["x"]}`:                                "'x' is not of type 'object'",
		`{"rootfs":{"type":"layers"},"history":[{"author":1}]}`:                       "1 is not of type 'string'",
		`[`: "malformed config data",
	} {
		image := func(size int) string {
			return encode(t, map[string]any{"schemaVersion": 2, "mediaType": docker, "layers": []any{},
				"config": describe(config, c.blob(app, content), size)})
		}
		byDigest, byTag := c.put(app, "", docker, image(len(content))), c.put(app, "v1", docker, image(len(content)))
		if want == "" {
			byDigest.want(t, http.StatusCreated, "")
			byTag.want(t, http.StatusCreated, "")
			continue
		}
		byDigest.want(t, http.StatusBadRequest, `"detail":{},"message":"manifest invalid"`)
		byTag.want(t, http.StatusBadRequest, want)
		c.put(app, "v1", docker, image(2)).want(t, http.StatusBadRequest, "Size of config does not match")
	}
	missing := encode(t, map[string]any{"schemaVersion": 2, "mediaType": docker, "layers": []any{}, "config": describe(config, digest("none"), 4)})
	c.put(app, "v1", docker, missing).want(t, http.StatusBadRequest, "Could not load config blob for manifest")
	oci := c.manifest(app, nil, []string{"layer"}, nil)
	c.put(app, "v1", ociManifest, oci).want(t, http.StatusCreated, "")
}
