package quaytest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

func TestRequestsTellTheStoryOfAPush(t *testing.T) {
	before := time.Now()
	q, token := start(t)
	q.Advance(time.Hour)
	c := pusher(t, q, token, app)
	dgst := c.blob(app, "content")
	got := q.Requests()
	for i := range got {
		if at := got[i].Arrived; at.Before(before) || at.After(time.Now()) {
			t.Errorf("request %d arrived at %s", i, at)
		}
		got[i].Arrived, before = time.Time{}, got[i].Arrived
	}
	uuid := got[2].Path[strings.LastIndex(got[2].Path, "/"):]
	want := []quaytest.Request{
		{Method: "GET", Path: "/v2/auth", Status: 200, Proto: "HTTP/2.0", Robot: "team-a+ci",
			Query: url.Values{"service": {q.Host()}, "scope": {"repository:team-a/app:pull,push"}}},
		{Method: "POST", Path: "/v2/team-a/app/blobs/uploads/", Status: 202, Proto: "HTTP/2.0", Robot: "team-a+ci", Query: url.Values{}},
		{Method: "PUT", Path: "/v2/team-a/app/blobs/uploads" + uuid, Status: 201, Proto: "HTTP/2.0", Robot: "team-a+ci",
			Query: url.Values{"digest": {dgst}}, Bytes: 7},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	q.ForgetRequests()
	if got := q.Requests(); len(got) != 0 {
		t.Errorf("requests after forgetting are %v", got)
	}
}

// A client that puts its credential in the wrong place does not get it into a
// log or into an error.
func TestNoSecretComesOut(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	var told strings.Builder
	for _, a := range []answer{
		askToken(t, q, "team-a+ci", token+"X"),
		askToken(t, q, "team-a+none", token),
		askToken(t, q, token, "team-a+ci"),
		askToken(t, q, token+"+ci", "x"),
		c.do(http.MethodGet, "/v2/auth?password="+token, ""),
		c.do(http.MethodGet, "/v2/team-a/app/tags/list?token="+c.bearer, ""),
		c.do(http.MethodGet, "/v2/team-a/other/tags/list", ""),
		(&client{t: t, q: q}).do(http.MethodGet, "/v2/", "", "Authorization", "Bearer "+token),
	} {
		told.WriteString(a.body + fmt.Sprint(a.header))
	}
	fmt.Fprint(&told, q.Requests())
	for name, secret := range map[string]string{"robot token": token, "bearer token": c.bearer} {
		if strings.Contains(told.String(), secret) {
			t.Errorf("the %s came out", name)
		}
	}
}

func TestManyClientsAtOnce(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			manifest := c.manifest(app, map[string]string{"n": fmt.Sprint(i)}, []string{"shared", fmt.Sprint("layer ", i)}, nil)
			c.put(app, fmt.Sprint("v", i), ociManifest, manifest).want(t, http.StatusCreated, "")
			c.get(app, fmt.Sprint("v", i)).want(t, http.StatusOK, manifest)
		})
	}
	group.Wait()
	if got := len(q.Tags(app)); got != 16 {
		t.Errorf("%d tags, want 16", got)
	}
}
