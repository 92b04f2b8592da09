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
	known, problem := c.keepManifest(r, dgst, mediaType, doc, body)
	if problem != "" {
		// By digest Quay does not tell the reason.
		if byDigest {
			problem = ""
		}
		return errManifestInvalid(http.StatusBadRequest, problem)
	}
	if refusal := c.retarget(dgst, byDigest, known); refusal != nil {
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
// alive: then Quay checks nothing. It returns whether it was known and what is
// wrong with it.
func (c call) keepManifest(r *http.Request, dgst, mediaType string, doc document, body []byte) (known bool, problem string) {
	c.q.mu.Lock()
	known = c.repo.manifests[dgst] != nil
	if !known {
		problem = c.missing(doc)
	}
	c.q.mu.Unlock()
	if known {
		return true, ""
	}
	if mediaType == dockerManifest {
		problem = cmp.Or(c.dockerProblem(r.Context(), doc), problem)
	}
	if problem != "" {
		return false, problem
	}
	if status, answer := c.q.storage.putManifest(r.Context(), c.repo.name, dgst, mediaType, body); status != http.StatusCreated {
		return false, strings.TrimSpace(answer)
	}
	m := &manifest{document: doc, mediaType: mediaType, size: int64(len(body))}
	m.labels = c.labels(r.Context(), doc)
	c.q.mu.Lock()
	defer c.q.mu.Unlock()
	m.pushed, m.serial = c.q.now(), c.q.pushed
	c.q.pushed++
	c.repo.manifests[dgst] = m
	return false, ""
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

// retarget gives a manifest that was just pushed its lease or its tag. One that
// was known before gets the short lease of a look-up by its tag, too, as the
// children of a new index do (quay/quay:data/model/oci/manifest.py).
func (c call) retarget(dgst string, byDigest, known bool) *registryError {
	c.q.mu.Lock()
	defer c.q.mu.Unlock()
	now, m := c.q.now(), c.repo.manifests[dgst]
	if !known {
		for _, child := range m.children() {
			c.repo.hold(child.Digest, now, now.Add(lookupLease))
		}
	}
	if byDigest {
		m.forever = m.forever || m.Subject != nil
		c.repo.hold(dgst, now, now.Add(LeaseDuration))
		return nil
	}
	if known {
		c.repo.hold(dgst, now, now.Add(lookupLease))
	}
	if c.q.full(c.repo, 0) {
		return errQuota
	}
	if !c.q.retarget(c.repo, c.ref, dgst, false) {
		return errTagImmutable(c.ref)
	}
	return nil
}
