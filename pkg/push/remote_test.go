package push_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// upstream is another Quay, with an image in base/app that the fixture's push has as its source.
type upstream struct {
	*quaytest.Quay
	image descriptor
	token string
}

// newUpstream makes one whose robot base+puller may read, and puts it into the fixture's dockerconfig.
func newUpstream(t *testing.T, f *fixture) upstream {
	t.Helper()
	u := upstream{Quay: quaytest.Start(t)}
	u.AddOrganization("base")
	u.AddRepository("base", "app")
	u.AddRobot("base", "ci")
	u.Grant("base/app", "base+ci", quaytest.Write)
	u.token = u.AddRobot("base", "puller")
	u.Grant("base/app", "base+puller", quaytest.Read)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "config.json"), u.Dockerconfig("base+ci"))
	u.image = writeLayout(t, filepath.Join(dir), small, large)
	_, err := push.Push(t.Context(), push.Options{Source: dir, ImageRef: u.Host() + "/base/app", Tags: []string{"v1", "latest"}, Dockerconfig: dir, CAFile: u.CAFile()})
	if err != nil {
		t.Fatal(err)
	}
	u.ForgetRequests()
	f.trust(u.CAFile())
	f.credentials(f.Dockerconfig("team-a+ci"), u.Dockerconfig("base+puller"))
	f.opts.Source = "docker://" + u.Host() + "/base/app:v1"
	return u
}

// trust adds the authorities in a PEM file.
func (f *fixture) trust(file string) {
	f.t.Helper()
	var all []byte
	for _, name := range []string{f.opts.CAFile, file} {
		content, err := os.ReadFile(name)
		if err != nil {
			f.t.Fatal(err)
		}
		all = append(all, content...)
	}
	f.opts.CAFile = filepath.Join(f.t.TempDir(), "ca.crt")
	write(f.t, f.opts.CAFile, all)
}

// credentials replaces the dockerconfig by one with the entries of all the given ones.
func (f *fixture) credentials(configs ...[]byte) {
	f.t.Helper()
	all := map[string]json.RawMessage{}
	for _, config := range configs {
		var one struct{ Auths map[string]json.RawMessage }
		if err := json.Unmarshal(config, &one); err != nil {
			f.t.Fatal(err)
		}
		for key, value := range one.Auths {
			all[key] = value
		}
	}
	write(f.t, f.opts.Dockerconfig, marshal(f.t, map[string]any{"auths": all}))
}

// From one registry into another: the same bytes, each robot for its own.
func TestRemote(t *testing.T) {
	f := newFixture(t)
	u := newUpstream(t, f)
	for _, reference := range []string{":v1", "", "@" + u.image.Digest} {
		f.opts.Source = "docker://" + u.Host() + "/base/app" + reference
		if result := f.push(); result.Digest != u.image.Digest {
			t.Errorf("Push of %s = %s, want %s", f.opts.Source, result.Digest, u.image.Digest)
		}
	}
	want, _, _ := u.Manifest("base/app", "v1")
	got, mediaType, _ := f.Manifest("team-a/app", "v1")
	if !bytes.Equal(want, got) || mediaType != mediaManifest {
		t.Errorf("the manifest is %q of type %q, want %q", got, mediaType, want)
	}
	for _, l := range f.pushedManifest().Layers {
		if !f.HasBlob("team-a/app", l.Digest) {
			t.Errorf("blob %s is missing", l.Digest)
		}
	}
	for _, r := range u.Requests() {
		if r.Method != "GET" || r.Robot != "" && r.Robot != "base+puller" {
			t.Errorf("the source was asked %s %s as %q", r.Method, r.Path, r.Robot)
		}
	}
	for _, r := range f.Requests() {
		if r.Robot != "" && r.Robot != "team-a+ci" {
			t.Errorf("the target was asked %s %s as %q", r.Method, r.Path, r.Robot)
		}
	}
	if text := f.log.String(); strings.Contains(text, u.token) {
		t.Error("the log holds the source's token")
	}
}

func TestRemoteIndex(t *testing.T) {
	f := newFixture(t)
	u := newUpstream(t, f)
	dir := t.TempDir()
	one, two := writeImage(t, dir, `{"architecture":"amd64","os":"linux"}`, small), writeImage(t, dir, `{"architecture":"arm64","os":"linux"}`, 7)
	index := addJSON(t, dir, mediaIndex, map[string]any{"schemaVersion": 2, "mediaType": mediaIndex, "manifests": []descriptor{one, two}})
	writeIndex(t, dir, index)
	write(t, filepath.Join(dir, "config.json"), u.Dockerconfig("base+ci"))
	if _, err := push.Push(t.Context(), push.Options{Source: dir, ImageRef: u.Host() + "/base/app:index", Dockerconfig: dir, CAFile: u.CAFile()}); err != nil {
		t.Fatal(err)
	}
	f.opts.Source = "docker://" + u.Host() + "/base/app:index"
	f.push()
	for _, d := range []descriptor{index, one, two} {
		if _, mediaType, ok := f.Manifest("team-a/app", d.Digest); !ok || mediaType != d.MediaType {
			t.Errorf("manifest %s is of type %q, want %q", d.Digest, mediaType, d.MediaType)
		}
	}
}

// A dry run pulls everything, a second push nothing but the manifest.
func TestRemoteSendsWhatIsMissing(t *testing.T) {
	f := newFixture(t)
	u := newUpstream(t, f)
	f.opts.DryRun = true
	f.push()
	if n := len(f.Tags("team-a/app")); n > 0 {
		t.Errorf("the dry run set %d tags", n)
	}
	f.opts.DryRun = false
	f.push()
	u.ForgetRequests()
	f.push()
	for _, r := range u.Requests() {
		if strings.Contains(r.Path, "/blobs/") && r.Path[strings.LastIndex(r.Path, "/")+1:] != f.pushedManifest().Config.Digest {
			t.Errorf("the second push read %s", r.Path)
		}
	}
}

// Without an entry for the source nothing is asked, with --source-anonymous nobody's credential goes there.
func TestRemoteCredential(t *testing.T) {
	f := newFixture(t)
	u := newUpstream(t, f)
	f.credentials(f.Dockerconfig("team-a+ci"))
	if reason := f.fail(failure.ClassNoCredential); !strings.Contains(reason.Error(), u.Host()) {
		t.Errorf("the error is %q", reason)
	}
	if n := len(u.Requests()) + len(f.Requests()); n > 0 {
		t.Errorf("%d requests without a credential", n)
	}
	f.credentials(f.Dockerconfig("team-a+ci"), u.Dockerconfig("base+puller"))
	f.opts.SourceAnonymous = true
	if reason := f.fail(failure.ClassNoAccess); !strings.Contains(reason.Error(), "--source-anonymous") {
		t.Errorf("the error is %q", reason)
	}
	for _, r := range u.Requests() {
		if r.Robot != "" {
			t.Errorf("%s %s went out as %q", r.Method, r.Path, r.Robot)
		}
	}
	f.opts.SourceAnonymous = false
	u.Revoke("base/app", "base+puller")
	if reason := f.fail(failure.ClassNoAccess); !strings.Contains(reason.Error(), `"base+puller" may not pull`) {
		t.Errorf("the error is %q", reason)
	}
}

// With a file of its own the source's credential is looked for nowhere else, and goes nowhere else.
func TestRemoteSourceDockerconfig(t *testing.T) {
	f := newFixture(t)
	u := newUpstream(t, f)
	f.credentials(f.Dockerconfig("team-a+ci"))
	f.opts.SourceDockerconfig = t.TempDir()
	if reason := f.fail(failure.ClassNoCredential); !strings.Contains(reason.Error(), f.opts.SourceDockerconfig) {
		t.Errorf("the error is %q", reason)
	}
	write(t, filepath.Join(f.opts.SourceDockerconfig, ".dockerconfigjson"), u.Dockerconfig("base+puller"))
	f.push()
	for robot, requests := range map[string][]quaytest.Request{"base+puller": u.Requests(), "team-a+ci": f.Requests()} {
		for _, r := range requests {
			if r.Robot != "" && r.Robot != robot {
				t.Errorf("%s %s went out as %q, not %q", r.Method, r.Path, r.Robot, robot)
			}
		}
	}
}

// Every row is what the source's registry does, and the class it ends in.
func TestBadRemote(t *testing.T) {
	const blob, manifest = "/base/app/blobs/", "/base/app/manifests/"
	for _, test := range []struct {
		name   string
		path   string
		effect quaytest.Effect
		class  failure.Class
		text   string
	}{
		{"other content in a blob", blob, quaytest.Status(200, nil, strings.Repeat("x", large)), failure.ClassSourceCorrupt, "has more than the 37 bytes"},
		{"a shorter blob", blob, quaytest.Status(200, nil, "x"), failure.ClassSourceCorrupt, "has 1 bytes, its descriptor says 37"},
		{"a missing blob", blob, quaytest.Status(404, nil, `{"errors":[{"code":"BLOB_UNKNOWN"}]}`), failure.ClassSourceMissing, "BLOB_UNKNOWN"},
		{"a missing manifest", manifest, quaytest.Status(404, nil, `{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`), failure.ClassSourceMissing, "MANIFEST_UNKNOWN"},
		{"another digest", manifest, quaytest.SetHeader("Docker-Content-Digest", digestOf([]byte("x"))), failure.ClassSourceCorrupt, "serves a manifest with the digest"},
		{"no manifest", manifest, quaytest.Status(200, nil, "<html>"), failure.ClassProtocol, "6 bytes that are no manifest"},
		{"half a manifest", manifest, quaytest.Status(200, nil, `{"schemaVersion":2,`), failure.ClassSourceCorrupt, "not a manifest: unexpected end"},
		{"a manifest that is too large", manifest, quaytest.Status(200, nil, strings.Repeat(" ", 4<<20+1)), failure.ClassSourceRefused, "more than 4194304 bytes"},
		{"a failing registry", manifest, quaytest.Status(502, nil, ""), failure.ClassUnavailable, "502"},
		{"too many requests", manifest, quaytest.Status(429, nil, ""), failure.ClassRateLimited, "429"},
		{"a refused token", "/v2/auth", quaytest.Status(401, nil, `{"errors":[{"code":"UNAUTHORIZED"}]}`), failure.ClassCredentialRefused, "base+puller"},
		{"no pull", manifest, quaytest.Status(403, nil, `{"errors":[{"code":"DENIED"}]}`), failure.ClassNoAccess, "DENIED"},
		{"something else", manifest, quaytest.Status(418, nil, ""), failure.ClassProtocol, "418"},
		{"a realm elsewhere", "^/v2/$", quaytest.SetHeader("WWW-Authenticate", `Bearer realm="https://evil.example.com/token"`), failure.ClassForeignHost, "evil.example.com"},
		{"a redirected manifest", manifest, quaytest.Status(307, http.Header{"Location": {"https://evil.example.com/x?signature=1"}}, ""), failure.ClassForeignHost, "redirects the request"},
		{"a redirect to plain HTTP", blob, quaytest.Status(307, http.Header{"Location": {"http://evil.example.com/x?signature=1"}}, ""), failure.ClassForeignHost, "redirects the request"},
		{"redirects without end", blob, quaytest.Status(307, http.Header{"Location": {"/v2/base/app/blobs/x?signature=1"}}, ""), failure.ClassForeignHost, "redirects the request"},
		{"a stall", blob, quaytest.Stall(nil), failure.ClassStalled, "moves no more bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			u := newUpstream(t, f)
			f.opts.StallTimeout = 200 * time.Millisecond
			u.Faults.Add(quaytest.Fault{Name: test.name, Method: "GET", Path: test.path, Times: -1, Effect: test.effect})
			reason := f.fail(test.class)
			if !strings.Contains(reason.Error(), test.text) {
				t.Errorf("the error is %q, want %q in it", reason, test.text)
			}
			if strings.Contains(reason.Error(), "signature") || strings.Contains(reason.Error(), u.token) {
				t.Errorf("the error has a secret: %q", reason)
			}
		})
	}
}

func TestRemoteThatIsNotThere(t *testing.T) {
	f := newFixture(t)
	u := newUpstream(t, f)
	f.opts.CAFile = f.CAFile()
	f.fail(failure.ClassCertificate)
	f.opts.Source = "docker://user:secret@" + u.Host() + "/base/app"
	if reason := f.fail(failure.ClassUsage); strings.Contains(reason.Error(), "secret") {
		t.Errorf("the error is %q", reason)
	}
	f.opts.SourceAnonymous = true
	f.opts.Source = "docker://127.0.0.1:1/base/app"
	if reason := f.fail(failure.ClassNetwork); !strings.Contains(reason.Error(), "127.0.0.1:1") {
		t.Errorf("the error is %q", reason)
	}
}

// The large blob is the first that is hashed while it is sent.
func TestRemoteWithOtherContent(t *testing.T) {
	f := newFixture(t)
	u := newUpstream(t, f)
	u.Faults.Add(quaytest.Fault{Name: "other content", Method: "GET", Path: blobOf(t, u), Effect: quaytest.Status(200, nil, strings.Repeat("x", large))})
	if reason := f.fail(failure.ClassSourceCorrupt); !strings.Contains(reason.Error(), "hashes to") {
		t.Errorf("the error is %q", reason)
	}
}

// A connection that breaks is taken up where it was, so that the target sees one upload.
func TestRemoteGoesOnAfterABreak(t *testing.T) {
	f := newFixture(t)
	u := newUpstream(t, f)
	u.Faults.Add(quaytest.Fault{Name: "break", Method: "GET", Path: blobOf(t, u), Times: 2, Effect: quaytest.Truncate(large / 3)})
	f.push()
	if n := u.hits("break"); n != 2 {
		t.Errorf("the connection broke %d times, want 2", n)
	}
	if n := f.count("PUT", "/blobs/"); n != 1 {
		t.Errorf("%d uploads of the large blob, want 1", n)
	}
}

// A stall that passes, on the source's side, is none on the target's.
func TestRemoteStallPasses(t *testing.T) {
	f := newFixture(t)
	u := newUpstream(t, f)
	f.opts.StallTimeout = 2 * time.Second
	u.Faults.Add(quaytest.Fault{Name: "stall", Method: "GET", Path: blobOf(t, u), Effect: quaytest.Stall(nil)})
	f.push()
	if n := u.hits("stall"); n != 1 {
		t.Errorf("%d stalls, want 1", n)
	}
}

// Quay sends blobs from its object store: another host, which gets no credential.
func TestRemoteRedirect(t *testing.T) {
	f := newFixture(t)
	u := newUpstream(t, f)
	var seen []http.Header
	store := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Clone())
		content, err := os.ReadFile(filepath.Join(f.layout, r.URL.Path))
		if err != nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}))
	defer store.Close()
	write(t, filepath.Join(f.layout, "ca.crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: store.Certificate().Raw}))
	f.trust(filepath.Join(f.layout, "ca.crt"))
	writeLayout(t, f.layout, small, large) // The same as upstream's.
	digest := strings.TrimSuffix(blobOf(t, u)[strings.LastIndex(blobOf(t, u), "/")+1:], "$")
	u.Faults.Add(quaytest.Fault{Name: "redirect", Method: "GET", Path: blobOf(t, u), Times: -1, Effect: quaytest.Status(307,
		http.Header{"Location": {store.URL + strings.TrimPrefix(blobFile(f.layout, digest), f.layout) + "?signature=1"}}, "")})
	if result := f.push(); result.Digest != u.image.Digest {
		t.Errorf("Push = %s, want %s", result.Digest, u.image.Digest)
	}
	if len(seen) == 0 {
		t.Fatal("the object store was not asked")
	}
	for _, header := range seen {
		if header.Get("Authorization") != "" {
			t.Error("the object store got a credential")
		}
	}
}

// Without a credential a token may come from another host, as that of Docker Hub does; nothing can be lost to it.
func TestRemoteAnonymousRealm(t *testing.T) {
	f := newFixture(t)
	u := newUpstream(t, f)
	asked := make(chan string, 10)
	service := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header.Get("Authorization")
		w.WriteHeader(http.StatusTeapot)
	}))
	defer service.Close()
	file := filepath.Join(t.TempDir(), "ca.crt")
	write(t, file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: service.Certificate().Raw}))
	f.trust(file)
	u.Faults.Add(quaytest.Fault{Name: "realm", Path: "^/v2/$", Times: -1, Effect: quaytest.SetHeader("WWW-Authenticate", `Bearer realm="`+service.URL+`/token"`)})
	f.fail(failure.ClassForeignHost)
	if len(asked) > 0 {
		t.Error("the credential went to another host")
	}
	f.opts.SourceAnonymous = true
	f.fail(failure.ClassProtocol)
	if got := <-asked; got != "" {
		t.Errorf("the token service got %q", got)
	}
}

func TestRemoteCancelled(t *testing.T) {
	f := newFixture(t)
	u := newUpstream(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	u.Faults.Add(quaytest.Fault{Name: "stall", Method: "GET", Path: "/base/app/blobs/", Effect: quaytest.Do(cancel)})
	_, err := push.Push(ctx, f.opts)
	if diff := cmp.Diff(failure.ClassCancelled.Exit, failure.ExitCode(err)); diff != "" {
		t.Errorf("exit code (-want +got):\n%s\n%v", diff, err)
	}
}

// blobOf is a pattern for the path of the large blob.
func blobOf(t *testing.T, u upstream) string {
	t.Helper()
	body, _, _ := u.Manifest("base/app", "v1")
	var m struct{ Layers []descriptor }
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatal(err)
	}
	return "/base/app/blobs/" + m.Layers[1].Digest + "$"
}

// hits counts the requests that the fault with the given name hit.
func (u upstream) hits(name string) (n int) {
	for _, r := range u.Requests() {
		if r.Fault == name {
			n++
		}
	}
	return n
}
