package quaytest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxManifest is the largest manifest in bytes that reaches Quay: nginx in
// front of it has its default client_max_body_size for this path.
const maxManifest = 1 << 20

// digestOf is the digest of body.
func digestOf(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// manifest is what the registry knows of one manifest in one repository.
type manifest struct {
	document
	mediaType string
	size      int64
	// labels are those of the image and the manifest's annotations.
	labels map[string]string
	// lease is the end of the hidden tag that a push by digest leaves; a
	// manifest with a subject is kept for ever.
	lease   time.Time
	forever bool
}

// getManifest answers GET and HEAD of a manifest by tag or digest.
func (c call) getManifest(w http.ResponseWriter, r *http.Request) *registryError {
	dgst, found, refusal := c.resolve()
	if refusal != nil {
		return refusal
	}
	body, ok := c.q.storage.manifest(r.Context(), c.repo.name, dgst)
	mediaType, metadata := found.mediaType, map[string]any{"manifest_digest": dgst}
	if c.ref != dgst {
		metadata = map[string]any{"tag": c.ref}
		if ok && !accepts(r, mediaType) {
			body, ok = c.schema1(r.Context(), found)
			mediaType, dgst = schema1Manifest, digestOf(body)
		}
	}
	if !ok {
		return errManifestUnknown
	}
	metadata["mediaType"] = mediaType
	if refusal := c.record("pull_repo", r, metadata); refusal != nil {
		return refusal
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("Docker-Content-Digest", dgst)
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		// The client may be gone, and nothing is left to tell it.
		_, _ = w.Write(body)
	}
	return nil
}

// resolve finds the digest and the manifest that the path names.
func (c call) resolve() (string, *manifest, *registryError) {
	c.q.mu.Lock()
	defer c.q.mu.Unlock()
	dgst := c.ref
	if !digestPattern.MatchString(dgst) {
		t := c.repo.tags[c.ref]
		if t == nil {
			return "", nil, errManifestUnknown
		}
		if !t.alive(c.q.now()) {
			return "", nil, errTagExpired(c.ref)
		}
		dgst = t.digest
	}
	if !c.repo.visible(dgst, c.q.now()) {
		return "", nil, errManifestUnknown
	}
	return dgst, c.repo.manifests[dgst], nil
}

// visible says whether a client can see the manifest dgst: a live tag or a
// lease holds it, or an index that is itself held so names it
// (quay/quay:data/model/oci/manifest.py, _lookup_manifest: one level deep).
func (r *repository) visible(dgst string, now time.Time) bool {
	if r.held(dgst, now) {
		return true
	}
	for parent, m := range r.manifests {
		for _, child := range m.children() {
			if child.Digest == dgst && r.manifests[dgst] != nil && r.held(parent, now) {
				return true
			}
		}
	}
	return false
}

// held says whether a live tag or a lease holds the manifest dgst.
func (r *repository) held(dgst string, now time.Time) bool {
	m := r.manifests[dgst]
	if m == nil {
		return false
	}
	if m.forever || now.Before(m.lease) {
		return true
	}
	for _, t := range r.tags {
		if t.digest == dgst && t.alive(now) {
			return true
		}
	}
	return false
}

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

// deleteManifest answers DELETE by tag, which ends the tag, or by digest, which
// ends every tag of the manifest. Nothing is erased.
func (c call) deleteManifest(w http.ResponseWriter, r *http.Request) *registryError {
	ended, refusal := c.endTags()
	if refusal != nil {
		return refusal
	}
	for _, name := range ended {
		if refusal := c.record("delete_tag", r, map[string]any{"tag": name, "digest": c.ref}); refusal != nil {
			return refusal
		}
	}
	writeEmpty(w, http.StatusAccepted)
	return nil
}

// endTags ends the tags that the path means and returns their names.
func (c call) endTags() ([]string, *registryError) {
	c.q.mu.Lock()
	defer c.q.mu.Unlock()
	now, ended := c.q.now(), []string{}
	for name, t := range c.repo.tags {
		if (name == c.ref || t.digest == c.ref) && t.alive(now) {
			if c.immutable(t) {
				return nil, errTagImmutable(name)
			}
			t.end = now
			ended = append(ended, name)
		}
	}
	if len(ended) == 0 {
		return nil, errManifestUnknown
	}
	return ended, nil
}

// Manifest returns the bytes and the media type of a manifest of "org/repo" by
// tag or digest, and whether a client could see it now.
func (q *Quay) Manifest(repo, ref string) (body []byte, mediaType string, ok bool) {
	q.mu.Lock()
	r := q.repositories[repo]
	q.mu.Unlock()
	if r == nil {
		return nil, "", false
	}
	dgst, m, refusal := call{q: q, repo: r, ref: ref}.resolve()
	if refusal != nil {
		return nil, "", false
	}
	body, ok = q.storage.manifest(q.closed, repo, dgst)
	return body, m.mediaType, ok
}
