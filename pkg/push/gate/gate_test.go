package gate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/source"
	"github.com/comptech-lab/quay-push/pkg/push/source/document"
	"github.com/comptech-lab/quay-push/pkg/push/verdict"
)

// scanner answers for each digest what its script says, the last line for ever, on a clock that moves while the gate sleeps.
type scanner struct {
	*Gate
	script map[string][]answer
	asked  map[string]int
	at     time.Duration
	slept  []time.Duration
	// renewed are the times at which the image was put again.
	renewed []time.Duration
}

// answer is one of the scanner: a verdict with what it found, or an error. until makes it the answer up to that time.
type answer struct {
	status verdict.Status
	found  []verdict.Vulnerability
	err    error
	until  time.Duration
}

func newScanner(p verdict.Policy, script map[string][]answer) *scanner {
	s := &scanner{script: script, asked: map[string]int{}}
	began := time.Unix(1_800_000_000, 0)
	s.Gate = &Gate{Policy: p, Timeout: 45 * time.Minute, Pause: 5 * time.Second, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Now: func() time.Time { return began.Add(s.at) },
		Ask: func(_ context.Context, digest string, each func(verdict.Vulnerability) error) (verdict.Verdict, error) {
			s.asked[digest]++
			rest := s.script[digest]
			if a := rest[0]; len(rest) > 1 && (a.until == 0 || s.at >= a.until) {
				s.script[digest] = rest[1:]
				if a.until > 0 {
					rest = rest[1:]
				}
			}
			for _, v := range rest[0].found {
				if err := each(v); err != nil {
					return verdict.Verdict{}, err
				}
			}
			return verdict.Verdict{Status: rest[0].status, Packages: 1}, rest[0].err
		},
		Renew: func(context.Context) error { s.renewed = append(s.renewed, s.at); return nil },
		Sleep: func(ctx context.Context, d time.Duration) error {
			s.slept = append(s.slept, d)
			s.at += d
			return ctx.Err()
		}}
	return s
}

// busy is a registry that wants to be left alone for so many seconds, away one that does not reach its scanner.
func busy(seconds string) error {
	return &failure.Answer{Method: "GET", Path: "/security", Status: 429, Header: http.Header{"Retry-After": {seconds}}}
}

var away = &Away{&failure.Answer{Method: "GET", Path: "/security", Status: 520}}

var (
	critical = verdict.Vulnerability{Package: "openssl", Version: "1.1.1k-7", Name: "CVE-2023-0286", FixedBy: "1.1.1k-9", Severity: verdict.Critical}
	high     = verdict.Vulnerability{Package: "zlib", Version: "1.2.11", Name: "CVE-2022-37434", Severity: verdict.High}
	amd, arm = Image{"sha256:a", "linux/amd64"}, Image{"sha256:b", "linux/arm64"}
)

// verify waits and compares the class; empty is a pass.
func (s *scanner) verify(t *testing.T, class failure.Class, says string, images ...Image) *Found {
	t.Helper()
	report, err := s.Wait(t.Context(), images)
	if class == (failure.Class{}) {
		if err != nil {
			t.Errorf("it did not pass: %v", err)
		}
		return report
	}
	reason, refused := (*failure.Error)(nil), (*Refused)(nil)
	if !errors.As(err, &reason) || reason.Class != class || !strings.Contains(err.Error(), says) || reason.Next == "" || reason.Proof == "" {
		t.Errorf("error is %v, want class %s and %q", err, class.Name, says)
	}
	if !errors.As(err, &refused) || refused.Found != report {
		t.Errorf("%v does not have the report", err)
	}
	return report
}

// unreadable is the error of an answer with a status that Quay has none of.
var _, unreadable = verdict.Read(strings.NewReader(`{"status":"fine","data":null}`), nil)

// Each state has a class of its own, or passes, under the policy that says so.
func TestStates(t *testing.T) {
	strict, lax := verdict.Policy{Threshold: verdict.High}, verdict.Policy{Threshold: verdict.Critical, FixableOnly: true, PassUnsupported: true}
	for name, test := range map[string]struct {
		policy verdict.Policy
		script []answer
		class  failure.Class
		says   string
	}{
		"clean":               {strict, []answer{{status: verdict.Scanned}}, failure.Class{}, ""},
		"below":               {lax, []answer{{status: verdict.Scanned, found: []verdict.Vulnerability{high}}}, failure.Class{}, ""},
		"inclusive":           {strict, []answer{{status: verdict.Scanned, found: []verdict.Vulnerability{high}}}, failure.ClassVulnerable, `the gate "high" does not let through: 1 high; nothing was tagged: zlib 1.2.11 has CVE-2022-37434 (high), not fixed yet; build it again`},
		"above":               {strict, []answer{{status: verdict.Scanned, found: []verdict.Vulnerability{high, critical}}}, failure.ClassVulnerable, "1 critical and 1 high; nothing was tagged: openssl 1.1.1k-7 has CVE-2023-0286 (critical), fixed by 1.1.1k-9; zlib 1.2.11"},
		"with a fix":          {lax, []answer{{status: verdict.Scanned, found: []verdict.Vulnerability{critical}}}, failure.ClassVulnerable, "update openssl to 1.1.1k-9"},
		"without a fix":       {lax, []answer{{status: verdict.Scanned, found: []verdict.Vulnerability{{Package: "a", Version: "1", Name: "b", Severity: verdict.Critical}}}}, failure.Class{}, ""},
		"queued":              {strict, []answer{{status: verdict.Queued}, {status: verdict.Queued}, {status: verdict.Scanned}}, failure.Class{}, ""},
		"queued for ever":     {strict, []answer{{status: verdict.Queued}}, failure.ClassScanPending, `no verdict on the image within 45 minutes; nothing was tagged: Quay says "queued" of manifest "sha256:a" (platform "linux/amd64")`},
		"failed":              {strict, []answer{{status: verdict.Failed}}, failure.ClassScanFailed, `Quay says "failed"`},
		"failed once":         {strict, []answer{{status: verdict.Failed, until: 6 * time.Minute}, {status: verdict.Scanned}}, failure.Class{}, ""},
		"unsupported":         {strict, []answer{{status: verdict.Unsupported}}, failure.ClassScanUnsupported, "with pass in --gate-unsupported"},
		"unsupported, pass":   {lax, []answer{{status: verdict.Unsupported}}, failure.Class{}, ""},
		"too large":           {lax, []answer{{status: verdict.TooLarge}}, failure.ClassScanLayerTooLarge, "SECURITY_SCANNER_V4_INDEX_MAX_LAYER_SIZE"},
		"off":                 {lax, []answer{{err: fmt.Errorf("%w: 404", ErrOff)}}, failure.ClassScannerOff, "FEATURE_SECURITY_SCANNER"},
		"away":                {strict, []answer{{err: away}, {status: verdict.Scanned}}, failure.Class{}, ""},
		"away for ever":       {strict, []answer{{err: away}}, failure.ClassScannerAway, "Quay does not reach its scanner"},
		"not known at once":   {strict, []answer{{err: ErrUnknown}, {status: verdict.Scanned}}, failure.Class{}, ""},
		"never known":         {strict, []answer{{err: ErrUnknown}}, failure.ClassNotVerified, "does not know"},
		"another status":      {lax, []answer{{err: unreadable}}, failure.ClassVerdictUnreadable, `the status is "fine"`},
		"bad, then broken":    {strict, []answer{{found: []verdict.Vulnerability{critical}, err: busy("")}, {status: verdict.Scanned, found: []verdict.Vulnerability{critical}}}, failure.ClassVulnerable, "1 critical; nothing"},
		"failed at the limit": {strict, []answer{{status: verdict.Queued, until: 44 * time.Minute}, {status: verdict.Failed}}, failure.ClassScanFailed, "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScanner(test.policy, map[string][]answer{amd.Digest: test.script})
			s.verify(t, test.class, test.says, amd)
			if s.at > 45*time.Minute {
				t.Errorf("it took %v", s.at)
			}
		})
	}
}

// Of three platforms each is waited for, and what is final is not asked for again. One that is bad ends the wait for the others.
func TestPlatforms(t *testing.T) {
	s390 := Image{"sha256:c", "linux/s390x"}
	s := newScanner(verdict.Policy{Threshold: verdict.Critical}, map[string][]answer{
		amd.Digest: {{status: verdict.Scanned, found: []verdict.Vulnerability{high}}}, arm.Digest: {{status: verdict.Queued}, {status: verdict.Scanned, found: []verdict.Vulnerability{high}}},
		s390.Digest: {{status: verdict.Queued}, {status: verdict.Queued}, {status: verdict.Scanned}}})
	report := s.verify(t, failure.Class{}, "", amd, arm, s390)
	if s.asked[amd.Digest] != 1 || s.asked[arm.Digest] != 2 || s.asked[s390.Digest] != 3 || report.Counts() != `{"critical":0,"high":1,"medium":0,"low":0,"negligible":0,"unknown":0}` {
		t.Errorf("asked %v, counts %s", s.asked, report.Counts())
	}
	s = newScanner(verdict.Policy{Threshold: verdict.Critical}, map[string][]answer{
		amd.Digest: {{status: verdict.Scanned}}, arm.Digest: {{status: verdict.Queued}, {status: verdict.Scanned, found: []verdict.Vulnerability{critical}}}, s390.Digest: {{status: verdict.Queued}}})
	s.verify(t, failure.ClassVulnerable, "openssl", amd, arm, s390)
	if len(s.slept) != 1 {
		t.Errorf("it slept %v", s.slept)
	}
	s = newScanner(verdict.Policy{Threshold: verdict.Critical}, map[string][]answer{amd.Digest: {{status: verdict.Scanned}}, arm.Digest: {{status: verdict.Unsupported}}, s390.Digest: {{status: verdict.Scanned}}})
	s.verify(t, failure.ClassScanUnsupported, "linux/arm64", amd, arm, s390)
}

// What was not scanned has no counts of its own: a 0 would say that somebody had looked.
func TestCountsOfWhatWasNotScanned(t *testing.T) {
	lax := verdict.Policy{Threshold: verdict.Critical, PassUnsupported: true}
	for want, statuses := range map[string][]verdict.Status{
		`{"critical":0,"high":0,"medium":0,"low":0,"negligible":0,"unknown":0}`: {verdict.Scanned, verdict.Scanned},
		`{"unsupported":1}`: {verdict.Unsupported},
		`{"unsupported":2}`: {verdict.Unsupported, verdict.Unsupported},
		`{"unsupported":1,"critical":0,"high":0,"medium":0,"low":0,"negligible":0,"unknown":0}`: {verdict.Scanned, verdict.Unsupported},
	} {
		images, script := []Image{amd, arm}[:len(statuses)], map[string][]answer{}
		for i, status := range statuses {
			script[images[i].Digest] = []answer{{status: status}}
		}
		report := newScanner(lax, script).verify(t, failure.Class{}, "", images...)
		if got := report.Counts(); got != want || report.Results(100)[CountsResult] != want {
			t.Errorf("%v: counts %s, want %s", statuses, got, want)
		}
	}
	late := newScanner(lax, map[string][]answer{amd.Digest: {{status: verdict.Queued}}}).verify(t, failure.ClassScanPending, "", amd)
	if got := late.Counts(); got != `{"queued":1}` {
		t.Errorf("without a verdict: counts %s", got)
	}
	huge := newScanner(lax, map[string][]answer{amd.Digest: {{status: verdict.TooLarge}}, arm.Digest: {{status: verdict.Failed}}}).verify(t, failure.ClassScanLayerTooLarge, "", amd, arm)
	if got := huge.Counts(); got != `{"manifest_layer_too_large":1,"failed":1}` {
		t.Errorf("refused: counts %s", got)
	}
}

// Quay hides what has no tag for an hour: it is put again long before that, as often as it takes, and every pause is bounded.
func TestRenews(t *testing.T) {
	s := newScanner(verdict.Policy{Threshold: verdict.High}, map[string][]answer{amd.Digest: {{status: verdict.Queued, until: 3 * time.Hour}, {status: verdict.Scanned}}})
	s.Timeout = 4 * time.Hour
	s.verify(t, failure.Class{}, "", amd)
	last := time.Duration(0)
	for _, at := range append(s.renewed, s.at) {
		if at-last > 21*time.Minute {
			t.Errorf("nothing was put between %v and %v", last, at)
		}
		last = at
	}
	if n := len(s.renewed); n < 8 || n > 9 {
		t.Errorf("it was put %d times in three hours: %v", n, s.renewed)
	}
	for i, pause := range s.slept {
		if least, most := 2500*time.Millisecond, 30*time.Second; pause < least || pause > most || i > 6 && pause < most/2 {
			t.Errorf("pause %d is %v", i, pause)
		}
	}
	if n := s.asked[amd.Digest]; n > 3*3600/15+10 {
		t.Errorf("it asked %d times", n)
	}
	failing := newScanner(verdict.Policy{Threshold: verdict.High}, map[string][]answer{amd.Digest: {{status: verdict.Queued}}})
	gone := errors.New("registry is gone")
	failing.Renew = func(context.Context) error { return gone }
	if _, err := failing.Wait(t.Context(), []Image{amd}); !errors.Is(err, gone) {
		t.Errorf("error is %v", err)
	}
}

// A busy Quay is left alone for as long as it says, but not beyond the time, and not until the image is gone.
func TestRetryAfter(t *testing.T) {
	s := newScanner(verdict.Policy{Threshold: verdict.High}, map[string][]answer{amd.Digest: {{err: busy("120")}, {err: busy("3000")}, {status: verdict.Scanned}}, arm.Digest: {{status: verdict.Scanned}}})
	s.verify(t, failure.Class{}, "", amd, arm)
	if len(s.slept) != 2 || s.slept[0] != 2*time.Minute || s.slept[1] != renewAfter || s.asked[arm.Digest] != 1 || len(s.renewed) != 0 {
		t.Errorf("slept %v, asked %v, renewed %v", s.slept, s.asked, s.renewed)
	}
	s = newScanner(verdict.Policy{Threshold: verdict.High}, map[string][]answer{amd.Digest: {{err: busy("3600")}}})
	_, err := s.Wait(t.Context(), []Image{amd})
	if answered := (*failure.Answer)(nil); !errors.As(err, &answered) || !strings.Contains(err.Error(), `asking for the verdict on "sha256:a"`) || s.at != 45*time.Minute {
		t.Errorf("after %v: %v", s.at, err)
	}
}

// Who is cancelled learns that, and nothing else.
func TestWaitIsCancelled(t *testing.T) {
	s := newScanner(verdict.Policy{Threshold: verdict.High}, map[string][]answer{amd.Digest: {{status: verdict.Queued}}})
	ctx, cancel := context.WithCancel(t.Context())
	ask := s.Ask
	s.Ask = func(ctx context.Context, digest string, each func(verdict.Vulnerability) error) (verdict.Verdict, error) {
		if s.asked[digest] == 3 {
			cancel()
			return verdict.Verdict{}, ctx.Err()
		}
		return ask(ctx, digest, each)
	}
	_, err := s.Wait(ctx, []Image{amd})
	if reason := (*failure.Error)(nil); !errors.As(err, &reason) || reason.Class != failure.ClassCancelled {
		t.Errorf("error is %v", err)
	}
}

// Before anything is sent, nobody to ask is found out; a digest that is not there yet is no reason.
func TestCheck(t *testing.T) {
	forbidden := errors.New("403")
	for _, test := range []struct {
		answer answer
		class  failure.Class
		err    error
	}{
		{answer{err: ErrUnknown}, failure.Class{}, nil}, {answer{status: verdict.Queued}, failure.Class{}, nil}, {answer{err: away}, failure.Class{}, nil},
		{answer{status: verdict.Scanned, found: []verdict.Vulnerability{critical}}, failure.Class{}, nil},
		{answer{err: ErrOff}, failure.ClassScannerOff, ErrOff}, {answer{err: unreadable}, failure.ClassVerdictUnreadable, nil}, {answer{err: forbidden}, failure.Class{}, forbidden},
	} {
		s := newScanner(verdict.Policy{Threshold: verdict.High}, map[string][]answer{amd.Digest: {test.answer}})
		err := s.Check(t.Context(), amd)
		reason := (*failure.Error)(nil)
		switch {
		case test.class != failure.Class{}:
			if !errors.As(err, &reason) || reason.Class != test.class {
				t.Errorf("%+v: %v", test.answer, err)
			}
		case test.err == nil && err != nil, test.err != nil && !errors.Is(err, test.err):
			t.Errorf("%+v: %v", test.answer, err)
		}
	}
}

// What is tagged itself is asked for, and be it a document about another image: whoever pushes it would else choose that nobody looks.
func TestImagesOfADocument(t *testing.T) {
	hash := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}
	var m source.Manifest
	m.Descriptor = v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: hash}
	m.Subject = &document.Descriptor{}
	m.Layers = []document.Descriptor{{}}
	m.Layers[0].MediaType = "application/vnd.in-toto+json"
	for digest, want := range map[string]int{hash.String(): 1, "sha256:" + strings.Repeat("b", 64): 0} {
		if got := Images(&source.Image{Digest: digest, Manifests: []source.Manifest{m}}); len(got) != want {
			t.Errorf("with %s tagged: %v", digest, got)
		}
	}
	// Without layers it is none of those documents.
	m.Layers = nil
	if got := Images(&source.Image{Digest: "sha256:" + strings.Repeat("b", 64), Manifests: []source.Manifest{m}}); len(got) != 1 {
		t.Errorf("without layers: %v", got)
	}
}
