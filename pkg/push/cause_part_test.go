package push_test

import (
	"net/http"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// partCauses are sources of which a part is missing or bad, or that are of another kind than they are called.
var partCauses = []cause{
	{"a platform is missing in a layout", func(f *fixture) {
		_, _, arm := writePlatforms(f.t, f.layout)
		remove(f.t, blobFile(f.layout, arm.Digest))
	}, failure.ClassSourceMissing, `, platform "linux/arm/v7 ": "`, "no such file", "every platform of an index included"},
	{"a platform of another size", func(f *fixture) {
		_, amd64, _ := writePlatforms(f.t, f.layout)
		write(f.t, blobFile(f.layout, amd64.Digest), []byte("{}"))
	}, failure.ClassSourceCorrupt, `, platform "amd64": blob "`, "", "build the image again; nothing was tagged"},
	{"a platform is missing in a registry", func(f *fixture) {
		dir := f.t.TempDir()
		index, _, arm := writePlatforms(f.t, dir)
		remove(f.t, blobFile(dir, arm.Digest))
		serves(newUpstream(f.t, f), dir, index)
	}, failure.ClassSourceMissing, `, platform "linux/arm/v7 ": a part of the source is not in`, "404", "or name one image of the index in --source (param source), docker://"},
	{"a platform of another content in a registry", func(f *fixture) {
		dir := f.t.TempDir()
		index, _, arm := writePlatforms(f.t, dir)
		write(f.t, blobFile(dir, arm.Digest), []byte("{}"))
		serves(newUpstream(f.t, f), dir, index)
	}, failure.ClassSourceCorrupt, "has other than the", "", "look for what rewrites it on the way"},
	{"a layer is missing in a registry", layerOfSource(quaytest.Status(404, nil, `{"errors":[{"code":"BLOB_UNKNOWN"}]}`)), failure.ClassSourceMissing, "a part of the source is not in", "BLOB_UNKNOWN", "push the image to its registry again"},
	{"a manifest that was built so, in a registry", func(f *fixture) {
		dir := f.t.TempDir()
		serves(newUpstream(f.t, f), dir, indexOf(f, dir, manifestOf(f.t, dir, map[string]any{"layers": 5})))
	}, failure.ClassSourceCorrupt, "layers is a number, want an array", "", "build the image again, and push it to its registry again"},
	{"an archive of something else", func(f *fixture) { f.archived("", tarEntry{name: "a", content: []byte("x")}) }, failure.ClassSourceMissing, `it has no "oci-layout" and no "manifest.json"`, "", "check --source (param source)"},
	{"a docker-archive, called a layout", func(f *fixture) {
		f.archived("oci-archive:", tarEntry{name: "manifest.json", content: []byte("[]")})
	}, failure.ClassSourceMissing, "it is what docker save writes", "", "docker-archive:FILE"},
	{"a layout, called a docker-archive", func(f *fixture) { f.archived("docker-archive:", entriesOf(f.t, f.layout)...) }, failure.ClassSourceMissing, "it is an OCI layout", "", "oci-archive:FILE"},
	{"a docker-archive without a config", func(f *fixture) {
		f.archived("docker-archive:", tarEntry{name: "manifest.json", content: []byte(`[{"Layers":["l.tar"]}]`)})
	}, failure.ClassSourceCorrupt, "names no config of the image", "", "build the image again"},
}

// frontCauses are more answers of something in front of a registry, or of nobody knows whom.
var frontCauses = []cause{
	{"a page with a conflict, for a manifest", play("PUT", onManifest, webPage(409)), failure.ClassProtocol, "something in front of HOST refuses the request", "Request Rejected", "firewall"},
	{"a page with a conflict, for a tag", play("PUT", onTag, webPage(409)), failure.ClassProtocol, "something in front of HOST refuses the request", "Request Rejected", "firewall"},
	{"a page that knows no such type", play("PUT", onManifest, webPage(415)), failure.ClassProtocol, "something in front of HOST refuses the request", "415", "firewall"},
	{"a page of the law", play("POST", onUpload, webPage(451)), failure.ClassProtocol, "something in front of HOST refuses the request", "451", "firewall"},
	{"a page for a manifest that is put", play("PUT", onManifest, webPage(200)), failure.ClassProtocol, "HOST sent an unexpected response", `200 OK "Request Rejected`, "names the registry, not something in front of it"},
	{"403 without a word", play("POST", onUpload, quaytest.Status(403, http.Header{"Server": {"cloudflare"}}, " ")), failure.ClassProtocol, "HOST refuses the request without a word", `403 Forbidden without a word (server "cloudflare")`, "the robot's token has the right to push"},
}
