package quaytest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

// endpoints/v2/blob.py:293-327, 495-499.
func TestUploadStartsAtThePublicHost(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, "team-a/app")
	a := c.do(http.MethodPost, "/v2/team-a/app/blobs/uploads/", "")
	a.want(t, http.StatusAccepted, "")
	a.wantHeader(t, "Range", "bytes=0--1")
	a.wantHeader(t, "Location", "https://"+q.Host()+"/v2/team-a/app/blobs/uploads/"+a.header.Get("Docker-Upload-UUID"))
}

// endpoints/v2/blob.py:330-355, 358-460; data/registry_model/blobuploader.py:176-206.
func TestUploadInChunks(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, "team-a/app")
	const content = "0123456789"
	location := c.do(http.MethodPost, "/v2/team-a/app/blobs/uploads/", "").header.Get("Location")

	a := c.do(http.MethodPatch, location, content[:4], "Content-Range", "0-3")
	a.want(t, http.StatusAccepted, "")
	a.wantHeader(t, "Range", "0-3")
	a.wantHeader(t, "Location", location)
	a = c.do(http.MethodGet, location, "")
	a.want(t, http.StatusNoContent, "")
	a.wantHeader(t, "Range", "bytes=0-4")

	a = c.do(http.MethodPatch, location, content[6:], "Content-Range", "6-9")
	a.want(t, http.StatusRequestedRangeNotSatisfiable, "")
	a.wantHeader(t, "Range", "0-4")
	c.do(http.MethodPatch, location, content[4:], "Content-Range", "bytes 4-9/10").
		want(t, http.StatusBadRequest, "Invalid range header")
	a = c.do(http.MethodPatch, location, content[2:7], "Content-Range", "2-6")
	a.want(t, http.StatusAccepted, "")
	a.wantHeader(t, "Range", "0-6")

	a = c.do(http.MethodPut, location+"?digest="+digest(content), content[7:])
	a.want(t, http.StatusCreated, "")
	a.wantHeader(t, "Docker-Content-Digest", digest(content))
	a.wantHeader(t, "Location", q.URL()+"/v2/team-a/app/blobs/"+digest(content))
	a = c.do(http.MethodGet, "/v2/team-a/app/blobs/"+digest(content), "")
	a.want(t, http.StatusOK, content)
	a.wantHeader(t, "Docker-Content-Digest", digest(content))
	a = c.do(http.MethodHead, "/v2/team-a/app/blobs/"+digest(content), "")
	a.want(t, http.StatusOK, "")
	a.wantHeader(t, "Content-Length", "10")
	a.wantHeader(t, "Accept-Ranges", "bytes")
	c.do(http.MethodGet, location, "").want(t, http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN")
}

func TestUploadInOneRequest(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, "team-a/app")
	a := c.do(http.MethodPost, "/v2/team-a/app/blobs/uploads/?digest="+digest("whole"), "whole")
	a.want(t, http.StatusCreated, "")
	a.wantHeader(t, "Docker-Content-Digest", digest("whole"))
	if !q.HasBlob("team-a/app", digest("whole")) {
		t.Error("the blob is missing")
	}
}

// endpoints/v2/blob.py: complete_when_uploaded cancels on any failure.
func TestUploadThatFailsIsGone(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, "team-a/app")
	begin := func() string {
		return c.do(http.MethodPost, "/v2/team-a/app/blobs/uploads/", "").header.Get("Location")
	}
	location := begin()
	c.do(http.MethodPut, location, "x").want(t, http.StatusBadRequest, "Missing digest arg on monolithic upload")
	c.do(http.MethodPut, location+"?digest="+digest("y"), "x").want(t, http.StatusBadRequest, "BLOB_UPLOAD_INVALID")
	c.do(http.MethodPut, location+"?digest="+digest("x"), "x").want(t, http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN")
	location = begin()
	c.do(http.MethodDelete, location, "").want(t, http.StatusNoContent, "")
	c.do(http.MethodPatch, location, "x").want(t, http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN")
	location = strings.Replace(begin(), "team-a/app", "team-a/other", 1)
	q.AddRepository("team-a", "other")
	q.Grant("team-a/other", "team-a+ci", quaytest.Write)
	pusher(t, q, token, "team-a/other").do(http.MethodPatch, location, "x").want(t, http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN")
	if q.HasBlob("team-a/app", digest("x")) || q.HasBlob("team-a/app", digest("y")) {
		t.Error("a failed upload left a blob")
	}
}

// endpoints/v2/blob.py:160-250, test_blob.py test_blob_mounting.
func TestMountIsSilentWhenItCannot(t *testing.T) {
	q, token := start(t)
	q.AddRepository("team-a", "base")
	q.AddOrganization("team-b")
	q.AddRepository("team-b", "app")
	q.Grant("team-a/base", "team-a+ci", quaytest.Write)
	dgst := pusher(t, q, token, "team-a/base").blob("team-a/base", "shared")
	one := pusher(t, q, token, "team-a/app")
	two := login(t, q, "team-a+ci", token, "repository:team-a/app:pull,push", "repository:team-a/base:pull")
	for _, test := range []struct {
		name, query string
		c           *client
		status      int
	}{
		{"token without pull on the source", "mount=" + dgst + "&from=team-a/base", one, http.StatusAccepted},
		{"no source", "mount=" + dgst, two, http.StatusAccepted},
		{"unknown source", "mount=" + dgst + "&from=team-a/none", two, http.StatusAccepted},
		{"source of another organization", "mount=" + dgst + "&from=team-b/app", two, http.StatusAccepted},
		{"unknown blob", "mount=" + digest("none") + "&from=team-a/base", two, http.StatusAccepted},
		{"allowed", "mount=" + dgst + "&from=team-a/base", two, http.StatusCreated},
	} {
		if q.HasBlob("team-a/app", dgst) {
			t.Fatalf("%s: the blob is there already", test.name)
		}
		a := test.c.do(http.MethodPost, "/v2/team-a/app/blobs/uploads/?"+test.query, "")
		if a.status != test.status || a.header.Get("Location") == "" {
			t.Errorf("%s: %d %s %v", test.name, a.status, a.body, a.header)
		}
	}
	if !q.HasBlob("team-a/app", dgst) {
		t.Error("the mounted blob is missing")
	}
}

func TestBlobLeaseEndsUnlessAManifestNamesIt(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, "team-a/app")
	loose := c.blob("team-a/app", "loose")
	manifest := c.manifest("team-a/app", nil, []string{"layer"}, nil)
	c.put("team-a/app", "v1", ociManifest, manifest).want(t, http.StatusCreated, "OK")
	q.Advance(59 * time.Minute)
	c.do(http.MethodHead, "/v2/team-a/app/blobs/"+loose, "").want(t, http.StatusOK, "")
	q.Advance(time.Minute)
	c = pusher(t, q, token, "team-a/app")
	c.do(http.MethodGet, "/v2/team-a/app/blobs/"+loose, "").want(t, http.StatusNotFound, "BLOB_UNKNOWN")
	if q.HasBlob("team-a/app", loose) || !q.HasBlob("team-a/app", digest("layer")) {
		t.Error("want the loose blob gone and the layer kept")
	}
	// HEAD did not renew the lease; a second upload does.
	c.blob("team-a/app", "loose")
	if !q.HasBlob("team-a/app", loose) {
		t.Error("the blob is missing after a second upload")
	}
	c.do(http.MethodDelete, "/v2/team-a/app/blobs/"+loose, "").want(t, http.StatusMethodNotAllowed, "UNSUPPORTED")
}
