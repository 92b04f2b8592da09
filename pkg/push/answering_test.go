package push_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// A Location is relative to the request that it answers, as a link in a page is.
func TestRelativeLocations(t *testing.T) {
	for name, relative := range map[string]func(upload, host string) string{
		"a name":           func(upload, _ string) string { return path.Base(upload) },
		"a name with dot":  func(upload, _ string) string { return "./" + path.Base(upload) },
		"a name with dots": func(upload, _ string) string { return "../uploads/" + path.Base(upload) },
		"a path":           func(upload, _ string) string { return upload },
		"a host":           func(upload, host string) string { return "//" + host + upload },
		"a query":          func(upload, _ string) string { return path.Base(upload) + "?state=a%2Fb&x" },
		"all of it":        func(upload, host string) string { return "https://" + host + upload },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			host := f.Host()
			f.Faults.Add(quaytest.Fault{Name: "relative", Method: "POST", Path: onUpload, Times: -1, Effect: func(_ *quaytest.Quay, w http.ResponseWriter, r *http.Request, next http.Handler) {
				answer := httptest.NewRecorder()
				next.ServeHTTP(answer, r)
				for key, values := range answer.Header() {
					w.Header()[key] = values
				}
				if given := answer.Header().Get("Location"); answer.Code == http.StatusAccepted {
					w.Header().Set("Location", relative(given[strings.Index(given, "/v2/"):], host))
				}
				w.WriteHeader(answer.Code)
			}})
			f.push()
			if n := f.count("PUT", onUpload); n != 1 {
				t.Errorf("%d uploads were ended at the address that was given, want 1", n)
			}
		})
	}
}

// compressed makes every answer one in gzip, asked for or not.
func compressed(asked *atomic.Int64) quaytest.Effect {
	return func(_ *quaytest.Quay, w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Header.Get("Accept-Encoding") == "identity" {
			asked.Add(1)
		}
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		for key, values := range answer.Header() {
			w.Header()[key] = values
		}
		body := answer.Body.Bytes()
		if len(body) > 0 && r.Method == http.MethodGet {
			var packed bytes.Buffer
			z := gzip.NewWriter(&packed)
			z.Write(body)
			z.Close()
			body = packed.Bytes()
			w.Header().Set("Content-Encoding", "gzip")
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		}
		w.WriteHeader(answer.Code)
		w.Write(body)
	}
}

// Answers that come compressed are read nevertheless, and each request says that they need not.
func TestCompressedAnswers(t *testing.T) {
	f := newFixture(t)
	var asked atomic.Int64
	f.Faults.Add(quaytest.Fault{Name: "gzip", Times: -1, Effect: compressed(&asked)})
	f.push()
	if n := len(f.Requests()); asked.Load() != int64(n) {
		t.Errorf("%d of %d requests ask for what is not compressed", asked.Load(), n)
	}
}

// A bomb of an answer is read no further than any other one.
func TestCompressedBomb(t *testing.T) {
	if testing.Short() {
		t.Skip("gigabytes are decompressed")
	}
	f := newFixture(t)
	bomb := gzipped(t, bytes.Repeat([]byte(" "), 64<<20))
	f.Faults.Add(quaytest.Fault{Name: "bomb", Path: onToken, Times: -1,
		Effect: quaytest.Status(200, http.Header{"Content-Encoding": {"gzip"}}, string(bomb))})
	if reason := f.fail(failure.ClassProtocol); !strings.Contains(reason.Error(), "not a token") {
		t.Errorf("the error is %q", reason)
	}
}

// A fresh token that is good in a moment is good: the token service's clock may be ahead.
func TestFreshTokenIsTriedAgain(t *testing.T) {
	// Two tokens of one second are the same, and one that is the same is not shown again at once: four answers are sure to be asked for.
	for _, times := range []int{2, 3} {
		f := newFixture(t)
		f.Faults.Add(quaytest.Fault{Name: "not yet", Method: "GET", Path: "/manifests/", Times: times,
			Effect: quaytest.Status(401, nil, `{"errors":[{"code":"UNAUTHORIZED","message":"not valid yet"}]}`)})
		f.opts.Jobs = 1
		f.push()
	}
	// The same token is shown again after the pause: each new one would be as fresh as the one before.
	f := newFixture(t)
	f.opts.RetryPause = 300 * time.Millisecond
	var mu sync.Mutex
	first := map[string]time.Time{}
	f.Faults.Add(quaytest.Fault{Name: "too fresh", Method: "GET", Path: "/manifests/", Times: -1, Effect: func(_ *quaytest.Quay, w http.ResponseWriter, r *http.Request, next http.Handler) {
		mu.Lock()
		defer mu.Unlock()
		token := r.Header.Get("Authorization")
		if _, known := first[token]; !known {
			first[token] = time.Now()
		}
		if time.Since(first[token]) < 200*time.Millisecond {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	}})
	f.opts.Tags = []string{"v1", "v2", "v3", "v4"} // They are asked for at once.
	f.push()
}

// What reads the source may have its token service on another host, and so may what is pushed to: each by its own flag.
func TestSourceTokenHost(t *testing.T) {
	f := newFixture(t)
	u := newUpstream(t, f)
	realm := strings.Replace(u.URL(), "127.0.0.1", "localhost", 1)
	u.Faults.Add(quaytest.Fault{Name: "realm", Path: onPing, Times: -1,
		Effect: quaytest.SetHeader("WWW-Authenticate", `Bearer realm="`+realm+`/v2/auth",service="`+u.Host()+`"`)})
	f.opts.TokenHost = strings.TrimPrefix(realm, "https://")
	if reason := f.fail(failure.ClassForeignHost); !strings.Contains(reason.Next, "--source-token-host") {
		t.Errorf("the next step is %q", reason.Next)
	}
	f.opts.TokenHost, f.opts.SourceTokenHost = "", strings.TrimPrefix(realm, "https://")
	if result := f.push(); result.Digest != u.image.Digest {
		t.Errorf("Push = %s, want %s", result.Digest, u.image.Digest)
	}
	for _, r := range f.Requests() {
		if r.Robot != "" && r.Robot != "team-a+ci" {
			t.Errorf("the target was asked %s %s as %q", r.Method, r.Path, r.Robot)
		}
	}
}

// A token is not told, whatever is wrong with the answer that it is in.
func TestTokenIsNotTold(t *testing.T) {
	secret := "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"x":"S3CRET"}`)) + ".c2ln"
	for _, body := range []string{
		`{"token":["` + secret + `"]}`, `{"token":{"` + secret + `":1}}`, `{"token":"` + secret, `{"token":"` + secret + `","expires_in":"1"}`, `{"token":"` + secret + `\n"}`,
	} {
		f := newFixture(t)
		f.Faults.Add(quaytest.Fault{Name: "token", Path: onToken, Times: -1,
			Effect: quaytest.Status(200, http.Header{"Content-Type": {"text/html"}}, body)})
		if reason := f.fail(failure.ClassProtocol); strings.Contains(reason.Error(), secret) {
			t.Errorf("the token is in %q", reason)
		}
	}
}
