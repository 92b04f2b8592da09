package push_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// gone is what a registry says that has nothing under a tag or digest.
func gone() quaytest.Effect {
	return quaytest.Status(http.StatusNotFound, nil, `{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`)
}

// old serves the bytes of another manifest.
func (f *fixture) old(digest string) quaytest.Effect {
	body, mediaType, ok := f.Manifest("team-a/app", digest)
	if !ok {
		f.t.Fatalf("there is no manifest %s", digest)
	}
	return quaytest.Status(http.StatusOK, http.Header{"Content-Type": {mediaType}, "Docker-Content-Digest": {digest}}, string(body))
}

// A registry with read replicas serves what it was told a little later: that is no failure, however it looks meanwhile.
func TestStaleAnswersAreAskedAgain(t *testing.T) {
	for _, path := range []string{onTag, onManifest} {
		for _, times := range []int{1, 3, 6} {
			f := newFixture(t)
			// The first read is the look before the push.
			f.Faults.Add(quaytest.Fault{Name: "stale", Method: "GET", Path: path, Nth: 2, Times: times, Effect: gone()})
			if result := f.push(); f.result("image-digest") != result.Digest {
				t.Errorf("image-digest = %s, want %s", f.result("image-digest"), result.Digest)
			}
		}
	}
	f := newFixture(t)
	first := f.push()
	second := writeLayout(t, f.layout, small)
	f.Faults.Add(quaytest.Fault{Name: "stale", Method: "GET", Path: onTag, Nth: 2, Times: 4, Effect: f.old(first.Digest)})
	if result := f.push(); result.Digest != second.Digest {
		t.Errorf("Push = %s, want %s", result.Digest, second.Digest)
	}
}

// An answer that was lost and a replica that lags behind, both at once, are no conflict.
func TestStaleAnswerAfterALostOne(t *testing.T) {
	f := newFixture(t)
	f.SetImmutable("team-a", true)
	f.Faults.Add(
		quaytest.Fault{Name: "lost", Method: "PUT", Path: onTag, Effect: quaytest.CommitThenReset()},
		quaytest.Fault{Name: "stale", Method: "GET", Path: onTag, Nth: 2, Times: 3, Effect: gone()})
	result := f.push()
	if got := f.Tags("team-a/app")["v1"]; got != result.Digest {
		t.Errorf("tag v1 is %q, want %q", got, result.Digest)
	}
	// Without a lost answer a conflict is one, and nobody waits for it to pass.
	writeLayout(t, f.layout, small)
	f.ForgetRequests()
	if _, err := push.Push(t.Context(), f.opts); failure.ExitCode(err) != failure.ClassTagImmutable.Exit {
		t.Errorf("pushing = %v", err)
	}
	if n := f.count("GET", "/manifests/v1"); n != 2 {
		t.Errorf("the tag was read %d times, want 2", n)
	}
}

// A replica may lag behind already at the look before the push: then what the tag was is read first after the write. That is
// no other run's while it passes, whatever comes in between.
func TestStaleLookBeforeThePush(t *testing.T) {
	for name, stale := range map[string]func(f *fixture, older, newer string) []quaytest.Effect{
		"nothing, then what it was": func(f *fixture, _, newer string) []quaytest.Effect {
			return []quaytest.Effect{gone(), f.old(newer)}
		},
		"an older one, then what it was": func(f *fixture, older, newer string) []quaytest.Effect {
			return []quaytest.Effect{f.old(older), f.old(newer), f.old(newer), f.old(newer), f.old(newer)}
		},
		"all of it in turn": func(f *fixture, older, newer string) []quaytest.Effect {
			return []quaytest.Effect{gone(), f.old(newer), f.old(older), gone(), f.old(newer), f.old(older)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			older := f.push()
			writeLayout(t, f.layout, small)
			newer := f.push()
			image := writeLayout(t, f.layout, 7)
			for i, effect := range stale(f, older.Digest, newer.Digest) {
				f.Faults.Add(quaytest.Fault{Name: "stale", Method: "GET", Path: onTag, Nth: i + 1, Effect: effect})
			}
			if result := f.push(); result.Digest != image.Digest {
				t.Errorf("Push = %s, want %s", result.Digest, image.Digest)
			}
		})
	}
}

// A page in the place of a manifest passes, as other faults do, and is no image.
func TestPageForAManifest(t *testing.T) {
	f := newFixture(t)
	f.opts.IfTagAbsent = true
	f.Faults.Add(quaytest.Fault{Name: "page", Method: "GET", Path: onTag, Times: 1, Effect: webPage(200)},
		quaytest.Fault{Name: "page after the write", Method: "GET", Path: onTag, Nth: 3, Times: 2, Effect: webPage(200)})
	if result := f.push(); f.Tags("team-a/app")["v1"] != result.Digest {
		t.Errorf("tag v1 is %q, want %q", f.Tags("team-a/app")["v1"], result.Digest)
	}
	if n := f.count("GET", "/manifests/v1"); n != 5 {
		t.Errorf("the tag was read %d times, want twice before and 3 times after", n)
	}
}

// A digest that is neither the image's nor the tag's before, and that stays, is another run's.
func TestTagOfAnotherRun(t *testing.T) {
	f := newFixture(t)
	third := f.push()
	writeLayout(t, f.layout, small)
	f.push()
	writeLayout(t, f.layout, 7)
	f.ForgetRequests()
	f.Faults.Add(quaytest.Fault{Name: "moved", Method: "GET", Path: onTag, Nth: 2, Times: -1, Effect: f.old(third.Digest)})
	_, err := push.Push(t.Context(), f.opts)
	if failure.ExitCode(err) != failure.ClassTagMoved.Exit || !strings.Contains(err.Error(), third.Digest) {
		t.Errorf("pushing = %v", err)
	}
	if n := f.count("GET", "/manifests/v1"); n != 8 {
		t.Errorf("the tag was read %d times, want once before and 7 times after", n)
	}
}

// The deadline does not hide what was read last.
func TestStaleAnswerAtTheDeadline(t *testing.T) {
	f := newFixture(t)
	f.opts.RetryPause, f.opts.Timeout = time.Hour, 4*time.Second
	f.Faults.Add(quaytest.Fault{Name: "stale", Method: "GET", Path: onTag, Nth: 2, Times: -1, Effect: gone()})
	_, err := push.Push(context.Background(), f.opts)
	if failure.ExitCode(err) != failure.ClassNotVerified.Exit || !strings.Contains(err.Error(), "--timeout is over") || !strings.Contains(err.Error(), `it is ""`) {
		t.Errorf("pushing = %v", err)
	}
}
