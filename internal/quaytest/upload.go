package quaytest

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// upload is a blob upload in progress. The registry below keeps its state in
// the query of the Location; Quay's Location has no query, so it is kept here.
type upload struct {
	repo string
	uuid string

	mu    sync.Mutex // held while a request writes to the upload
	state string
	size  int64 // bytes received
}

// startUpload answers POST: a mount, a whole blob in one request, or a new upload.
func (c call) startUpload(w http.ResponseWriter, r *http.Request) *registryError {
	if c.overQuota(0) {
		return errQuota
	}
	query := r.URL.Query()
	if c.mount(w, r, query.Get("mount"), query.Get("from")) {
		return nil
	}
	path := "/v2/" + c.repo.name + "/blobs/uploads/"
	answer := c.q.storage.do(internalRequest(r.Context(), http.MethodPost, path, nil))
	location, err := url.Parse(answer.Header().Get("Location"))
	if err != nil || answer.Code != http.StatusAccepted {
		return errInvalidRequest("Unable to start blob upload for unknown repository")
	}
	u := &upload{repo: c.repo.name, uuid: answer.Header().Get("Docker-Upload-UUID"), state: location.Query().Get("_state")}
	c.q.mu.Lock()
	c.q.uploads[u.uuid] = u
	c.q.mu.Unlock()
	if dgst := query.Get("digest"); dgst != "" {
		u.mu.Lock()
		defer u.mu.Unlock()
		return c.commit(u, dgst, w, r)
	}
	w.Header().Set("Location", c.q.URL()+path+u.uuid)
	w.Header().Set("Docker-Upload-UUID", u.uuid)
	// Quay reports the last byte of nothing as -1.
	w.Header().Set("Range", "bytes=0--1")
	writeEmpty(w, http.StatusAccepted)
	return nil
}

// mount links the blob dgst of the repository from into this one and answers.
// When that is not possible, for whatever reason, Quay starts an upload
// without a word (quay/quay:endpoints/v2/blob.py, _try_to_mount_blob).
func (c call) mount(w http.ResponseWriter, r *http.Request, dgst, from string) bool {
	if dgst == "" || from == "" || !c.claims.allow(from, false) && !c.q.isPublic(from) {
		return false
	}
	c.q.mu.Lock()
	source := c.q.repositories[from]
	found := source != nil && c.q.blobVisible(source, dgst)
	c.q.mu.Unlock()
	if !found {
		return false
	}
	query := url.Values{"mount": {dgst}, "from": {from}}
	path := "/v2/" + c.repo.name + "/blobs/uploads/?" + query.Encode()
	answer := c.q.storage.do(internalRequest(r.Context(), http.MethodPost, path, nil))
	if answer.Code != http.StatusCreated {
		return false
	}
	c.keepBlob(r.Context(), dgst)
	c.created(w, dgst)
	return true
}

// uploadStatus answers GET of an upload with the bytes it has.
func (c call) uploadStatus(w http.ResponseWriter, r *http.Request) *registryError {
	u, err := c.upload()
	if err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	w.Header().Set("Docker-Upload-UUID", u.uuid)
	// Off by one and with a unit, unlike the answer to PATCH; so it is in Quay.
	w.Header().Set("Range", "bytes=0-"+strconv.FormatInt(u.size, 10))
	writeEmpty(w, http.StatusNoContent)
	return nil
}

// patchUpload answers PATCH: it appends a chunk, or the whole blob.
func (c call) patchUpload(w http.ResponseWriter, r *http.Request) *registryError {
	u, err := c.upload()
	if err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if c.overQuota(u.size) {
		c.drop(r.Context(), u)
		return errQuota
	}
	location := c.q.URL() + "/v2/" + u.repo + "/blobs/uploads/" + u.uuid
	ok, err := c.seek(u, location, w, r)
	if err != nil || !ok {
		return err
	}
	answer := c.append(u, http.MethodPatch, nil, r)
	if answer.code != http.StatusAccepted {
		return errUploadInvalid("")
	}
	w.Header().Set("Location", location)
	w.Header().Set("Docker-Upload-UUID", u.uuid)
	w.Header().Set("Range", "0-"+strconv.FormatInt(u.size-1, 10))
	writeEmpty(w, http.StatusAccepted)
	return nil
}

// putUpload answers PUT: it appends what the body has and commits the blob.
func (c call) putUpload(w http.ResponseWriter, r *http.Request) *registryError {
	dgst := r.URL.Query().Get("digest")
	if dgst == "" {
		return errUploadInvalid("Missing digest arg on monolithic upload")
	}
	u, err := c.upload()
	if err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if c.overQuota(u.size) {
		c.drop(r.Context(), u)
		return errQuota
	}
	return c.commit(u, dgst, w, r)
}

// cancelUpload answers DELETE of an upload.
func (c call) cancelUpload(w http.ResponseWriter, r *http.Request) *registryError {
	u, err := c.upload()
	if err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	c.drop(r.Context(), u)
	writeEmpty(w, http.StatusNoContent)
	return nil
}

// commit appends the body of r to u and makes it the blob dgst. Any failure
// ends the upload, as complete_when_uploaded does in Quay.
func (c call) commit(u *upload, dgst string, w http.ResponseWriter, r *http.Request) *registryError {
	ok, err := c.seek(u, c.q.URL()+r.URL.Path, w, r)
	if err != nil || !ok {
		return err
	}
	// Quay sums a blob up with SHA-256 and with nothing else.
	if !strings.HasPrefix(dgst, "sha256:") {
		c.drop(r.Context(), u)
		return errUploadInvalid("")
	}
	answer := c.append(u, http.MethodPut, url.Values{"digest": {dgst}}, r)
	if answer.code != http.StatusCreated {
		c.drop(r.Context(), u)
		return errUploadInvalid("")
	}
	c.keepBlob(r.Context(), dgst)
	c.q.mu.Lock()
	delete(c.q.uploads, u.uuid)
	c.q.mu.Unlock()
	c.created(w, dgst)
	return nil
}

// rangePattern is the only form of Content-Range that Quay reads.
var rangePattern = regexp.MustCompile(`^([0-9]+)-([0-9]+)$`)

// seek moves the body of r to the first byte that u lacks. It answers 416 and
// returns false when bytes before that would be missing.
func (c call) seek(u *upload, location string, w http.ResponseWriter, r *http.Request) (bool, *registryError) {
	header := r.Header.Get("Content-Range")
	if header == "" {
		return true, nil
	}
	match := rangePattern.FindStringSubmatch(header)
	if match == nil {
		return false, errInvalidRequest("Invalid range header")
	}
	start, err := strconv.ParseInt(match[1], 10, 64)
	if err != nil {
		return false, errInvalidRequest("Invalid range header")
	}
	if start > u.size {
		w.Header().Set("Location", location)
		w.Header().Set("Range", "0-"+strconv.FormatInt(u.size, 10))
		w.Header().Set("Docker-Upload-UUID", u.uuid)
		writeEmpty(w, http.StatusRequestedRangeNotSatisfiable)
		return false, nil
	}
	// A body that ends inside the overlap has nothing new, which is no error.
	skipped, _ := io.CopyN(io.Discard, r.Body, u.size-start)
	if r.ContentLength > 0 {
		r.ContentLength -= skipped
	}
	return true, nil
}

// appended is the registry's answer to a request that writes to an upload.
type appended struct{ code int }

// append sends the body of r to the registry's upload and keeps count.
func (c call) append(u *upload, method string, query url.Values, r *http.Request) appended {
	if query == nil {
		query = url.Values{}
	}
	query.Set("_state", u.state)
	body := &countingReader{r: r.Body}
	inner := internalRequest(r.Context(), method, u.path()+"?"+query.Encode(), body)
	inner.ContentLength = r.ContentLength
	answer := c.q.storage.do(inner)
	u.size += body.n
	state := answer.Header().Get("Location")
	if answer.Code != http.StatusAccepted && answer.Code != http.StatusCreated {
		// The registry kept what it read of a body that broke off, so the next
		// request needs the state that goes with it.
		ctx := context.WithoutCancel(r.Context())
		state = c.q.storage.do(internalRequest(ctx, http.MethodGet, u.path(), nil)).Header().Get("Location")
	}
	if location, err := url.Parse(state); err == nil && location.Query().Has("_state") {
		u.state = location.Query().Get("_state")
	}
	return appended{code: answer.Code}
}

// drop ends u without a blob.
func (c call) drop(ctx context.Context, u *upload) {
	query := url.Values{"_state": {u.state}}
	c.q.storage.do(internalRequest(context.WithoutCancel(ctx), http.MethodDelete, u.path()+"?"+query.Encode(), nil))
	c.q.mu.Lock()
	defer c.q.mu.Unlock()
	delete(c.q.uploads, u.uuid)
}

// upload looks up the upload that the path names.
func (c call) upload() (*upload, *registryError) {
	c.q.mu.Lock()
	defer c.q.mu.Unlock()
	u := c.q.uploads[c.ref]
	if u == nil || u.repo != c.repo.name {
		return nil, errUploadUnknown
	}
	return u, nil
}

// keepBlob records the blob dgst, which the registry has, with a new lease.
func (c call) keepBlob(ctx context.Context, dgst string) {
	path := "/v2/" + c.repo.name + "/blobs/" + dgst
	head := c.q.storage.do(internalRequest(ctx, http.MethodHead, path, nil))
	size, _ := strconv.ParseInt(head.Header().Get("Content-Length"), 10, 64)
	c.q.mu.Lock()
	defer c.q.mu.Unlock()
	c.repo.blobs[dgst] = &blob{size: size, lease: c.q.now().Add(LeaseDuration)}
}

// created answers that the blob dgst is there.
func (c call) created(w http.ResponseWriter, dgst string) {
	w.Header().Set("Location", c.q.URL()+"/v2/"+c.repo.name+"/blobs/"+dgst)
	w.Header().Set("Docker-Content-Digest", dgst)
	writeEmpty(w, http.StatusCreated)
}

func (c call) overQuota(extra int64) bool {
	c.q.mu.Lock()
	defer c.q.mu.Unlock()
	return c.q.full(c.repo, extra)
}

func (u *upload) path() string { return "/v2/" + u.repo + "/blobs/uploads/" + u.uuid }

// countingReader counts the bytes read from r.
type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
