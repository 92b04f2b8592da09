package quaytest

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"strings"
)

// maxManifest is the largest manifest in bytes that reaches Quay: nginx in
// front of it has its default client_max_body_size for this path.
const maxManifest = 1 << 20

// putManifest answers PUT of a manifest by tag or digest.
func (c call) putManifest(w http.ResponseWriter, r *http.Request) *registryError {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxManifest))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		writePage(w, http.StatusRequestEntityTooLarge)
		return nil
	} else if err != nil {
		return errManifestInvalid(http.StatusBadRequest, "failed to parse manifest: "+err.Error())
	}
	mediaType := r.Header.Get("Content-Type")
	doc, err := parseDocument(mediaType, body)
	if err != nil {
		return errManifestInvalid(http.StatusBadRequest, "failed to parse manifest: "+err.Error())
	}
	dgst := digestOf(body)
	byDigest := digestPattern.MatchString(c.ref)
	if byDigest && c.ref != dgst {
		return errManifestInvalid(http.StatusBadRequest, "manifest digest mismatch")
	}
	if problem := c.keepManifest(r, dgst, mediaType, doc, body); problem != "" {
		// By digest Quay does not tell the reason.
		if byDigest {
			problem = ""
		}
		return errManifestInvalid(http.StatusBadRequest, problem)
	}
	if refusal := c.retarget(dgst, byDigest); refusal != nil {
		return refusal
	}
	if !byDigest {
		// A push by digest leaves no trace in the log (quay/quay:endpoints/v2/manifest.py).
		if refusal := c.record("push_repo", r, map[string]any{"tag": c.ref, "mediaType": mediaType}); refusal != nil {
			return refusal
		}
	}
	w.Header().Set("Location", "/v2/"+c.repo.name+"/manifests/"+dgst)
	w.Header().Set("Docker-Content-Digest", dgst)
	writeText(w, http.StatusCreated, htmlType, "OK")
	return nil
}

// keepManifest stores a manifest unless the repository has it already, dead or
// alive: then Quay checks nothing. It returns what is wrong with it.
func (c call) keepManifest(r *http.Request, dgst, mediaType string, doc document, body []byte) string {
	c.q.mu.Lock()
	known := c.repo.manifests[dgst] != nil
	problem := ""
	if !known {
		problem = c.missing(doc)
	}
	c.q.mu.Unlock()
	if known {
		return ""
	}
	if mediaType == dockerManifest {
		problem = cmp.Or(c.dockerProblem(r.Context(), doc), problem)
	}
	if problem != "" {
		return problem
	}
	if status, answer := c.q.storage.putManifest(r.Context(), c.repo.name, dgst, mediaType, body); status != http.StatusCreated {
		return strings.TrimSpace(answer)
	}
	m := &manifest{document: doc, mediaType: mediaType, size: int64(len(body))}
	m.labels = c.labels(r.Context(), doc)
	c.q.mu.Lock()
	defer c.q.mu.Unlock()
	c.repo.manifests[dgst] = m
	return ""
}

// missing says which blob or child manifest the repository lacks; the caller holds mu.
func (c call) missing(doc document) string {
	for _, b := range doc.blobs() {
		if len(b.URLs) == 0 && !c.q.blobVisible(c.repo, b.Digest) {
			return "Unknown blob `" + b.Digest + "`"
		}
	}
	for _, child := range doc.children() {
		switch m := c.repo.manifests[child.Digest]; {
		case m == nil:
			return "Could not find child manifest with digest `" + child.Digest + "`"
		case m.size != child.Size:
			return "Size of manifest does not match the index for digest `" + child.Digest + "`"
		}
	}
	return ""
}

// retarget gives a manifest that was just pushed its lease or its tag.
func (c call) retarget(dgst string, byDigest bool) *registryError {
	c.q.mu.Lock()
	defer c.q.mu.Unlock()
	now, m := c.q.now(), c.repo.manifests[dgst]
	// The index holds its children from now on; their own leases end
	// (quay/quay:data/model/oci/manifest.py, reset_child_manifest_expiration).
	for _, child := range m.children() {
		if child := c.repo.manifests[child.Digest]; child != nil && now.Before(child.lease) {
			child.lease = now
		}
	}
	if byDigest {
		m.lease = now.Add(LeaseDuration)
		m.forever = m.forever || m.Subject != nil
		return nil
	}
	if c.q.full(c.repo, 0) {
		return errQuota
	}
	return c.setTag(dgst)
}
