package quaytest

import "net/http"

// manifestDataRoutes are the class RepositoryManifest of quay/quay:endpoints/api/manifest.py.
var manifestDataRoutes = []apiRoute{route("GET", "repository/{...}/manifest/{}", repoRead, apiCall.manifestData)}

// manifestData shows a manifest of which a client can see the digest. The layers of an image are left out.
func (c apiCall) manifestData() (int, any, *apiError) {
	r, digest := c.q.repositories[c.args[0]], c.args[1]
	if r == nil || !digestPattern.MatchString(digest) || !r.visible(digest, c.q.now()) {
		return 0, nil, errNotFound
	}
	m := r.manifests[digest]
	body, ok := c.q.storage.manifest(c.q.closed, r.name, digest)
	if !ok {
		return 0, nil, errNotFound
	}
	view := map[string]any{"digest": digest, "is_manifest_list": m.isList(), "manifest_data": string(body), "config_media_type": nil,
		"layers_compressed_size": m.layersSize(), "layers": nil}
	if m.isList() {
		view["layers_compressed_size"] = 0
	} else if m.Config != nil {
		view["config_media_type"] = m.Config.MediaType
	}
	return http.StatusOK, view, nil
}
