package push_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// loginPage is what a login, a firewall or a portal sends in the place of a blob.
const loginPage = "\n<!DOCTYPE html><html><head><style>a{}</style><title>Sign in</title></head>Your session has ended.\x1b</html>"

// blobCauses are answers of a source's registry that are no blob, or not the whole of it.
var blobCauses = []cause{
	{"a page for a config", source("GET", configs, typed(200, "text/html", loginPage)), failure.ClassProtocol, `where the source is, sent a page in the place of blob "sha256:`, `type "text/html"), and begins with "Sign in Your session has ended."`, "check that --source (param source) names the registry, not something in front of it; if it does, show the proof"},
	{"a page for a layer", layerOfSource(typed(200, "text/html; charset=utf-8", loginPage)), failure.ClassProtocol, "sent a page in the place of blob", `"Sign in Your session has ended."`, "such as a login"},
	{"a page as text", layerOfSource(typed(200, "text/plain", loginPage)), failure.ClassProtocol, "sent a page in the place of blob", `type "text/plain"), and begins with "Sign in`, "such as a login"},
	{"a page as JSON", layerOfSource(typed(200, "application/json", loginPage)), failure.ClassProtocol, "sent a page in the place of blob", `"Sign in`, "such as a login"},
	{"a page as XHTML", layerOfSource(typed(200, "application/xhtml+xml", loginPage)), failure.ClassProtocol, "sent a page in the place of blob", `"Sign in`, "such as a login"},
	{"a page as a blob", layerOfSource(typed(200, "application/octet-stream", loginPage)), failure.ClassProtocol, "sent a page in the place of blob", `"Sign in`, "such as a login"},
	{"a page without a type", layerOfSource(withoutType(loginPage)), failure.ClassProtocol, "sent a page in the place of blob", `type ""), and begins with "Sign in`, "such as a login"},
	{"a page in chunks", layerOfSource(chunked(200, loginPage)), failure.ClassProtocol, "sent a page in the place of blob", `"Sign in`, "such as a login"},
	{"a page in gzip", layerOfSource(compressedPage), failure.ClassProtocol, "sent a page in the place of blob", `"Sign in`, "such as a login"},
	{"a page of the blob's size", layerOfSource(typed(200, "", loginPage+strings.Repeat(" ", large-len(loginPage)))), failure.ClassProtocol, "sent a page in the place of blob", `"Sign in`, "such as a login"},
	{"a page for the rest of a layer", restOfLayer(typed(200, "text/html", loginPage)), failure.ClassProtocol, "sent a page in the place of blob", `"Sign in`, "such as a login"},
	{"a page for the rest of a layer, 206", restOfLayer(typed(206, "text/plain", loginPage)), failure.ClassProtocol, "sent a page in the place of blob", `206 Partial Content (server "", type "text/plain"), and begins with "Sign in`, "such as a login"},
	{"a page for the rest of a layer, in chunks", restOfLayer(chunked(200, loginPage)), failure.ClassProtocol, "sent a page in the place of blob", `"Sign in`, "such as a login"},
	{"a page of the object store", layerOfSource(atObjectStore(typed(200, "text/html", loginPage))), failure.ClassProtocol, ", to which 127.0.0.1:", `"Sign in`, "what is in front of localhost:"},
	{"an error of the object store", layerOfSource(typed(200, "application/xml", `<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>`)), failure.ClassProtocol, "sent a page in the place of blob", `"AccessDenied"`, "in front of"},
	{"words for a layer", layerOfSource(typed(200, "text/plain", "Blocked by policy.")), failure.ClassSourceCorrupt, "has 18 bytes, its descriptor says 1300000", `begins with "Blocked by policy."`, "look for what rewrites it"},
	{"an error in JSON for a layer", layerOfSource(inJSON(200, `{"errors":[{"code":"DENIED","message":"scan it first"}]}`)), failure.ClassSourceCorrupt, "its descriptor says 1300000", `begins with "DENIED scan it first"`, "look for what rewrites it"},
	{"a shorter layer", layerOfSource(typed(200, "", "\x1f\x8b")), failure.ClassSourceCorrupt, "has 2 bytes, its descriptor says 1300000", "200 OK", "push the image to its registry again"},
	{"a longer layer", layerOfSource(typed(200, "", strings.Repeat("\x1f", large+1))), failure.ClassSourceCorrupt, "has more than the 1300000 bytes", "200 OK", "push the image to its registry again"},
	{"another layer", layerOfSource(typed(200, "", strings.Repeat("\x1f", large))), failure.ClassSourceCorrupt, `hashes to "sha256:`, "200 OK", "push the image to its registry again"},
	{"a shorter layer in chunks", layerOfSource(chunked(200, "\x1f\x8b")), failure.ClassSourceCorrupt, "ends after 2 of 1300000 bytes", "200 OK", "push the image to its registry again"},
	{"the rest of another layer", restOfLayer(ranged("bytes 5-9/10", "12345")), failure.ClassSourceCorrupt, "is not continued at byte 433333", `206 Partial Content`, "push the image to its registry again"},
	{"no rest of a layer", restOfLayer(quaytest.Status(416, http.Header{"Content-Range": {"bytes */433333"}}, "")), failure.ClassSourceCorrupt, "ends after 433333 of 1300000 bytes", "200 OK", "push the image to its registry again"},
	{"a page for a manifest, as text", source("GET", "/manifests/", typed(200, "text/plain", loginPage)), failure.ClassProtocol, "where the source is, sent an unexpected response", `"Sign in Your session has ended."`, "names the registry"},
	{"words for a manifest of the source", source("GET", "/manifests/", typed(200, "text/plain", "Blocked by policy.")), failure.ClassProtocol, "sent an unexpected response", `"Blocked by policy."`, "names the registry"},
	{"an error for a manifest of the source", source("GET", "/manifests/", inJSON(200, `{"message":"closed for work"}`)), failure.ClassProtocol, "sent an unexpected response", `"closed for work"`, "names the registry"},
	{"a page for a token of the source, as text", source("GET", onToken, typed(200, "text/plain", loginPage)), failure.ClassProtocol, "where the source is, sent no token", `type "text/plain" "Sign in`, "token service answers"},
}

// configs is the path of the first blob that is read.
const configs = "/base/app/blobs/"

// typed is an answer of the given type.
func typed(status int, mediaType, body string) quaytest.Effect {
	return quaytest.Status(status, http.Header{"Content-Type": {mediaType}}, body)
}

// withoutType is an answer without a type.
func withoutType(body string) quaytest.Effect {
	return func(_ *quaytest.Quay, w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header()["Content-Type"] = nil
		w.Write([]byte(body))
	}
}

// chunked is an answer that does not tell how long it is.
func chunked(status int, body string) quaytest.Effect {
	return func(_ *quaytest.Quay, w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.WriteHeader(status)
		flush(w, []byte(body))
	}
}

// compressedPage is a page that the server compresses though nobody asked it to.
func compressedPage(q *quaytest.Quay, w http.ResponseWriter, r *http.Request, _ http.Handler) {
	compressed(new(atomic.Int64))(q, w, r, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(loginPage)) }))
}

// ranged is a part of something.
func ranged(which, body string) quaytest.Effect {
	return quaytest.Status(206, http.Header{"Content-Range": {which}}, body)
}

// atObjectStore redirects a request for a blob to another host, where effect answers.
func atObjectStore(effect quaytest.Effect) quaytest.Effect {
	return func(q *quaytest.Quay, w http.ResponseWriter, r *http.Request, next http.Handler) {
		if strings.HasPrefix(r.Host, "localhost:") {
			effect(q, w, r, next)
			return
		}
		http.Redirect(w, r, "https://"+strings.Replace(r.Host, "127.0.0.1", "localhost", 1)+r.URL.Path+"?signature=1", http.StatusTemporaryRedirect)
	}
}

// layerOfSource makes requests for the source's large layer end in effect.
func layerOfSource(effect quaytest.Effect) func(f *fixture) {
	return func(f *fixture) {
		u := newUpstream(f.t, f)
		u.Faults.Add(quaytest.Fault{Name: "cause", Method: "GET", Path: blobOf(f.t, u), Times: -1, Effect: effect})
	}
}

// restOfLayer breaks the first download off after a third, and makes the others end in effect.
func restOfLayer(effect quaytest.Effect) func(f *fixture) {
	return func(f *fixture) {
		u := newUpstream(f.t, f)
		u.Faults.Add(quaytest.Fault{Name: "break", Method: "GET", Path: blobOf(f.t, u), Effect: quaytest.Truncate(large / 3)})
		u.Faults.Add(quaytest.Fault{Name: "cause", Method: "GET", Path: blobOf(f.t, u), Nth: 2, Times: -1, Effect: effect})
	}
}

// What is no blob is not asked for again and again, whatever type it comes with.
func TestPageForABlobIsFinal(t *testing.T) {
	for name, test := range map[string]struct {
		effect quaytest.Effect
		most   int
	}{
		"a page":                               {typed(200, "text/plain", loginPage), 1},
		"words":                                {typed(200, "text/plain", "Blocked."), 1},
		"a page of unknown length":             {chunked(200, loginPage), 2},
		"half of it, always in the same place": {chunked(200, strings.Repeat("x", large/2)), 2},
	} {
		f := newFixture(t)
		u := newUpstream(t, f)
		u.Faults.Add(quaytest.Fault{Name: name, Method: "GET", Path: blobOf(t, u), Times: -1, Effect: test.effect})
		if _, err := push.Push(t.Context(), f.opts); err == nil {
			t.Errorf("%s was pushed", name)
		}
		if n := u.hits(name); n > test.most {
			t.Errorf("%s was asked for %d times, want at most %d", name, n, test.most)
		}
	}
}

// A blob is good by its digest: neither its type, nor a server that does not tell lengths or ranges, nor one that cuts off makes it bad.
func TestGoodBlobs(t *testing.T) {
	var third atomic.Int64
	for name, change := range map[string]func(w http.ResponseWriter, rest string, content []byte){
		"as a page": func(w http.ResponseWriter, _ string, content []byte) {
			w.Header().Set("Content-Type", "text/html")
			w.Write(content)
		},
		"without a length": func(w http.ResponseWriter, _ string, content []byte) { flush(w, content) },
		"cut off without a word, a third at a time": func(w http.ResponseWriter, rest string, content []byte) {
			at, _ := strconv.Atoi(strings.Trim(rest, "bytes=-"))
			if at > 0 {
				w.Header().Set("Content-Range", "bytes "+strconv.Itoa(at)+"-"+strconv.Itoa(large-1)+"/*")
				w.WriteHeader(http.StatusPartialContent)
			}
			flush(w, content[at:min(large, at+large/3)])
		},
		"cut off without a word, by a server without ranges": func(w http.ResponseWriter, _ string, content []byte) {
			flush(w, content[:min(large, int(third.Add(1))*large/3)])
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			u := newUpstream(t, f)
			u.Faults.Add(quaytest.Fault{Name: name, Method: "GET", Path: blobOf(t, u), Times: -1, Effect: func(_ *quaytest.Quay, w http.ResponseWriter, r *http.Request, next http.Handler) {
				rest := r.Header.Get("Range")
				r.Header.Del("Range")
				whole := httptest.NewRecorder()
				next.ServeHTTP(whole, r)
				change(w, rest, whole.Body.Bytes())
			}})
			if result := f.push(); result.Digest != u.image.Digest {
				t.Errorf("Push = %s, want %s", result.Digest, u.image.Digest)
			}
			if n := f.count("PUT", "/blobs/"); n != 1 {
				t.Errorf("%d uploads of the large blob, want 1", n)
			}
		})
	}
}

// flush writes content in chunks, without a length.
func flush(w http.ResponseWriter, content []byte) {
	w.Write(content)
	_ = http.NewResponseController(w).Flush()
}
