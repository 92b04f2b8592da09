package quaytest

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"
)

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
	// pushed is when it came here first, serial its place among the manifests.
	pushed time.Time
	serial int
	// lease is the end of the last of the hidden tags that pushes by digest
	// leave; zero if there was none. A manifest with a subject is kept for ever.
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

// visible reports whether a client can see the manifest dgst: a live tag or a
// lease holds it, or an index that is itself held so names it
// (quay/quay:data/model/oci/manifest.py, _lookup_manifest: one level deep).
func (r *repository) visible(dgst string, now time.Time) bool {
	return r.found(dgst, now, r.held)
}

// tagged is visible where only tags with a name count.
func (r *repository) tagged(dgst string, now time.Time) bool { return r.found(dgst, now, r.named) }

// found reports whether the manifest dgst or an index that names it is held in a way.
func (r *repository) found(dgst string, now time.Time, held func(string, time.Time) bool) bool {
	if held(dgst, now) {
		return true
	}
	for parent, m := range r.manifests {
		for _, child := range m.children() {
			if child.Digest == dgst && r.manifests[dgst] != nil && held(parent, now) {
				return true
			}
		}
	}
	return false
}

// held reports whether a live tag or a lease holds the manifest dgst.
func (r *repository) held(dgst string, now time.Time) bool {
	m := r.manifests[dgst]
	if m == nil {
		return false
	}
	return m.forever || now.Before(m.lease) || r.named(dgst, now)
}

// named reports whether a live tag with a name points to the manifest dgst.
func (r *repository) named(dgst string, now time.Time) bool {
	if r.manifests[dgst] == nil {
		return false
	}
	for _, t := range r.tags {
		if t.digest == dgst && t.alive(now) {
			return true
		}
	}
	return false
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
