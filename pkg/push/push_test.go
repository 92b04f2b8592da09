package push_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/reference"
)

func TestPush(t *testing.T) {
	f := newFixture(t)
	image := writeLayout(t, f.layout, small, large)
	f.opts.Tags = []string{"v1", "", "latest", "v1"}
	anchor := reference.Anchor(image.Digest)
	want := push.Result{Image: f.Host() + "/team-a/app", Digest: image.Digest, Tags: []string{"v1", "latest", anchor},
		SentBytes: small + large + int64(len(`{"architecture":"amd64","os":"linux"}`))}
	if diff := cmp.Diff(want, f.push()); diff != "" {
		t.Errorf("Push (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"v1": image.Digest, "latest": image.Digest, anchor: image.Digest}, f.Tags("team-a/app")); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	body, mediaType, ok := f.Manifest("team-a/app", "v1")
	if file, err := os.ReadFile(blobFile(f.layout, image.Digest)); err != nil || !ok || string(file) != string(body) || mediaType != mediaManifest {
		t.Errorf("the registry has %q of %q, the layout %q (%v)", body, mediaType, file, err)
	}
	for _, l := range layers(t, f.layout, image) {
		if !f.HasBlob("team-a/app", l.Digest) {
			t.Errorf("blob %s is missing", l.Digest)
		}
	}
	name := f.Host() + "/team-a/app"
	for file, want := range map[string]string{
		"IMAGE_URL": name + ":v1", "IMAGE_DIGEST": image.Digest, "image-digest": image.Digest,
		"image-ref": name, "image-pinned": name + "@" + image.Digest,
		"overlay-image": `{"name":"` + name + `","newName":"` + name + `","digest":"` + image.Digest + `"}`,
	} {
		if got := f.result(file); got != want {
			t.Errorf("result %s = %q, want %q", file, got, want)
		}
	}
	if files, err := os.ReadDir(f.results); err != nil || len(files) != 7 {
		t.Errorf("the results are %v (%v), want 7 files", files, err)
	}
}

// pushed-bytes is what went out in the bodies of blobs. A small one goes along with the question for it, needed or not.
func TestPushedBytesIsWhatWasSent(t *testing.T) {
	f := newFixture(t)
	config := int64(len(`{"architecture":"amd64","os":"linux"}`))
	pushed := func(what string, want int64) {
		t.Helper()
		result := f.push()
		if got := f.result("pushed-bytes"); got != strconv.FormatInt(want, 10) || result.SentBytes != want {
			t.Errorf("%s: pushed-bytes is %s, SentBytes %d, want %d", what, got, result.SentBytes, want)
		}
	}
	pushed("the first push", config+small+large)
	var received int64
	for _, r := range f.Requests() {
		if strings.Contains(r.Path, "/blobs/") {
			received += r.Bytes
		}
	}
	if want := config + small + large; received != want {
		t.Errorf("the registry received %d bytes of blobs, want %d", received, want)
	}
	pushed("the same again", 0)
	f.opts.Tags = []string{"v2"}
	pushed("another tag", 0)
	writeLayout(t, f.layout, small, large, 7)
	pushed("another image", config+small+large+7)
	f.opts.DryRun = true
	writeLayout(t, f.layout, 9)
	if result := f.push(); result.SentBytes != 0 {
		t.Errorf("a dry run sent %d bytes", result.SentBytes)
	}
}

// A body counts once: sent again after a fault, or taken for what it is though the answer to it was lost.
func TestPushedBytesAfterAFault(t *testing.T) {
	for name, effect := range map[string]quaytest.Effect{
		"reset": quaytest.Reset(100_000), "503": unavailable(503), "answer lost": quaytest.CommitThenReset(),
		"504, blob stored": quaytest.CommitThenStatus(504, nil, ""), "502, blob stored": quaytest.CommitThenStatus(502, nil, ""),
	} {
		f := newFixture(t)
		f.Faults.Add(quaytest.Fault{Name: name, Method: "PUT", Path: onUpload, Effect: effect})
		result := f.push()
		if want := int64(small + large + len(`{"architecture":"amd64","os":"linux"}`)); result.SentBytes != want {
			t.Errorf("%s: SentBytes = %d, want %d", name, result.SentBytes, want)
		}
	}
}

// The order of the requests is the contract: blobs, manifest by digest, tag, read back by both.
func TestPushSetsTheTagLast(t *testing.T) {
	f := newFixture(t)
	f.opts.NoAnchor = true
	result := f.push()
	var order []string
	for _, r := range f.Requests() {
		if r.Method == http.MethodPut || strings.Contains(r.Path, "/manifests/") && r.Status == http.StatusOK {
			kind := r.Path[strings.LastIndex(r.Path, "/")+1:]
			if strings.Contains(r.Path, "/blobs/") {
				kind = "blob"
			}
			order = append(order, r.Method+" "+kind)
		}
	}
	want := []string{"PUT blob", "PUT " + result.Digest, "PUT v1"}
	if diff := cmp.Diff(want, order[:3]); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	reads := map[string]bool{}
	for _, read := range order[3:] {
		reads[read] = true
	}
	if !reads["GET v1"] || !reads["GET "+result.Digest] {
		t.Errorf("after the tag came %v, want reads of tag and digest", order[3:])
	}
}

// The largest first: what takes longest must not start last.
func TestPushSendsTheLargestBlobFirst(t *testing.T) {
	f := newFixture(t)
	f.opts.Jobs = 1
	writeLayout(t, f.layout, large+20, small, large+10, large+30)
	f.push()
	var sent []int64
	for _, r := range f.Requests() {
		if r.Method == http.MethodPut && strings.Contains(r.Path, onUpload) {
			sent = append(sent, r.Bytes)
		}
	}
	if diff := cmp.Diff([]int64{large + 30, large + 20, large + 10}, sent); diff != "" {
		t.Errorf("bytes of each upload (-want +got):\n%s", diff)
	}
}

func TestPushWithoutATagSetsAnAnchor(t *testing.T) {
	f := newFixture(t)
	f.opts.Tags = []string{""}
	result := f.push()
	anchor := "digest-" + strings.TrimPrefix(result.Digest, "sha256:")[:32]
	if diff := cmp.Diff(map[string]string{anchor: result.Digest}, f.Tags("team-a/app")); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	f.Advance(2 * quaytest.LeaseDuration)
	if _, _, ok := f.Manifest("team-a/app", result.Digest); !ok {
		t.Error("the digest is gone after Quay's lease")
	}
	if got := f.result("IMAGE_URL"); got != f.Host()+"/team-a/app:"+anchor {
		t.Errorf("IMAGE_URL = %q", got)
	}
}

func TestSecondPushSendsNothing(t *testing.T) {
	f := newFixture(t)
	first := f.push()
	f.SetImmutable("team-a", true)
	f.ForgetRequests()
	want := first
	want.SentBytes = 0
	if diff := cmp.Diff(want, f.push()); diff != "" {
		t.Errorf("Push (-first +second):\n%s", diff)
	}
	if requests := f.Requests(); len(requests) != 5 {
		t.Errorf("%d requests, want 5: a challenge, a token, and a look at digest, tag and anchor", len(requests))
	}
	for _, r := range f.Requests() {
		if r.Method != http.MethodGet || r.Bytes > 0 {
			t.Errorf("the second push sent %+v", r)
		}
	}
	if got := f.result("image-digest"); got != first.Digest {
		t.Errorf("image-digest = %q", got)
	}
}

func TestPushUploadsOnlyWhatIsMissing(t *testing.T) {
	f := newFixture(t)
	f.push()
	f.ForgetRequests()
	writeLayout(t, f.layout, small, large, 7)
	f.push()
	var sent int64
	for _, r := range f.Requests() {
		if strings.Contains(r.Path, "/blobs/") {
			sent += r.Bytes
		}
	}
	// The layers of another image differ, but its config is the same.
	if sent != small+large+7 {
		t.Errorf("%d bytes of blobs were sent, want the three new layers", sent)
	}
}

func TestPushAnIndexWhole(t *testing.T) {
	f := newFixture(t)
	amd := writeImage(t, f.layout, `{"architecture":"amd64","os":"linux"}`, small)
	arm := writeImage(t, f.layout, `{"architecture":"arm64","os":"linux"}`, small, 7)
	index := addJSON(t, f.layout, mediaIndex, map[string]any{"schemaVersion": 2, "mediaType": mediaIndex, "manifests": []descriptor{amd, arm}})
	sbom := addJSON(t, f.layout, mediaManifest, map[string]any{"schemaVersion": 2, "mediaType": mediaManifest, "subject": index,
		"config": addBlob(t, f.layout, "application/vnd.oci.empty.v1+json", []byte("{}")), "layers": []descriptor{}})
	stray := addJSON(t, f.layout, mediaManifest, map[string]any{"schemaVersion": 2, "mediaType": mediaManifest,
		"subject": descriptor{MediaType: mediaManifest, Digest: digestOf([]byte("other")), Size: 5},
		"config":  addBlob(t, f.layout, "application/vnd.oci.empty.v1+json", []byte("{}")), "layers": []descriptor{}})
	writeIndex(t, f.layout, sbom, index, stray)
	if result := f.push(); result.Digest != index.Digest {
		t.Errorf("pushed %s, want the index %s", result.Digest, index.Digest)
	}
	for _, d := range []descriptor{index, amd, arm, sbom} {
		if _, _, ok := f.Manifest("team-a/app", d.Digest); !ok {
			t.Errorf("manifest %s is missing", d.Digest)
		}
	}
	if _, _, ok := f.Manifest("team-a/app", stray.Digest); ok {
		t.Error("a referrer of something else was pushed")
	}
	f.ForgetRequests()
	f.push()
	if n := len(f.Requests()); n > 6 {
		t.Errorf("%d requests for the second push of an index with a referrer, want at most 6", n)
	}
}

func TestPushPicksAnImageByName(t *testing.T) {
	f := newFixture(t)
	one := writeImage(t, f.layout, `{"os":"linux","architecture":"amd64"}`, small)
	two := writeImage(t, f.layout, `{"os":"linux","architecture":"amd64"}`, small, 7)
	one.Annotations = map[string]string{"org.opencontainers.image.ref.name": "one"}
	two.Annotations = map[string]string{"org.opencontainers.image.ref.name": "two"}
	writeIndex(t, f.layout, one, two)
	f.fail(failure.ClassSourceRefused)
	f.opts.Source = "oci:" + f.layout + ":two"
	if result := f.push(); result.Digest != two.Digest {
		t.Errorf("pushed %s, want %s", result.Digest, two.Digest)
	}
	f.opts.Source = "oci:" + f.layout + ":three"
	f.fail(failure.ClassSourceMissing)
}

func TestPushDetectsABarePath(t *testing.T) {
	f := newFixture(t)
	directory := filepath.Dir(f.layout)
	t.Chdir(directory)
	f.opts.Source = filepath.Base(f.layout)
	f.push()
}

func TestPushOfADirectoryWithAColon(t *testing.T) {
	f := newFixture(t)
	colon := f.layout + ":v1"
	if err := os.Rename(f.layout, colon); err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{colon, "oci:" + colon} {
		f.opts.Source = source
		f.push()
	}
}

// A StepAction can name its results' directory in no other way.
func TestResultsDirBesideAFileThatIsNotThere(t *testing.T) {
	f := newFixture(t)
	f.opts.ResultsDir = filepath.Join(f.results, "IMAGE_URL") + "/.."
	result := f.push()
	if got := f.result("IMAGE_DIGEST"); got != result.Digest {
		t.Errorf("IMAGE_DIGEST = %q, want %q", got, result.Digest)
	}
}

func TestResultsOfAnEarlierRunAreRemoved(t *testing.T) {
	f := newFixture(t)
	f.push()
	f.opts.Source = "oci:" + t.TempDir()
	f.fail(failure.ClassSourceMissing)
}

func TestResultsThatCannotBeWritten(t *testing.T) {
	f := newFixture(t)
	f.opts.ResultsDir = filepath.Join(t.TempDir(), "none")
	f.fail(failure.ClassResultsUnwritable)
	if n := len(f.Requests()); n > 0 {
		t.Errorf("%d requests before the results were known to be lost", n)
	}
}

// Results are all there or none is.
func TestResultsThatFailHalfway(t *testing.T) {
	f := newFixture(t)
	inTheWay := filepath.Join(f.results, "overlay-image", "x")
	f.Faults.Add(quaytest.Fault{Name: "mkdir", Method: "PUT", Path: onTag, Effect: quaytest.Do(func() {
		if err := os.MkdirAll(inTheWay, 0o755); err != nil {
			t.Error(err)
		}
	})})
	if _, err := push.Push(t.Context(), f.opts); failure.ExitCode(err) != failure.ClassResultsUnwritable.Exit {
		t.Errorf("pushing = %v", err)
	}
	if left, _ := os.ReadDir(f.results); len(left) != 1 {
		t.Errorf("results were left: %v", left)
	}
}

// Tekton keeps what a step's results may have together, 4096 bytes with their names.
func TestResultsAreSmall(t *testing.T) {
	f := newFixture(t)
	repository := "team-a/" + strings.Repeat("x", 255-len(f.Host())-len("/team-a/"))
	f.AddRepository("team-a", strings.TrimPrefix(repository, "team-a/"))
	f.Grant(repository, "team-a+ci", quaytest.Write)
	f.opts.ImageRef, f.opts.Tags = f.Host()+"/"+repository, []string{strings.Repeat("v", 128)}
	f.push()
	total := 0
	for _, name := range []string{"IMAGE_URL", "IMAGE_DIGEST", "image-digest", "image-ref", "image-pinned", "overlay-image", "pushed-bytes"} {
		total += len(name) + len(f.result(name))
	}
	if total > 2000 {
		t.Errorf("the longest results have %d bytes", total)
	}
	var item struct{ Name, NewName, Digest string }
	if err := json.Unmarshal([]byte(f.result("overlay-image")), &item); err != nil || item.Name != item.NewName {
		t.Errorf("overlay-image = %+v, %v", item, err)
	}
}
