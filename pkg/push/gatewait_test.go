package push_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// However long the queue is, what is waited for is there at every moment, although Quay hides it for an hour and collects garbage; at
// last it gets its tag, and nothing was sent twice.
func TestGateOutlastsTheHour(t *testing.T) {
	f := newFixture(t)
	f.gate("high", has(5*time.Hour))
	f.SetTimeMachine("team-a", 0)
	f.opts.GateTimeout = 6 * time.Hour
	index, _ := f.platforms()
	asked := 0
	f.Faults.Clear()
	f.Faults.Add(quaytest.Fault{Name: "time passes", Path: onSecurity, Times: -1, Effect: quaytest.Do(func() {
		f.Advance(3 * time.Minute)
		f.CollectGarbage()
		if asked++; asked > 1 && !f.HasManifest("team-a/app", index) {
			t.Errorf("after %d questions the image is gone", asked)
		}
		if _, _, there := f.Manifest("team-a/app", index); asked > 1 && !there {
			t.Errorf("after %d questions the image is not served", asked)
		}
	})})
	result := f.push()
	if f.Tags("team-a/app")["v1"] != result.Digest || result.Digest != index || asked < 100 {
		t.Errorf("tags are %v after %d questions", f.Tags("team-a/app"), asked)
	}
	if n := strings.Count(f.log.String(), `"msg":"sent a blob"`); n != 8 {
		t.Errorf("%d blobs were sent", n)
	}
	f.CollectGarbage()
	if body, _, there := f.Manifest("team-a/app", "v1"); !there || digestOf(body) != index {
		t.Errorf("the tag serves %s", body)
	}
}

// platforms has f push an index of three platforms with an attestation beside one of them, and returns the digests of the index and of
// the attestation.
func (f *fixture) platforms() (index, attestation string) {
	f.t.Helper()
	dir := f.t.TempDir()
	var children []map[string]any
	for i, architecture := range []string{"amd64", "arm64", "s390x"} {
		d := writeImage(f.t, dir, fmt.Sprintf(`{"os":"linux","architecture":%q}`, architecture), small+i)
		children = append(children, map[string]any{"mediaType": d.MediaType, "digest": d.Digest, "size": d.Size, "platform": map[string]string{"os": "linux", "architecture": architecture}})
	}
	beside := addJSON(f.t, dir, mediaManifest, map[string]any{"schemaVersion": 2, "mediaType": mediaManifest, "config": addBlob(f.t, dir, mediaConfig, []byte(`{"os":"unknown","architecture":"unknown"}`)),
		"layers": []descriptor{addBlob(f.t, dir, "application/vnd.in-toto+json", []byte(`{"predicateType":"https://slsa.dev/provenance/v1"}`))}})
	children = append(children, map[string]any{"mediaType": beside.MediaType, "digest": beside.Digest, "size": beside.Size,
		"platform": map[string]string{"os": "unknown", "architecture": "unknown"}, "annotations": map[string]string{"vnd.docker.reference.type": "attestation-manifest"}})
	root := addJSON(f.t, dir, mediaIndex, map[string]any{"schemaVersion": 2, "mediaType": mediaIndex, "manifests": children})
	writeIndex(f.t, dir, root)
	f.opts.Source = "oci:" + dir
	return root.Digest, beside.Digest
}

// Each platform of an index is asked for, and neither the index nor the attestation: Quay looks into none of these.
func TestGateOfAnIndex(t *testing.T) {
	f := newFixture(t)
	index, attestation := f.platforms()
	f.gate("critical", has(time.Minute, zlib))
	f.push()
	asked := map[string]int{}
	for _, r := range f.Requests() {
		if strings.HasSuffix(r.Path, "/security") {
			asked[strings.Split(r.Path, "/")[7]]++
		}
	}
	if len(asked) != 4 || asked[index] != 1 || asked[attestation] != 0 {
		t.Errorf("asked for %v, want three platforms, and the index once before anything is sent", asked)
	}
	if got := f.result("vulnerabilities"); got != `{"critical":0,"high":1,"medium":0,"low":0,"negligible":0,"unknown":0}` {
		t.Errorf("what all platforms have counts as %s", got)
	}
	// One bad platform is enough.
	g := newFixture(t)
	index, _ = g.platforms()
	bad := ""
	g.gate("critical", &quaytest.Scanner{Delay: time.Minute, Verdict: func(_, digest string) quaytest.Verdict {
		if bad == "" {
			bad = digest
		}
		if digest == bad {
			return quaytest.Verdict{Packages: []quaytest.Package{openssl}}
		}
		return quaytest.Verdict{}
	}})
	if reason := g.fail(failure.ClassVulnerable); !strings.Contains(reason.Error(), "openssl") {
		t.Errorf("pushing = %v", reason)
	}
	if _, _, there := g.Manifest("team-a/app", index); !there {
		t.Error("the image is not there by digest")
	}
}

// What calls itself an attestation and has a layer is looked into all the same.
func TestGateIsNotTalkedOut(t *testing.T) {
	f := newFixture(t)
	dir := t.TempDir()
	good := writeImage(t, dir, `{"os":"linux","architecture":"amd64"}`, small)
	evil := writeImage(t, dir, `{"os":"unknown","architecture":"unknown"}`, small, small+1)
	root := addJSON(t, dir, mediaIndex, map[string]any{"schemaVersion": 2, "mediaType": mediaIndex, "manifests": []map[string]any{
		{"mediaType": good.MediaType, "digest": good.Digest, "size": good.Size, "platform": map[string]string{"os": "linux", "architecture": "amd64"}},
		{"mediaType": evil.MediaType, "digest": evil.Digest, "size": evil.Size, "platform": map[string]string{"os": "unknown", "architecture": "unknown"},
			"annotations": map[string]string{"vnd.docker.reference.type": "attestation-manifest"}}}})
	writeIndex(t, dir, root)
	f.opts.Source = "oci:" + dir
	f.gate("critical", &quaytest.Scanner{Verdict: func(_, digest string) quaytest.Verdict {
		if digest == evil.Digest {
			return quaytest.Verdict{Packages: []quaytest.Package{openssl}}
		}
		return quaytest.Verdict{}
	}})
	f.fail(failure.ClassVulnerable)
}

// Two hundred pushes come at once to a scanner that takes twenty minutes for all of them: every good image gets its tag, no bad one does, and
// none gets one before its verdict.
func TestTwoHundredGates(t *testing.T) {
	const pushes = 200
	f := newFixture(t)
	var unseen atomic.Int64
	bad := map[string]bool{}
	var mu sync.Mutex
	told := map[string]bool{}
	seen := func(digest string) bool { mu.Lock(); defer mu.Unlock(); return told[digest] }
	f.SetScanner(&quaytest.Scanner{Delay: 48 * time.Second, Workers: 8, Verdict: func(_, digest string) quaytest.Verdict {
		mu.Lock()
		defer mu.Unlock()
		told[digest] = true // It is called for a scan that is done.
		if bad[digest] {
			return quaytest.Verdict{Packages: []quaytest.Package{openssl}}
		}
		return quaytest.Verdict{}
	}})
	var all []push.Options
	digests := make([]string, pushes)
	for i := range pushes {
		opts := f.opts
		dir := t.TempDir()
		image := writeImage(t, dir, fmt.Sprintf(`{"os":"linux","architecture":"amd64","author":"%d"}`, i), 100)
		writeIndex(t, dir, image)
		digests[i], bad[image.Digest] = image.Digest, i%7 == 3
		opts.Source, opts.Tags, opts.ResultsDir, opts.LogOutput = "oci:"+dir, []string{fmt.Sprintf("v%d", i)}, "", nil
		opts.Gate, opts.GatePause, opts.Now = "high", 20*time.Millisecond, f.Now
		all = append(all, opts)
	}
	// The clock of both runs while the pushes wait: a second for two questions.
	f.Faults.Add(quaytest.Fault{Name: "time passes", Path: onSecurity, Times: -1, Effect: quaytest.Do(func() { f.Advance(time.Second / 2) })},
		quaytest.Fault{Name: "tag", Method: "PUT", Path: "/manifests/v", Times: -1, Effect: func(_ *quaytest.Quay, w http.ResponseWriter, r *http.Request, next http.Handler) {
			n, _ := strconv.Atoi(r.URL.Path[strings.LastIndex(r.URL.Path, "v")+1:])
			if !seen(digests[n]) {
				unseen.Add(1)
			}
			next.ServeHTTP(w, r)
		}})
	began := f.Now()
	errs := make([]error, pushes)
	var group sync.WaitGroup
	for i, opts := range all {
		group.Go(func() { _, errs[i] = push.Push(t.Context(), opts) })
	}
	group.Wait()
	tags := f.Tags("team-a/app")
	for i, err := range errs {
		class := failure.Of(err).Class
		switch got := tags[fmt.Sprintf("v%d", i)]; {
		case !bad[digests[i]] && (err != nil || got != digests[i]):
			t.Errorf("push %d was lost: %v", i, err)
		case bad[digests[i]] && (class != failure.ClassVulnerable || got != ""):
			t.Errorf("push %d was tagged %q: %v", i, got, err)
		}
	}
	if took := f.Now().Sub(began); took < 20*time.Minute || unseen.Load() > 0 {
		t.Errorf("it took %v, and %d were tagged unseen", took, unseen.Load())
	}
}
