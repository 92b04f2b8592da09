package push_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// Where a fault hits: the pieces of a push.
const (
	onPing     = "^/v2/$"
	onToken    = "^/v2/auth$"
	onUpload   = "/blobs/uploads/"
	onManifest = "/manifests/sha256"
	onTag      = "/manifests/v1$"
)

// unavailable is what nginx says when Quay is gone.
func unavailable(status int) quaytest.Effect { return quaytest.Status(status, nil, "") }

// Passing faults must not fail the push, and what was sent must not be sent again.
func TestPassingFaults(t *testing.T) {
	busy := quaytest.Status(http.StatusTooManyRequests, nil, "")
	storage := quaytest.Status(http.StatusBadRequest, nil, `{"errors":[{"code":"BLOB_UPLOAD_INVALID","message":"blob upload invalid"}]}`)
	faults := map[string]quaytest.Fault{
		"token expired at the upload's start": {Method: "POST", Path: onUpload, Effect: quaytest.ExpireToken()},
		"token expired in front of the body":  {Method: "PUT", Path: onUpload, Effect: quaytest.ExpireToken()},
		"token expired at the manifest":       {Method: "PUT", Path: onManifest, Effect: quaytest.ExpireToken()},
		"token expired at the tag":            {Method: "PUT", Path: onTag, Effect: quaytest.ExpireToken()},
		"502 on the challenge":                {Path: onPing, Times: 2, Effect: unavailable(502)},
		"503 on the token":                    {Path: onToken, Times: 2, Effect: unavailable(503)},
		"500 on the start of an upload":       {Method: "POST", Path: onUpload, Times: 2, Effect: unavailable(500)},
		"502 on the body":                     {Method: "PUT", Path: onUpload, Times: 2, Effect: unavailable(502)},
		"503 on the manifest":                 {Method: "PUT", Path: onManifest, Times: 2, Effect: unavailable(503)},
		"504 on the tag":                      {Method: "PUT", Path: onTag, Times: 2, Effect: unavailable(504)},
		"502 on reading back":                 {Method: "GET", Path: onTag, Nth: 2, Times: 2, Effect: unavailable(502)},
		"reset in the body":                   {Method: "PUT", Path: onUpload, Times: 2, Effect: quaytest.Reset(100_000)},
		"reset before the body":               {Method: "PUT", Path: onUpload, Effect: quaytest.Reset(0)},
		"reset of the stream":                 {Method: "POST", Path: onUpload, Effect: quaytest.ResetStream()},
		"GOAWAY":                              {Method: "POST", Path: onUpload, Effect: quaytest.GoAway()},
		"GOAWAY at the manifest":              {Method: "PUT", Path: onManifest, Effect: quaytest.GoAway()},
		"blob stored, answer lost":            {Method: "PUT", Path: onUpload, Effect: quaytest.CommitThenReset()},
		"manifest stored, answer lost":        {Method: "PUT", Path: onManifest, Effect: quaytest.CommitThenReset()},
		"tag set, answer lost":                {Method: "PUT", Path: onTag, Effect: quaytest.CommitThenReset()},
		"half an answer":                      {Method: "GET", Path: onTag, Nth: 2, Effect: quaytest.Truncate(10)},
		"429 on an upload":                    {Method: "POST", Path: onUpload, Times: 3, Effect: busy},
		"429 on the token":                    {Path: onToken, Times: 3, Effect: busy},
		"429 on a manifest":                   {Method: "PUT", Path: onManifest, Times: 3, Effect: busy},
		"BLOB_UPLOAD_INVALID of good bytes":   {Method: "PUT", Path: onUpload, Times: 2, Effect: storage},
		"upload forgotten":                    {Method: "PUT", Path: onUpload, Effect: quaytest.Status(404, nil, `{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}`)},
		"504 on the commit, blob stored":      {Method: "PUT", Path: onUpload, Effect: quaytest.CommitThenStatus(504, nil, "")},
		"408 on the commit, blob stored":      {Method: "PUT", Path: onUpload, Effect: quaytest.CommitThenStatus(408, nil, "")},
		"tag set, a gateway hides the answer": {Method: "PUT", Path: onTag, Effect: quaytest.CommitThenStatus(502, nil, "")},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			// Where the tag may not move, putting it twice would fail.
			f.SetImmutable("team-a", true)
			fault.Name = name
			f.Faults.Add(fault)
			result := f.push()
			if got := f.Tags("team-a/app")["v1"]; got != result.Digest {
				t.Errorf("tag v1 is %q, want %q", got, result.Digest)
			}
			hit := 0
			for _, r := range f.Requests() {
				if r.Fault == name {
					hit++
				}
			}
			if hit != max(1, fault.Times) {
				t.Errorf("the fault was played %d times, want %d", hit, max(1, fault.Times))
			}
			if strings.Contains(name, "blob stored") {
				if n := f.count("PUT", onUpload); n != 1 {
					t.Errorf("the blob was sent %d times, want once: the registry has it", n)
				}
			}
		})
	}
}

// Faults that stay fail the push with their class.
func TestLastingFaults(t *testing.T) {
	rows := []struct {
		name  string
		fault quaytest.Fault
		class failure.Class
		tries int // 0: any number
	}{
		{"503", quaytest.Fault{Path: onPing, Effect: unavailable(503)}, failure.ClassUnavailable, 6},
		{"500 on the body", quaytest.Fault{Method: "PUT", Path: onUpload, Effect: unavailable(500)}, failure.ClassUnavailable, 6},
		{"reset", quaytest.Fault{Method: "PUT", Path: onUpload, Effect: quaytest.Reset(1000)}, failure.ClassNetwork, 6},
		{"429", quaytest.Fault{Path: onToken, Effect: quaytest.Status(429, nil, "")}, failure.ClassRateLimited, 6},
		{"413", quaytest.Fault{Method: "PUT", Path: onUpload, Effect: quaytest.Status(413, nil, "")}, failure.ClassTooLarge, 1},
		{"quota", quaytest.Fault{Method: "POST", Path: onUpload,
			Effect: quaytest.Status(403, nil, `{"errors":[{"code":"DENIED","message":"Quota has been exceeded on namespace"}]}`)}, failure.ClassQuota, 0},
		{"denied", quaytest.Fault{Method: "POST", Path: onUpload, Effect: quaytest.Status(403, nil, `{"errors":[{"code":"DENIED"}]}`)}, failure.ClassPushDenied, 0},
		{"401 of a good token", quaytest.Fault{Method: "POST", Path: onUpload, Effect: quaytest.Status(401, nil, `{"errors":[{"code":"UNAUTHORIZED"}]}`)}, failure.ClassProtocol, 0},
		{"read only", quaytest.Fault{Method: "POST", Path: onUpload, Effect: quaytest.Status(405, nil, `{"errors":[{"code":"DENIED"}]}`)}, failure.ClassRegistryReadOnly, 0},
		{"415", quaytest.Fault{Method: "PUT", Path: onManifest, Effect: quaytest.Status(415, nil, `{"errors":[{"code":"MANIFEST_INVALID"}]}`)}, failure.ClassManifestRefused, 1},
		{"MANIFEST_INVALID", quaytest.Fault{Method: "PUT", Path: onManifest, Effect: quaytest.Status(400, nil, `{"errors":[{"code":"MANIFEST_INVALID"}]}`)}, failure.ClassManifestRefused, 2},
		{"no token in the answer", quaytest.Fault{Path: onToken, Effect: quaytest.Status(200, nil, `{"hello":1}`)}, failure.ClassProtocol, 1},
		{"no challenge", quaytest.Fault{Path: onPing, Effect: quaytest.SetHeader("WWW-Authenticate", `Basic realm="x"`)}, failure.ClassProtocol, 1},
		{"no location", quaytest.Fault{Method: "POST", Path: onUpload, Effect: quaytest.SetHeader("Location", "")}, failure.ClassProtocol, 0},
		{"a page of something else", quaytest.Fault{Path: onPing, Effect: quaytest.Status(404, nil, "<html>")}, failure.ClassProtocol, 1},
		{"another digest of the manifest", quaytest.Fault{Method: "PUT", Path: onManifest,
			Effect: quaytest.SetHeader("Docker-Content-Digest", digestOf([]byte("other")))}, failure.ClassNotVerified, 1},
		{"another digest of a blob", quaytest.Fault{Method: "PUT", Path: onUpload,
			Effect: quaytest.SetHeader("Docker-Content-Digest", digestOf([]byte("other")))}, failure.ClassNotVerified, 1},
		{"other bytes under the digest", quaytest.Fault{Method: "GET", Path: onManifest, Nth: 2, Effect: quaytest.Status(200, nil, `{}`)}, failure.ClassNotVerified, 0},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			f := newFixture(t)
			row.fault.Name, row.fault.Times = row.name, -1
			f.Faults.Add(row.fault)
			_, err := push.Push(context.Background(), f.opts)
			if reason := (*failure.Error)(nil); !errors.As(err, &reason) || reason.Class != row.class {
				t.Fatalf("pushing = %v, want class %s", err, row.class.Name)
			}
			if got := f.log.String() + err.Error(); strings.Contains(got, f.token) {
				t.Errorf("the token is in %q", got)
			}
			tries := 0
			for _, r := range f.Requests() {
				if r.Fault == row.name {
					tries++
				}
			}
			if row.tries > 0 && tries != row.tries {
				t.Errorf("it was tried %d times, want %d", tries, row.tries)
			}
		})
	}
}

// The states of a real Quay that no script is needed for.
func TestQuayRefuses(t *testing.T) {
	t.Run("quota", func(t *testing.T) {
		f := newFixture(t)
		f.SetQuota("team-a", 1)
		f.fail(failure.ClassQuota)
	})
	t.Run("read only", func(t *testing.T) {
		f := newFixture(t)
		f.SetReadOnly(true)
		f.fail(failure.ClassRegistryReadOnly)
	})
	t.Run("pushes disabled", func(t *testing.T) {
		f := newFixture(t)
		f.DisablePushes(true)
		f.fail(failure.ClassRegistryReadOnly)
	})
	t.Run("immutable tag", func(t *testing.T) {
		f := newFixture(t)
		first := f.push()
		f.SetImmutable("team-a", true)
		remove(t, f.results+"/IMAGE_URL")
		second := writeLayout(t, f.layout, small)
		reason := f.fail(failure.ClassTagImmutable)
		if !strings.Contains(reason.Error(), first.Digest) || !strings.Contains(reason.Error(), second.Digest) {
			t.Errorf("the error is %q, want both digests", reason)
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		f := newFixture(t)
		f.opts.ImageRef = "127.0.0.1:1/team-a/app"
		config := strings.ReplaceAll(string(f.Dockerconfig("team-a+ci")), f.Host(), "127.0.0.1:1")
		f.opts.Dockerconfig = t.TempDir() + "/config.json"
		write(t, f.opts.Dockerconfig, []byte(config))
		f.fail(failure.ClassNetwork)
	})
}

// A body that nobody takes is given up and sent again.
func TestStalledBody(t *testing.T) {
	f := newFixture(t)
	// More than the sockets' buffers hold, so that the body stands still.
	writeLayout(t, f.layout, 32<<20)
	f.opts.StallTimeout = 300 * time.Millisecond
	f.Faults.Add(quaytest.Fault{Name: "stall", Method: "PUT", Path: onUpload, Effect: quaytest.Stall(nil)})
	f.push()
	if n := f.count("PUT", onUpload); n < 2 {
		t.Errorf("the body was sent %d times, want it sent again", n)
	}
}

func TestLastingStall(t *testing.T) {
	f := newFixture(t)
	writeLayout(t, f.layout, 32<<20)
	f.opts.StallTimeout = 50 * time.Millisecond
	f.Faults.Add(quaytest.Fault{Name: "stall", Method: "PUT", Path: onUpload, Times: -1, Effect: quaytest.Stall(nil)})
	f.fail(failure.ClassStalled)
}

func TestTimeout(t *testing.T) {
	f := newFixture(t)
	f.opts.Timeout = 300 * time.Millisecond
	f.Faults.Add(quaytest.Fault{Name: "stall", Path: onToken, Effect: quaytest.Stall(nil)})
	f.fail(failure.ClassTimeout)
}

func TestCancel(t *testing.T) {
	f := newFixture(t)
	ctx, cancel := context.WithCancel(context.Background())
	f.Faults.Add(quaytest.Fault{Name: "cancel", Method: "PUT", Path: onUpload, Effect: quaytest.Do(cancel)})
	_, err := push.Push(ctx, f.opts)
	if code := failure.ExitCode(err); code != failure.ClassCancelled.Exit {
		t.Errorf("pushing = %v, exit code %d", err, code)
	}
	if tags := f.Tags("team-a/app"); len(tags) > 0 {
		t.Errorf("tags %v after the end", tags)
	}
}

// A registry that says how long to wait is believed.
func TestRetryAfter(t *testing.T) {
	f := newFixture(t)
	f.Faults.Add(quaytest.Fault{Name: "busy", Path: onToken, Effect: quaytest.Status(429, http.Header{"Retry-After": {"1"}}, "")})
	began := time.Now()
	f.push()
	if took := time.Since(began); took < time.Second {
		t.Errorf("the push took %v, the registry asked for a second", took)
	}
}

// One push has one budget: many blobs that each recover use it up together.
func TestRetryBudget(t *testing.T) {
	f := newFixture(t)
	sizes := make([]int, 40)
	for i := range sizes {
		sizes[i] = 100 + i
	}
	writeLayout(t, f.layout, sizes...)
	var mu sync.Mutex
	starts := map[string]int{}
	f.Faults.Add(quaytest.Fault{Name: "down", Method: "POST", Path: onUpload, Times: -1, Effect: func(_ *quaytest.Quay, w http.ResponseWriter, r *http.Request, next http.Handler) {
		mu.Lock()
		digest := r.URL.Query().Get("mount")
		starts[digest]++
		third := starts[digest] > 2
		mu.Unlock()
		if third {
			next.ServeHTTP(w, r)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}})
	f.fail(failure.ClassUnavailable)
}

// A gateway gives up on a commit that takes minutes: the blob is awaited, not sent again.
func TestCommitThatTakesLong(t *testing.T) {
	f := newFixture(t)
	l := layers(t, f.layout, writeLayout(t, f.layout, large))[0]
	f.Faults.Add(
		quaytest.Fault{Name: "504", Method: "PUT", Path: onUpload, Effect: quaytest.CommitThenStatus(504, nil, "")},
		quaytest.Fault{Name: "not yet", Method: "HEAD", Path: l.Digest, Times: 3, Effect: unavailable(404)})
	f.push()
	if n := f.count("PUT", onUpload); n != 1 {
		t.Errorf("the blob was sent %d times, want once", n)
	}
}

// A registry that takes no blob with the first request of an upload says so by 202, and only who asks meanwhile asks in vain.
func TestRegistryThatIgnoresTheBody(t *testing.T) {
	f := newFixture(t)
	f.opts.Jobs = 1
	sizes := make([]int, 20)
	for i := range sizes {
		sizes[i] = small + i
	}
	writeLayout(t, f.layout, sizes...)
	f.Faults.Add(quaytest.Fault{Name: "202", Method: "POST", Path: onUpload, Times: -1, Effect: func(q *quaytest.Quay, w http.ResponseWriter, r *http.Request, next http.Handler) {
		r.URL.RawQuery = ""
		next.ServeHTTP(w, r)
	}})
	f.push()
	if n := f.count("PUT", onUpload); n != 21 {
		t.Errorf("%d blobs were put, want all 21", n)
	}
}

// A registry that asks for no token is pushed to without one.
func TestRegistryWithoutTokens(t *testing.T) {
	f := newFixture(t)
	f.Faults.Add(quaytest.Fault{Name: "open", Path: onPing, Times: -1, Effect: unavailable(http.StatusOK)})
	// This one asks later, and refuses: what matters is that the push ends.
	f.fail(failure.ClassPushDenied)
	// One may be asked for before the registry has said that it wants none; it is not used.
	if n := f.count("GET", "/v2/auth"); n > 1 {
		t.Errorf("%d tokens were bought", n)
	}
	for _, r := range f.Requests() {
		if r.Robot != "" && r.Path != "/v2/auth" {
			t.Errorf("%s %s had the token of %s", r.Method, r.Path, r.Robot)
		}
	}
}
