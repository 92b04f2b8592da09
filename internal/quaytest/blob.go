package quaytest

import (
	"net/http"
	"slices"
)

// getBlob answers GET and HEAD of a blob.
func (c call) getBlob(w http.ResponseWriter, r *http.Request) *registryError {
	c.q.mu.Lock()
	found, gone := c.q.blobVisible(c.repo, c.ref), c.claims.Subject != anonymousName && !c.q.exists(c.claims.Subject)
	c.q.mu.Unlock()
	switch {
	case !found:
		return errBlobUnknown
	case gone && r.Method == http.MethodGet:
		return errDeletedRobot
	case r.Method == http.MethodHead:
		w = &headerWriter{ResponseWriter: w, name: "Cache-Control", value: "max-age=31436000"}
	}
	c.q.storage.app.ServeHTTP(&headerWriter{ResponseWriter: w, name: "Docker-Distribution-API-Version"}, r)
	return nil
}

// deleteBlob is refused: Quay removes blobs by garbage collection only.
func (c call) deleteBlob(http.ResponseWriter, *http.Request) *registryError { return errUnsupported }

// blobVisible reports whether repo has the blob dgst: within its lease, or named
// by a manifest, which CollectGarbage alone takes away. The caller holds mu.
func (q *Quay) blobVisible(repo *repository, dgst string) bool {
	b := repo.blobs[dgst]
	if b == nil {
		return false
	}
	if q.now().Before(b.lease) {
		return true
	}
	for _, m := range repo.manifests {
		if slices.ContainsFunc(m.blobs(), func(d descriptor) bool { return d.Digest == dgst }) {
			return true
		}
	}
	return false
}

// HasBlob reports whether "org/repo" has the blob with the digest sha256:<hex> now.
func (q *Quay) HasBlob(repo, dgst string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := q.repositories[repo]
	return r != nil && q.blobVisible(r, dgst)
}

// full reports whether the organization of repo has used its quota up, with
// extra bytes on top. The caller holds mu.
func (q *Quay) full(repo *repository, extra int64) bool {
	limit := q.organizations[repo.org].quota
	if limit == 0 {
		return false
	}
	sizes := map[string]int64{}
	for _, r := range q.repositories {
		if r.org == repo.org {
			for dgst, b := range r.blobs {
				if q.blobVisible(r, dgst) {
					sizes[dgst] = b.size
				}
			}
		}
	}
	used := extra
	for _, size := range sizes {
		used += size
	}
	return used >= limit
}
