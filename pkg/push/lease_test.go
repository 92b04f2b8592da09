package push_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/reference"
)

// Quay forgets a blob after an hour without a manifest. The clock of the registry alone runs here: it says
// MANIFEST_INVALID, and the blobs are sent again.
func TestLeaseEndsBeforeTheManifest(t *testing.T) {
	f := newFixture(t)
	f.Faults.Add(quaytest.Fault{Name: "an hour passes", Method: "PUT", Path: onManifest,
		Effect: quaytest.Do(func() { f.Advance(2 * quaytest.LeaseDuration) })})
	result := f.push()
	if got := f.Tags("team-a/app")["v1"]; got != result.Digest {
		t.Errorf("tag v1 is %q", got)
	}
	if n := f.count("PUT", onUpload); n != 2 {
		t.Errorf("the large blob was sent %d times, want 2", n)
	}
}

// Other registries say with another code that a blob is missing; it is sent again as well.
func TestMissingBlobIsSentAgain(t *testing.T) {
	for _, test := range []struct {
		status int
		code   string
	}{{400, "MANIFEST_BLOB_UNKNOWN"}, {404, "MANIFEST_BLOB_UNKNOWN"}, {400, "BLOB_UNKNOWN"}, {404, "BLOB_UNKNOWN"}} {
		for _, path := range []string{onManifest, onTag} {
			f := newFixture(t)
			answer := says(test.status, test.code, "blob unknown to registry")
			f.Faults.Add(quaytest.Fault{Name: test.code, Method: "PUT", Path: path, Effect: func(q *quaytest.Quay, w http.ResponseWriter, r *http.Request, next http.Handler) {
				if path == onManifest {
					f.Advance(2 * quaytest.LeaseDuration)
				}
				answer(q, w, r, next)
			}})
			result := f.push()
			if got := f.Tags("team-a/app")["v1"]; got != result.Digest {
				t.Errorf("%d %s: tag v1 is %q", test.status, test.code, got)
			}
			if n := f.count("PUT", onUpload); path == onManifest && n != 2 {
				t.Errorf("%d %s: the large blob was sent %d times, want 2", test.status, test.code, n)
			}
		}
	}
}

// Here both clocks run: the push is late and looks before it puts the manifest.
func TestLatePushLooksAgain(t *testing.T) {
	f := newFixture(t)
	var late atomic.Int64
	f.opts.Now = func() time.Time { return time.Now().Add(time.Duration(late.Load())) }
	f.Faults.Add(quaytest.Fault{Name: "an hour passes", Method: "PUT", Path: onUpload, Effect: quaytest.Do(func() {
		f.Advance(2 * quaytest.LeaseDuration)
		late.Add(int64(2 * quaytest.LeaseDuration))
	})})
	result := f.push()
	if got := f.Tags("team-a/app")["v1"]; got != result.Digest {
		t.Errorf("tag v1 is %q", got)
	}
	for _, r := range f.Requests() {
		if r.Method == "PUT" && strings.Contains(r.Path, "/manifests/") && r.Status >= 400 {
			t.Errorf("the manifest was put too early: %+v", r)
		}
	}
}

// A token that is about to expire is renewed before a request starts with it.
func TestTokenIsRenewedInTime(t *testing.T) {
	f := newFixture(t)
	var late atomic.Int64
	f.opts.Now = func() time.Time { return time.Now().Add(time.Duration(late.Load())) }
	f.Faults.Add(quaytest.Fault{Name: "55 minutes pass", Method: "POST", Path: onUpload, Effect: quaytest.Do(func() {
		f.Advance(55 * time.Minute)
		late.Add(int64(55 * time.Minute))
	})})
	f.push()
	if n := f.count("GET", "/v2/auth"); n < 2 {
		t.Errorf("%d tokens were bought, want a second one", n)
	}
	for _, r := range f.Requests() {
		if r.Status == 401 && r.Path != "/v2/" {
			t.Errorf("a request went out with an old token: %+v", r)
		}
	}
}

func TestOneTokenForOnePush(t *testing.T) {
	f := newFixture(t)
	writeLayout(t, f.layout, large, large+1, large+2, small, small+1)
	f.push()
	if n := f.count("GET", "/v2/auth"); n != 1 {
		t.Errorf("%d tokens were bought, want 1", n)
	}
}

func TestRetention(t *testing.T) {
	f := newFixture(t)
	writeIndex(t, f.layout, writeImage(t, f.layout, `{"os":"linux","architecture":"amd64","config":{"Labels":{"quay.expires-after":"2w"}}}`, small))
	f.opts.RequireRetention = true
	if reason := f.fail(failure.ClassRetention); !strings.Contains(reason.Error(), `"2w"`) {
		t.Errorf("the error is %q", reason)
	}
	if n := len(f.Requests()); n > 0 {
		t.Errorf("%d requests for an image that must not be pushed", n)
	}
	f.opts.RequireRetention = false
	f.push()
	if !strings.Contains(f.log.String(), "QUAY WILL LET THIS IMAGE EXPIRE") {
		t.Error("the log does not warn")
	}
}

func TestIfTagAbsent(t *testing.T) {
	f := newFixture(t)
	f.opts.IfTagAbsent = true
	first := f.push()
	f.push()
	writeLayout(t, f.layout, small)
	remove(t, filepath.Join(f.results, "IMAGE_URL"))
	if reason := f.fail(failure.ClassTagExists); !strings.Contains(reason.Error(), first.Digest) {
		t.Errorf("the error is %q", reason)
	}
	f.opts.IfTagAbsent = false
	f.push()
	if !strings.Contains(f.log.String(), `"before":"`+first.Digest+`"`) {
		t.Error("the log does not tell what the tag was")
	}
}

func TestTagMovedByAnotherRun(t *testing.T) {
	f := newFixture(t)
	other := newLayoutPush(t, f)
	f.Faults.Add(quaytest.Fault{Name: "race", Method: "GET", Path: onTag, Nth: 2, Effect: quaytest.Do(func() {
		if _, err := push.Push(t.Context(), other); err != nil {
			t.Error(err)
		}
	})})
	_, err := push.Push(t.Context(), f.opts)
	if failure.ExitCode(err) != failure.ClassTagMoved.Exit {
		t.Errorf("pushing = %v", err)
	}
	if left, _ := os.ReadDir(f.results); len(left) > 0 {
		t.Errorf("results were left: %v", left)
	}
}

// newLayoutPush is the push of another image to the same tag.
func newLayoutPush(t *testing.T, f *fixture) push.Options {
	opts := f.opts
	opts.LogOutput, opts.ResultsDir = nil, ""
	opts.Source = t.TempDir()
	writeLayout(t, opts.Source, 5)
	return opts
}

func TestExpectedDigest(t *testing.T) {
	f := newFixture(t)
	image := writeLayout(t, f.layout, small, large)
	f.opts.ExpectedDigest = digestOf([]byte("what was scanned"))
	if reason := f.fail(failure.ClassDigestUnexpected); !strings.Contains(reason.Error(), image.Digest) {
		t.Errorf("the error is %q", reason)
	}
	f.opts.ExpectedDigest = image.Digest
	f.push()
	f.opts.ExpectedDigest = "latest"
	remove(t, filepath.Join(f.results, "IMAGE_URL"))
	if _, err := push.Push(t.Context(), f.opts); failure.ExitCode(err) != failure.ClassUsage.Exit {
		t.Errorf("pushing with a digest that is none = %v", err)
	}
}

func TestEvidence(t *testing.T) {
	f := newFixture(t)
	f.opts.EvidenceDir = t.TempDir()
	result := f.push()
	digest, err := os.ReadFile(filepath.Join(f.opts.EvidenceDir, "image-digest.txt"))
	if err != nil || string(digest) != result.Digest+"\n" {
		t.Errorf("image-digest.txt = %q, %v", digest, err)
	}
	content, err := os.ReadFile(filepath.Join(f.opts.EvidenceDir, "evidence.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Image, Digest, Robot string
		Tags                 []struct{ Name, Before string }
		Bytes, SentBytes     int64
	}
	if err := json.Unmarshal(content, &got); err != nil {
		t.Fatal(err)
	}
	if got.Digest != result.Digest || got.Image != result.Image || got.Robot != "team-a+ci" || len(got.Tags) != 2 || got.Tags[0].Name != "v1" || got.Tags[1].Name != reference.Anchor(result.Digest) {
		t.Errorf("evidence.json = %s", content)
	}
	if got.Bytes != got.SentBytes || got.Bytes < small+large {
		t.Errorf("evidence.json has %d bytes and %d sent, want all", got.Bytes, got.SentBytes)
	}
	if strings.Contains(string(content), f.token) {
		t.Error("evidence.json holds the token")
	}
}
