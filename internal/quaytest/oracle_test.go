package quaytest_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

// told is a step that is no request, but something that happens to the registry.
type told struct {
	step
	// Do says what.
	Do                              string
	Seconds                         int
	Repository, Organization, State string
	Bytes                           int64
	// Report are the outcomes of scans by digest.
	Report map[string]string
}

// oracle is a Quay that the steps of a recording are played to.
type oracle struct {
	*conversation
	scanner quaytest.Scanner
	report  map[string]string
}

// The second recording: policies, tags over time, verdicts, mounts and quota (testdata/oracle/README.md).
func TestOracle(t *testing.T) {
	for _, set := range []string{"on", "off"} {
		t.Run("features "+set, func(t *testing.T) {
			t.Parallel()
			steps := read[struct{ Steps []told }](t, "oracle/steps-"+set+".json").Steps
			answers := read[struct{ Steps []recorded }](t, "oracle/answers-"+set+".json").Steps
			if len(answers) != len(steps) {
				t.Fatalf("%d answers to %d steps", len(answers), len(steps))
			}
			o := newOracle(t, set == "on")
			for i, s := range steps {
				if s.Do != "" {
					o.happen(s)
					continue
				}
				o.q.Advance(time.Second)
				got, want := o.say(s.step), answers[i]
				if want.ID != s.ID {
					t.Fatalf("answer %d is to %q, want %q", i, want.ID, s.ID)
				}
				got.JWT = nil // The first recording has them.
				if want.Text == "PAGE" && got.Headers["content-type"] == want.Headers["content-type"] {
					got.Text = want.Text
					delete(got.Headers, "content-length")
				}
				judge(t, s.step, differences(want, got), deviations)
				if diff := cmp.Diff(times(want.JSON), times(got.JSON)); diff != "" && deviations[s.ID].at == "" {
					t.Errorf("%s: times (-Quay +quaytest):\n%s", s.ID, diff)
				}
			}
		})
	}
}

// deviations are the differences from that recording that stay.
var deviations = map[string]difference{
	"imm-org-post-badregex":  {at: "body.error_message", why: "the words are those of Python's regex"},
	"imm-repo-post-badregex": {at: "body.error_message", why: "the words are those of Python's regex"},
	"sec-head":               {at: "header content-length", why: "Python puts spaces into its JSON"},
	"sec-post":               {at: "header allow", why: "a repository has methods in Quay that no tool here needs"},
}

// newOracle starts a Quay on a clock that stands still, with the optional features or without.
func newOracle(t *testing.T, features bool) *oracle {
	clock := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	q, err := quaytest.New(quaytest.Options{Host: "127.0.0.1:8443", StorageDir: t.TempDir(), Clock: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(q)
	t.Cleanup(func() {
		server.Close()
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := q.Apply(read[quaytest.Setup](t, "oracle/state.json")); err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	o := &oracle{report: map[string]string{}, conversation: &conversation{t: t, q: q, saved: map[string]string{"HOST": q.Host()},
		client: &http.Client{Transport: proxied{address}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}}
	q.SetAutoPrune(features)
	q.SetImmutability(features)
	if features {
		o.scan()
	}
	return o
}

// proxied sends every request to one address, under the host that it is for.
type proxied struct{ to *url.URL }

func (p proxied) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host, r.URL.Scheme, r.URL.Host = r.URL.Host, p.to.Scheme, p.to.Host
	return http.DefaultTransport.RoundTrip(r)
}

// scan sets the scanner to what was told of it so far.
func (o *oracle) scan() {
	scanner := o.scanner
	scanner.Delay = 30 * time.Second
	report := maps.Clone(o.report)
	scanner.Verdict = func(_, dgst string) quaytest.Verdict {
		switch report[dgst] {
		case "failed":
			return quaytest.Verdict{Status: quaytest.ScanFailed}
		case "too-large":
			return quaytest.Verdict{Status: quaytest.LayerTooLarge}
		case "vulnerable":
			layer := "sha256:" + strings.Repeat("a", 64)
			return quaytest.Verdict{Packages: []quaytest.Package{
				{Name: "openssl", Version: "1.2-1", AddedBy: layer, Vulnerabilities: []quaytest.Vulnerability{{Name: "CVE-2026-0001",
					Severity: "High", FixedBy: "1.2-3", Description: "a hole", Updater: "debian/updater", Distribution: "Debian GNU/Linux",
					DistributionVersion: "12 (bookworm)",
					Link:                "https://security-tracker.debian.org/tracker/CVE-2026-0001 https://cve.example/CVE-2026-0001"}}},
				{Name: "bash", Version: "5", AddedBy: layer, Vulnerabilities: []quaytest.Vulnerability{{Name: "CVE-2026-0002", Severity: "High",
					Description: "a hole", Link: "https://cve.example/none", Updater: "osv/go", Score: 7.5, Distribution: "Debian GNU/Linux",
					DistributionVersion: "12 (bookworm)"}}}}}
		}
		return quaytest.Verdict{}
	}
	o.q.SetScanner(&scanner)
}

// happen does what a step says that is no request.
func (o *oracle) happen(s told) {
	switch s.Do {
	case "advance":
		o.q.Advance(time.Duration(s.Seconds) * time.Second)
	case "collect":
		o.q.CollectGarbage()
	case "prune":
		o.q.Prune()
	case "state":
		o.q.SetState(s.Repository, quaytest.State(s.State))
	case "quota":
		o.q.SetQuota(s.Organization, s.Bytes)
	case "scan":
		o.q.Advance(30 * time.Second)
		maps.Copy(o.report, s.Report)
		o.scan()
	case "unreachable", "reachable":
		o.scanner.Unreachable = s.Do == "unreachable"
		o.scan()
	default:
		o.t.Fatalf("%s: %q is nothing that happens", s.ID, s.Do)
	}
}

// times are the members of v that end in _ts, in order: the clock is the same on both sides.
func times(v any) []any {
	found := []any{}
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			found = append(found, times(item)...)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if strings.HasSuffix(key, "_ts") {
				found = append(found, key, v[key])
			}
			found = append(found, times(v[key])...)
		}
	}
	return found
}
