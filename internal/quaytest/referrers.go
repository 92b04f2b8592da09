package quaytest

import (
	"cmp"
	"net/http"
	"slices"
)

// listReferrers answers the index of the manifests whose subject is the one
// that the path names. An unknown subject is an error in Quay, where the OCI
// specification wants an empty index.
func (c call) listReferrers(w http.ResponseWriter, r *http.Request) *registryError {
	filter := r.URL.Query().Get("artifactType")
	index := document{SchemaVersion: 2, MediaType: ociIndex, Manifests: []descriptor{}}
	c.q.mu.Lock()
	defer c.q.mu.Unlock()
	now := c.q.now()
	if !c.repo.visible(c.ref, now) {
		return &registryError{status: http.StatusBadRequest, code: "MANIFEST_INVALID", message: "manifest invalid", detail: ""}
	}
	for dgst, m := range c.repo.manifests {
		if m.Subject == nil || m.Subject.Digest != c.ref || !c.repo.visible(dgst, now) {
			continue
		}
		d := descriptor{MediaType: m.mediaType, Digest: dgst, Size: m.size, ArtifactType: m.ArtifactType, Annotations: m.Annotations}
		if d.ArtifactType == "" && m.Config != nil {
			d.ArtifactType = m.Config.MediaType
		}
		if filter == "" || d.ArtifactType == filter {
			index.Manifests = append(index.Manifests, d)
		}
	}
	slices.SortFunc(index.Manifests, func(a, b descriptor) int { return cmp.Compare(a.Digest, b.Digest) })
	if filter != "" {
		w.Header().Set("OCI-Filters-Applied", "artifactType")
	}
	writeIndex(w, index)
	return nil
}
