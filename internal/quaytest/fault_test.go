package quaytest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

const uploadsPath = "^/v2/.+/blobs/uploads/"

func TestFaultHitsTheNthRequest(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	q.Faults.Add(
		quaytest.Fault{Name: "busy", Method: http.MethodPost, Path: uploadsPath, Nth: 2, Times: 2,
			Effect: quaytest.Status(http.StatusTooManyRequests, http.Header{"Retry-After": {"7"}}, "slow down")},
		quaytest.Fault{Name: "down", Path: "/tags/list$", Times: -1, Effect: quaytest.Status(http.StatusBadGateway, nil, "")},
	)
	post := func() answer { return c.do(http.MethodPost, "/v2/team-a/app/blobs/uploads/", "") }
	post().want(t, http.StatusAccepted, "")
	for range 2 {
		a := post()
		a.want(t, http.StatusTooManyRequests, "slow down")
		a.wantHeader(t, "Retry-After", "7")
	}
	post().want(t, http.StatusAccepted, "")
	for range 3 {
		a := c.do(http.MethodGet, "/v2/team-a/app/tags/list", "")
		a.want(t, http.StatusBadGateway, "<h1>502 Bad Gateway</h1>")
		a.wantHeader(t, "Content-Type", "text/html")
	}
	var names []string
	for _, r := range q.Requests() {
		names = append(names, r.Fault)
	}
	if got, want := strings.Join(names, ","), ",,busy,busy,,down,down,down"; got != want {
		t.Errorf("faults are %q, want %q", got, want)
	}
	q.Faults.Clear()
	c.do(http.MethodGet, "/v2/team-a/app/tags/list", "").want(t, http.StatusOK, "")
}

// One fault per row: what the client sees and what the registry did.
func TestEffects(t *testing.T) {
	committed := func(t *testing.T, q *quaytest.Quay) {
		if !q.HasBlob(app, digest("content")) {
			t.Error("the blob was not committed")
		}
	}
	dropped := func(t *testing.T, q *quaytest.Quay) {
		if q.HasBlob(app, digest("content")) {
			t.Error("the blob was committed")
		}
	}
	for _, test := range []struct {
		name   string
		effect quaytest.Effect
		status int // 0 means no answer
		want   string
		header [2]string
		after  func(*testing.T, *quaytest.Quay)
	}{
		{"429 without Retry-After", quaytest.Status(429, nil, ""), 429, "429 Too Many Requests", [2]string{"Retry-After", ""}, dropped},
		{"500", quaytest.Status(500, nil, ""), 500, "", [2]string{}, dropped},
		{"504 that commits", quaytest.CommitThenStatus(504, nil, ""), 504, "504 Gateway Timeout", [2]string{}, committed},
		{"reset that commits", quaytest.CommitThenReset(), 0, "", [2]string{}, committed},
		{"reset at once", quaytest.Reset(0), 0, "", [2]string{}, dropped},
		{"reset within the body", quaytest.Reset(3), 0, "", [2]string{}, dropped},
		{"stream reset", quaytest.ResetStream(), 0, "", [2]string{}, dropped},
		{"wrong digest", quaytest.SetHeader("Docker-Content-Digest", digest("evil")), 201, "", [2]string{"Docker-Content-Digest", digest("evil")}, committed},
		{"no digest", quaytest.SetHeader("Docker-Content-Digest", ""), 201, "", [2]string{"Docker-Content-Digest", ""}, committed},
		{"location elsewhere", quaytest.SetHeader("Location", "https://evil.example/x"), 201, "", [2]string{"Location", "https://evil.example/x"}, committed},
		{"token expired", quaytest.ExpireToken(), 401, "Signature has expired", [2]string{}, dropped},
		{"nothing", quaytest.Do(func() {}), 201, "", [2]string{}, committed},
	} {
		for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
			t.Run(test.name+" "+protocol, func(t *testing.T) {
				q, token := start(t)
				if protocol == "HTTP/1.1" {
					onlyHTTP1(q)
				}
				c := pusher(t, q, token, app)
				location := c.do(http.MethodPost, "/v2/team-a/app/blobs/uploads/", "").header.Get("Location")
				q.Faults.Add(quaytest.Fault{Name: "fault", Method: http.MethodPut, Path: uploadsPath, Times: -1, Effect: test.effect})
				a, err := c.try(http.MethodPut, location+"?digest="+digest("content"), "content")
				if test.status == 0 && err == nil {
					t.Errorf("the answer is %d %s, want none", a.status, a.body)
				}
				if test.status != 0 {
					if err != nil {
						t.Fatal(err)
					}
					a.want(t, test.status, test.want)
					a.wantHeader(t, test.header[0], test.header[1])
				}
				last := q.Requests()[len(q.Requests())-1]
				if last.Fault != "fault" || last.Proto != protocol {
					t.Errorf("request is %+v", last)
				}
				test.after(t, q)
			})
		}
	}
}

// onlyHTTP1 takes HTTP/2 away from the client of q.
func onlyHTTP1(q *quaytest.Quay) {
	transport := q.Client().Transport.(*http.Transport)
	transport.ForceAttemptHTTP2 = false
	transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
}

func TestExpiredTokenStaysExpiredAndTheUploadStays(t *testing.T) {
	q, token := start(t)
	old := pusher(t, q, token, app)
	location := old.do(http.MethodPost, "/v2/team-a/app/blobs/uploads/", "").header.Get("Location")
	q.Faults.Add(quaytest.Fault{Method: http.MethodPatch, Path: uploadsPath, Effect: quaytest.ExpireToken()})
	old.do(http.MethodPatch, location, "content").want(t, http.StatusUnauthorized, "Signature has expired")
	old.do(http.MethodPatch, location, "content").want(t, http.StatusUnauthorized, "Signature has expired")
	fresh := pusher(t, q, token, app)
	fresh.do(http.MethodPatch, location, "content").want(t, http.StatusAccepted, "")
	fresh.do(http.MethodPut, location+"?digest="+digest("content"), "").want(t, http.StatusCreated, "")
}

func TestGoAwayDisownsTheStream(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	q.Faults.Add(quaytest.Fault{Name: "goaway", Method: http.MethodPost, Path: uploadsPath, Effect: quaytest.GoAway()})
	// Go's transport sends a request with a body that it can rewind again on a new connection.
	c.do(http.MethodPost, "/v2/team-a/app/blobs/uploads/", "").want(t, http.StatusAccepted, "")
	if got := len(q.Requests()); got != 3 {
		t.Errorf("%d requests, want 3: token, refused, repeated", got)
	}
}

func TestStallEndsByRelease(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	release, reached := make(chan struct{}), make(chan struct{})
	stall := quaytest.Stall(release)
	q.Faults.Add(quaytest.Fault{Method: http.MethodPut, Path: uploadsPath,
		Effect: func(q *quaytest.Quay, w http.ResponseWriter, r *http.Request, next http.Handler) {
			close(reached)
			stall(q, w, r, next)
		}})
	go func() {
		<-reached
		if q.HasBlob(app, digest("content")) {
			t.Error("the blob was committed during the stall")
		}
		close(release)
	}()
	c.blob(app, "content")
}

func TestStallEndsWhenTheClientGivesUp(t *testing.T) {
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(protocol, func(t *testing.T) {
			q, token := start(t)
			if protocol == "HTTP/1.1" {
				onlyHTTP1(q)
			}
			c := pusher(t, q, token, app)
			location := c.do(http.MethodPost, "/v2/team-a/app/blobs/uploads/", "").header.Get("Location")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			stall := quaytest.Stall(nil)
			q.Faults.Add(quaytest.Fault{Name: "stall", Method: http.MethodPatch,
				Effect: func(q *quaytest.Quay, w http.ResponseWriter, r *http.Request, next http.Handler) {
					cancel() // The client gives up once the server has stopped reading.
					stall(q, w, r, next)
				}})
			body := &endless{}
			r, err := http.NewRequestWithContext(ctx, http.MethodPatch, location, body)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+c.bearer)
			response, err := q.Client().Do(r)
			if err == nil {
				response.Body.Close()
			}
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error is %v, want that it was cancelled", err)
			}
			last := q.Requests()[len(q.Requests())-1]
			if last.Fault != "stall" || last.Bytes != 0 || last.Proto != protocol {
				t.Errorf("request is %+v, want a stalled one with no byte read", last)
			}
			// The cleanup of the test returns although this was never released.
		})
	}
}

// endless is a body without an end.
type endless struct{}

func (*endless) Read(p []byte) (int, error) { return len(p), nil }

// A refused body of any size gets its answer and not a reset, as behind nginx.
func TestEarlyAnswerReachesTheClient(t *testing.T) {
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(protocol, func(t *testing.T) {
			q, token := start(t)
			if protocol == "HTTP/1.1" {
				onlyHTTP1(q)
			}
			c := pusher(t, q, token, app)
			location := c.do(http.MethodPost, "/v2/team-a/app/blobs/uploads/", "").header.Get("Location")
			q.Faults.Add(quaytest.Fault{Method: http.MethodPatch, Times: -1, Effect: quaytest.Status(503, nil, "")})
			for range 20 {
				c.do(http.MethodPatch, location, strings.Repeat("x", 4<<20)).want(t, http.StatusServiceUnavailable, "")
			}
			for _, r := range q.Requests() {
				if r.Fault == "" && r.Bytes != 0 || r.Proto != protocol {
					t.Errorf("request is %+v", r)
				}
			}
		})
	}
}

func TestTruncatedAnswer(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	c.blob(app, "0123456789")
	q.Faults.Add(quaytest.Fault{Path: "/blobs/sha256:", Effect: quaytest.Truncate(4)})
	a, err := c.try(http.MethodGet, "/v2/team-a/app/blobs/"+digest("0123456789"), "")
	if err == nil || a.body != "0123" {
		t.Errorf("got %q, %v, want 0123 and an error", a.body, err)
	}
}

func TestRealmElsewhere(t *testing.T) {
	q, _ := start(t)
	const evil = `Bearer realm="https://evil.example/v2/auth",service="evil.example"`
	q.Faults.Add(quaytest.Fault{Path: "^/v2/$", Effect: quaytest.SetHeader("WWW-Authenticate", evil)})
	a := (&client{t: t, q: q}).do(http.MethodGet, "/v2/", "")
	a.want(t, http.StatusUnauthorized, "true")
	a.wantHeader(t, "WWW-Authenticate", evil)
}

func TestDoLetsTimePassInTheMiddle(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	manifest := c.manifest(app, nil, []string{"layer"}, nil)
	q.Faults.Add(quaytest.Fault{Method: http.MethodPut, Path: "/manifests/", Effect: quaytest.Do(func() { q.Advance(2 * time.Hour) })})
	c.put(app, "v1", ociManifest, manifest).want(t, http.StatusUnauthorized, "Signature has expired")
	pusher(t, q, token, app).put(app, "v1", ociManifest, manifest).want(t, http.StatusBadRequest, "Unknown blob `")
}

// A body that breaks off leaves an upload that can go on where it was.
func TestUploadGoesOnAfterABrokenChunk(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	content := strings.Repeat("0123456789", 10000)
	location := c.do(http.MethodPost, "/v2/team-a/app/blobs/uploads/", "").header.Get("Location")
	broken := io.MultiReader(strings.NewReader(content[:50000]), failing{})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, location, broken)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.bearer)
	if response, err := q.Client().Do(r); err == nil {
		response.Body.Close()
		t.Fatal("the broken chunk was taken")
	}
	// The client gave up; that does not say that Quay has, and a later chunk can be served before this one.
	for tick := time.NewTicker(time.Millisecond); ; <-tick.C {
		all := q.Requests()
		if last := all[len(all)-1]; last.Method == http.MethodPatch && last.Status != 0 {
			tick.Stop()
			break
		}
	}
	// The whole of it again: Quay skips what it has.
	a := c.do(http.MethodPatch, location, content, "Content-Range", "0-99999")
	a.want(t, http.StatusAccepted, "")
	a.wantHeader(t, "Range", "0-99999")
	c.do(http.MethodPut, location+"?digest="+digest(content), "").want(t, http.StatusCreated, "")
	if a := c.do(http.MethodGet, "/v2/team-a/app/blobs/"+digest(content), ""); !bytes.Equal([]byte(a.body), []byte(content)) {
		t.Errorf("the blob has %d bytes, want the content", len(a.body))
	}
}

// failing is a body that cannot be read.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }
