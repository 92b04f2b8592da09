package quaytest_test

import (
	"net/http"
	"testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

func TestUnknownPathsAndMethods(t *testing.T) {
	q, token := start(t)
	c := login(t, q, "team-a+ci", token, "repository:team-a/app:pull,push", "repository:team-a/none:pull,push")
	for _, test := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, "/", http.StatusNotFound},
		{http.MethodGet, "/v2/team-a/app", http.StatusNotFound},
		{http.MethodGet, "/v2/team-a/app/blobs/nothing", http.StatusNotFound},
		{http.MethodGet, "/v2/team-a/app/manifests/-tag", http.StatusNotFound},
		{http.MethodGet, "/v2/team-a/app/referrers/nodigest", http.StatusNotFound},
		{http.MethodGet, "/v2/_catalog", http.StatusOK},
		{http.MethodPost, "/v2/team-a/app/tags/list", http.StatusMethodNotAllowed},
		{http.MethodPost, "/v2/team-a/app/manifests/v1", http.StatusMethodNotAllowed},
		{http.MethodGet, "/v2/team-a/none/tags/list", http.StatusUnauthorized},
	} {
		if a := c.do(test.method, test.path, ""); a.status != test.status {
			t.Errorf("%s %s: %d %s, want %d", test.method, test.path, a.status, a.body, test.status)
		}
	}
	c.do(http.MethodPost, "/v2/team-a/app/manifests/v1", "").wantHeader(t, "Allow", "DELETE, GET, HEAD, PUT, OPTIONS")
	c.do(http.MethodPost, "/v2/team-a/app/tags/list", "").wantHeader(t, "Allow", "GET, HEAD, OPTIONS")
	a := (&client{t: t, q: q}).do(http.MethodGet, "/health/instance", "")
	a.want(t, http.StatusOK, `"status_code":200`)
}

// endpoints/v2/errors.py, endpoints/decorators.py, endpoints/v2/blob.py:404-411.
func TestRegistryThatTakesNoPushes(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	manifest := c.manifest(app, nil, nil, nil)
	location := c.do(http.MethodPost, "/v2/team-a/app/blobs/uploads/", "").header.Get("Location")

	q.DisablePushes(true)
	c.do(http.MethodPost, "/v2/team-a/app/blobs/uploads/", "").want(t, http.StatusMethodNotAllowed, `"code":"METHOD NOT ALLOWED"`)
	c.put(app, "v1", ociManifest, manifest).want(t, http.StatusMethodNotAllowed, "Pushes to the registry are currently disabled.")
	c.do(http.MethodPut, location+"?digest="+digest("late"), "late").want(t, http.StatusCreated, "")
	q.DisablePushes(false)

	q.SetReadOnly(true)
	c.put(app, "v1", ociManifest, manifest).want(t, http.StatusMethodNotAllowed, `"code":"DENIED"`)
	c.do(http.MethodPost, "/v2/team-a/app/blobs/uploads/", "").want(t, http.StatusMethodNotAllowed, `"is_readonly":true`)
	c.do(http.MethodHead, "/v2/team-a/app/blobs/"+digest("late"), "").want(t, http.StatusOK, "")
	q.SetReadOnly(false)
	c.put(app, "v1", ociManifest, manifest).want(t, http.StatusCreated, "")
}

// endpoints/v2/blob.py:268-278, 377-388, 429-440; manifest.py:519-537: a push
// by digest is not counted, and a chunk that does not fit ends the upload.
func TestQuota(t *testing.T) {
	const denied = `{"errors":[{"code":"DENIED","detail":{},"message":"Quota has been exceeded on namespace"}]}`
	q, token := start(t)
	c := pusher(t, q, token, app)
	manifest := c.manifest(app, nil, []string{"a layer of 24 characters"}, nil)
	location := c.do(http.MethodPost, "/v2/team-a/app/blobs/uploads/", "").header.Get("Location")
	q.SetQuota("team-a", 50)
	c.do(http.MethodPost, "/v2/team-a/app/blobs/uploads/", "").want(t, http.StatusForbidden, denied)
	c.do(http.MethodPatch, location, "more").want(t, http.StatusForbidden, denied)
	c.do(http.MethodPatch, location, "more").want(t, http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN")
	c.put(app, "v1", ociManifest, manifest).want(t, http.StatusForbidden, denied)
	c.put(app, "", ociManifest, manifest).want(t, http.StatusCreated, "")
	q.SetQuota("team-a", 1<<20)
	c.put(app, "v1", ociManifest, manifest).want(t, http.StatusCreated, "")
	location = c.do(http.MethodPost, "/v2/team-a/app/blobs/uploads/", "").header.Get("Location")
	c.do(http.MethodPatch, location, string(make([]byte, 1<<20))).want(t, http.StatusAccepted, "")
	c.do(http.MethodPut, location+"?digest="+digest("x"), "").want(t, http.StatusForbidden, denied)
	q.SetQuota("team-a", 0)
	c.blob(app, "as much as one likes")
}

func TestRepositoryThatIsGoneFromTheTokensView(t *testing.T) {
	q, token := start(t)
	q.AddRobot("team-a", "ci-b")
	// A robot of the organization cannot be granted a role in another one.
	q.AddOrganization("team-b")
	q.AddRepository("team-b", "app")
	mustPanic(t, "Cannot add robot team-a+ci under namespace team-b", func() {
		q.Grant("team-b/app", "team-a+ci", quaytest.Write)
	})
	c := pusher(t, q, token, app)
	c.do(http.MethodGet, "/v2/team-b/app/tags/list", "").want(t, http.StatusUnauthorized, "UNAUTHORIZED")
}
