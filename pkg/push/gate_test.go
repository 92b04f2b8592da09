package push_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/reference"
)

const onSecurity = "/security$"

// openssl has one critical vulnerability, which a newer one mends, and zlib a high one, which none does.
var (
	openssl = quaytest.Package{Name: "openssl", Version: "1.1.1k-7", Vulnerabilities: []quaytest.Vulnerability{{Name: "CVE-2023-0286", Severity: "Critical", FixedBy: "1.1.1k-9"}}}
	zlib    = quaytest.Package{Name: "zlib", Version: "1.2.11", Vulnerabilities: []quaytest.Vulnerability{{Name: "CVE-2022-37434", Severity: "High"}}}
)

// gate has f push through a gate of the given severity, and Quay scan by s. Both are on one clock, which every question for a verdict
// moves by 30 seconds.
func (f *fixture) gate(severity string, s *quaytest.Scanner) {
	f.t.Helper()
	f.SetScanner(s)
	f.opts.Gate, f.opts.GatePause, f.opts.Now = severity, time.Millisecond, f.Now
	f.Faults.Add(quaytest.Fault{Name: "time passes", Path: onSecurity, Times: -1, Effect: quaytest.Do(func() { f.Advance(30 * time.Second) })})
}

// has is a scanner that takes delay and finds the same in everything.
func has(delay time.Duration, found ...quaytest.Package) *quaytest.Scanner {
	return &quaytest.Scanner{Delay: delay, Verdict: func(string, string) quaytest.Verdict { return quaytest.Verdict{Packages: found} }}
}

// says is a scanner with one status for everything.
func always(status quaytest.ScanStatus) *quaytest.Scanner {
	return &quaytest.Scanner{Verdict: func(string, string) quaytest.Verdict { return quaytest.Verdict{Status: status} }}
}

// An image that passes gets its tags after the verdict, and not before; what was found is told.
func TestGate(t *testing.T) {
	f := newFixture(t)
	f.gate("critical", has(20*time.Minute, zlib))
	f.opts.EvidenceDir = t.TempDir()
	early := 0
	f.Faults.Clear()
	f.Faults.Add(quaytest.Fault{Name: "time passes", Path: onSecurity, Times: -1, Effect: func(q *quaytest.Quay, w http.ResponseWriter, r *http.Request, next http.Handler) {
		f.Advance(30 * time.Second)
		early += len(f.Tags("team-a/app"))
		if agent := r.UserAgent(); agent != "push-image" {
			t.Errorf("the user agent is %q", agent)
		}
		next.ServeHTTP(w, r)
	}})
	result := f.push()
	if got := f.Tags("team-a/app"); got["v1"] != result.Digest || got[reference.Anchor(result.Digest)] != result.Digest || len(got) != 2 || early != 0 {
		t.Errorf("tags are %v, %d came early", got, early)
	}
	if n := f.count("GET", "/security"); n < 38 || n > 44 {
		t.Errorf("%d questions in 20 minutes", n)
	}
	if got := f.result("vulnerabilities"); got != `{"critical":0,"high":1,"medium":0,"low":0,"negligible":0,"unknown":0}` {
		t.Errorf("vulnerabilities are %s", got)
	}
	if got := f.result("vulnerabilities-worst"); got != `[{"package":"zlib","version":"1.2.11","severity":"high","name":"CVE-2022-37434","fixed-by":""}]` {
		t.Errorf("the worst are %s", got)
	}
	evidence, err := os.ReadFile(filepath.Join(f.opts.EvidenceDir, "vulnerabilities.json"))
	var got struct {
		Digest, Gate    string
		Vulnerabilities map[string]int
		Refusing        int
		Manifests       []struct {
			Digest, Status string
			Packages       int
		}
		Worst []struct{ Package string }
	}
	if err := errors.Join(err, json.Unmarshal(evidence, &got)); err != nil {
		t.Fatal(err)
	}
	if got.Digest != result.Digest || got.Gate != "critical" || got.Vulnerabilities["high"] != 1 || got.Refusing != 0 || len(got.Manifests) != 1 ||
		got.Manifests[0].Digest != result.Digest || got.Manifests[0].Status != "scanned" || got.Manifests[0].Packages != 1 || len(got.Worst) != 1 || got.Worst[0].Package != "zlib" {
		t.Errorf("the evidence is %s", evidence)
	}
	if log := f.log.String(); strings.Count(log, "the image passed the gate") != 1 || !strings.Contains(log, `"msg":"found a vulnerability","package":"zlib"`) {
		t.Errorf("the log is %s", log)
	}
}

// Without a gate nobody asks, and nothing is told.
func TestNoGate(t *testing.T) {
	f := newFixture(t)
	f.SetScanner(has(0, openssl))
	f.push()
	if _, err := os.Stat(filepath.Join(f.results, "vulnerabilities")); !errors.Is(err, os.ErrNotExist) || f.count("GET", "/security") != 0 {
		t.Errorf("there is a result, or a question: %v", err)
	}
}

// A refused image has no tag, whatever the reason, and each reason is a class of its own.
func TestGateRefuses(t *testing.T) {
	answers := func(status int, body string) func(f *fixture) {
		return func(f *fixture) {
			f.SetScanner(has(0))
			// The first question comes before anything is sent.
			f.Faults.Clear()
			f.Faults.Add(quaytest.Fault{Name: "answer", Path: onSecurity, Nth: 2, Times: -1, Effect: func(q *quaytest.Quay, w http.ResponseWriter, r *http.Request, next http.Handler) {
				f.Advance(time.Minute)
				quaytest.Status(status, http.Header{"Content-Type": {"application/json"}}, body)(q, w, r, next)
			}})
		}
	}
	for name, test := range map[string]struct {
		scanner *quaytest.Scanner
		edit    func(f *fixture)
		class   failure.Class
		says    []string
	}{
		"vulnerable": {has(time.Minute, zlib, openssl), nil, failure.ClassVulnerable,
			[]string{`gate "high" does not let through: 1 critical and 1 high; nothing was tagged`, "openssl 1.1.1k-7 has CVE-2023-0286 (critical), fixed by 1.1.1k-9; zlib 1.2.11 has CVE-2022-37434 (high), not fixed yet", "update openssl to 1.1.1k-9"}},
		"fixable":                {has(time.Minute, zlib, openssl), func(f *fixture) { f.opts.GateFixableOnly = true }, failure.ClassVulnerable, []string{`gate "high+fixable-only"`, ": 1 critical; nothing"}},
		"queued":                 {has(46 * time.Minute), nil, failure.ClassScanPending, []string{"within 45 minutes", `Quay says "queued" of manifest "sha256:`}},
		"queued, a shorter time": {has(6 * time.Minute), func(f *fixture) { f.opts.GateTimeout = 5 * time.Minute }, failure.ClassScanPending, []string{"within 5 minutes"}},
		"failed":                 {always(quaytest.ScanFailed), nil, failure.ClassScanFailed, []string{`Quay says "failed"`}},
		"unsupported":            {always(quaytest.Unsupported), nil, failure.ClassScanUnsupported, []string{"--gate-unsupported (param gate-unsupported)"}},
		"layer too large":        {always(quaytest.LayerTooLarge), func(f *fixture) { f.opts.GateUnsupported = "pass" }, failure.ClassScanLayerTooLarge, []string{"MAX_LAYER_SIZE"}},
		"off":                    {nil, nil, failure.ClassScannerOff, []string{"this Quay has no scanner; nothing was tagged", `401 Unauthorized "invalid_token" "Requires authentication"`, "FEATURE_SECURITY_SCANNER"}},
		"unreachable":            {&quaytest.Scanner{Unreachable: true}, nil, failure.ClassScannerAway, []string{"520", `"downstream_issue" "Connection error when trying to connect to security scanner endpoint: down"`}},
		"another status":         {nil, answers(200, `{"status":"passed","data":null}`), failure.ClassVerdictUnreadable, []string{`the status is "passed"`, "what cannot be read is not let through"}},
		"another shape":          {nil, answers(200, `{"status":"scanned","data":{"Layer":{"Features":[{"Name":"a","Version":"1"}]}}}`), failure.ClassVerdictUnreadable, []string{`a feature has no field "Vulnerabilities"`}},
		"a field twice":          {nil, answers(200, `{"status":"queued","status":"scanned","data":null}`), failure.ClassVerdictUnreadable, []string{`"status" twice`}},
		"a page":                 {nil, answers(200, `<html>Sign in</html>`), failure.ClassVerdictUnreadable, []string{"no JSON"}},
		"forgotten":              {nil, answers(404, `{"error_type":"not_found","error_message":"Not Found","status":404}`), failure.ClassNotVerified, []string{"Quay's API does not know"}},
		"a redirect": {nil, func(f *fixture) {
			f.SetScanner(has(0))
			f.Faults.Clear()
			f.Faults.Add(quaytest.Fault{Name: "redirect", Path: onSecurity, Times: -1, Effect: func(_ *quaytest.Quay, w http.ResponseWriter, r *http.Request, _ http.Handler) {
				http.Redirect(w, r, r.URL.Path+"/?vulnerabilities=true", http.StatusPermanentRedirect)
			}})
		}, failure.ClassScannerOff, []string{"is redirected to a web page"}},
		"a redirect elsewhere": {nil, func(f *fixture) {
			f.SetScanner(has(0))
			f.Faults.Clear()
			f.Faults.Add(quaytest.Fault{Name: "redirect", Path: onSecurity, Times: -1, Effect: func(_ *quaytest.Quay, w http.ResponseWriter, r *http.Request, _ http.Handler) {
				http.Redirect(w, r, "https://elsewhere.example.com/?token=s3cret", http.StatusFound)
			}})
		}, failure.ClassForeignHost, []string{"https://elsewhere.example.com"}},
		"no such path":       {nil, answers(404, ``), failure.ClassScannerOff, []string{"404"}},
		"credential refused": {nil, answers(401, `{"message":"Invalid token","error_type":"invalid_token"}`), failure.ClassCredentialRefused, []string{"Quay's API does not take robot", "Authorization header"}},
		"forbidden":          {nil, answers(403, `{"error_type":"insufficient_scope","error_message":"Unauthorized"}`), failure.ClassNoAccess, []string{"may not read the verdicts"}},
		"a firewall":         {nil, answers(403, `<html>Request blocked</html>`), failure.ClassProtocol, []string{"Request blocked"}},
		"busy":               {nil, answers(429, ``), failure.ClassRateLimited, []string{"asking for the verdict"}},
		"broken":             {nil, answers(502, ``), failure.ClassUnavailable, []string{"502"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.gate("high", test.scanner)
			if test.edit != nil {
				test.edit(f)
			}
			reason := f.fail(test.class)
			for _, part := range test.says {
				if !strings.Contains(reason.Error(), part) {
					t.Errorf("the error is %q, and does not say %q", reason, part)
				}
			}
			if test.class == failure.ClassScannerOff && name == "off" && f.count("POST", onUpload)+f.count("PUT", "/v2/") > 0 {
				t.Error("something was sent to a Quay that has no scanner")
			}
		})
	}
}

// What passes all the same: what does not count, what nobody can look into where that is allowed, and what comes right in time.
func TestGatePasses(t *testing.T) {
	for name, test := range map[string]struct {
		scanner *quaytest.Scanner
		edit    func(f *fixture)
		says    string
	}{
		"below":                     {has(0, zlib), func(f *fixture) { f.opts.Gate = "critical" }, "passed the gate"},
		"not fixable":               {has(0, zlib), func(f *fixture) { f.opts.GateFixableOnly = true }, "high+fixable-only"},
		"unsupported, where may be": {always(quaytest.Unsupported), func(f *fixture) { f.opts.GateUnsupported = "pass" }, "THE IMAGE WAS NOT SCANNED"},
		"nothing found":             {has(44 * time.Minute), nil, "the scanner found no package in it"},
		"away for a while": {has(0, zlib), func(f *fixture) {
			f.opts.Gate = "critical"
			f.Faults.Add(quaytest.Fault{Name: "away", Path: onSecurity, Nth: 2, Times: 20, Effect: quaytest.Status(503, nil, "")})
			f.Faults.Add(quaytest.Fault{Name: "cut off", Path: onSecurity, Nth: 22, Effect: quaytest.Truncate(100)})
		}, "asking for the verdict again"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			if test.edit == nil {
				test.edit = func(*fixture) {}
			}
			f.SetScanner(test.scanner)
			f.opts.Gate, f.opts.GatePause, f.opts.Now = "high", time.Millisecond, f.Now
			test.edit(f)
			f.Faults.Add(quaytest.Fault{Name: "time passes", Path: onSecurity, Times: -1, Effect: quaytest.Do(func() { f.Advance(30 * time.Second) })})
			result := f.push()
			if f.Tags("team-a/app")["v1"] != result.Digest || !strings.Contains(f.log.String(), test.says) {
				t.Errorf("tags are %v, and the log does not say %q", f.Tags("team-a/app"), test.says)
			}
		})
	}
}

// writeFailure writes the result of a failed push as the program does, and returns it with what the gate found.
func (f *fixture) writeFailure(err error) (failed, counts, worst string) {
	f.t.Helper()
	if err := push.WriteFailure(f.opts, err); err != nil {
		f.t.Fatal(err)
	}
	return f.result("failure"), f.result("vulnerabilities"), f.result("vulnerabilities-worst")
}

// The results of an image that was refused name package, version and fix, too; and so does the evidence.
func TestGateResultsOfARefusal(t *testing.T) {
	f := newFixture(t)
	f.gate("high", has(0, zlib, openssl))
	f.opts.EvidenceDir = t.TempDir()
	_, err := push.Push(t.Context(), f.opts)
	failed, counts, worst := f.writeFailure(err)
	if !strings.HasPrefix(failed, "QP501 vulnerable: ") || !strings.Contains(failed, "openssl 1.1.1k-7 has CVE-2023-0286 (critical), fixed by 1.1.1k-9") {
		t.Errorf("failure is %q", failed)
	}
	if counts != `{"critical":1,"high":1,"medium":0,"low":0,"negligible":0,"unknown":0}` || !strings.HasPrefix(worst, `[{"package":"openssl","version":"1.1.1k-7","severity":"critical","name":"CVE-2023-0286","fixed-by":"1.1.1k-9"},`) {
		t.Errorf("vulnerabilities are %s, the worst %s", counts, worst)
	}
	if evidence, err := os.ReadFile(filepath.Join(f.opts.EvidenceDir, "vulnerabilities.json")); err != nil || !strings.Contains(string(evidence), `"refusing": 2`) {
		t.Errorf("the evidence is %s, %v", evidence, err)
	}
	// The next run begins without them.
	f.opts.Gate = ""
	f.push()
	for _, path := range []string{filepath.Join(f.results, "vulnerabilities"), filepath.Join(f.results, "vulnerabilities-worst"), filepath.Join(f.opts.EvidenceDir, "vulnerabilities.json")} {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", path, err)
		}
	}
}

// Tekton keeps 4096 bytes of a step's results, as JSON: whatever names are in the image, and however long its repository's is, they fit.
func TestGateResultsFit(t *testing.T) {
	f := newFixture(t)
	repository := "team-a/" + strings.Repeat("x", 255-len(f.Host())-len("/team-a/"))
	f.AddRepository("team-a", strings.TrimPrefix(repository, "team-a/"))
	f.Grant(repository, "team-a+ci", quaytest.Write)
	f.opts.ImageRef, f.opts.Tags = f.Host()+"/"+repository, []string{strings.Repeat("v", 128)}
	var packages []quaytest.Package
	for i := range 30 {
		text := strings.Repeat(string("<\"\x01é"[i%5]), 100) + fmt.Sprint(i)
		packages = append(packages, quaytest.Package{Name: text, Version: text, Vulnerabilities: []quaytest.Vulnerability{{Name: text, Severity: "High", FixedBy: text}}})
	}
	size := func(names ...string) (total int) {
		type result struct {
			Key   string `json:"key"`
			Value string `json:"value"`
			Type  int    `json:"type"`
		}
		all := []result{{"StartedAt", "2026-11-29T20:58:49.000Z", 3}, {"ExitCode", "70", 3}}
		for _, name := range names {
			all = append(all, result{name, f.result(name), 1})
		}
		text, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return len(text)
	}
	f.gate("critical", has(0, packages...))
	f.push()
	if n := size("IMAGE_URL", "IMAGE_DIGEST", "image-digest", "image-ref", "image-pinned", "overlay-image", "pushed-bytes", "vulnerabilities", "vulnerabilities-worst"); n > 4096 {
		t.Errorf("the results of a push have %d bytes", n)
	}
	f.opts.Gate = "high"
	_, err := push.Push(t.Context(), f.opts)
	failed, _, _ := f.writeFailure(err)
	if n := size("failure", "vulnerabilities", "vulnerabilities-worst"); n > 4096 || len(failed) > 512 || failure.Of(err).Class != failure.ClassVulnerable {
		t.Errorf("the results of a failure have %d bytes: %v", n, err)
	}
	// With names of usual lengths all ten are there.
	f.SetScanner(has(0, quaytest.Package{Name: "openssl-libs", Version: "1:1.1.1k-7.el8_6", Vulnerabilities: tenOf("CVE-2026-1234", "1:1.1.1k-12.el8_9")}))
	_, err = push.Push(t.Context(), f.opts)
	if _, _, worst := f.writeFailure(err); strings.Count(worst, "openssl-libs") < 9 || size("failure", "vulnerabilities", "vulnerabilities-worst") > 4096 {
		t.Errorf("the worst are %s", worst)
	}
}

// tenOf are vulnerabilities that differ by the end of their name.
func tenOf(name, fixedBy string) (all []quaytest.Vulnerability) {
	for i := range 10 {
		all = append(all, quaytest.Vulnerability{Name: fmt.Sprint(name, i), Severity: "Critical", FixedBy: fixedBy})
	}
	return all
}

// A tag that has the digest is no reason not to look; it stays where it is, and the run fails and says so.
func TestGateLooksAgain(t *testing.T) {
	f := newFixture(t)
	result := f.push()
	remove(t, filepath.Join(f.results, "IMAGE_URL"))
	f.gate("high", has(0, openssl))
	f.SetRepositoryImmutable("team-a/app", true)
	before := f.count("PUT", "/v2/")
	f.opts.Tags = []string{"v1"}
	_, err := push.Push(t.Context(), f.opts)
	reason := failure.Of(err)
	if reason.Class != failure.ClassVulnerable || !strings.Contains(reason.Problem, "nothing was tagged now, but it keeps the tags it had before: v1, "+reference.Anchor(result.Digest)) || !strings.HasPrefix(reason.Next, "delete these tags in Quay") {
		t.Errorf("pushing = %v", err)
	}
	if f.Tags("team-a/app")["v1"] != result.Digest || f.count("PUT", "/v2/") != before {
		t.Errorf("tags are %v, with %d writes", f.Tags("team-a/app"), f.count("PUT", "/v2/")-before)
	}
	f.SetScanner(has(0, zlib))
	f.opts.Gate = "critical"
	f.push()
	if n := f.count("PUT", "/v2/"); n != before {
		t.Errorf("%d writes for what is there", n-before)
	}
}

// Who set the tag while the verdict was waited for is newer, and keeps it; one who set it to the same is no hindrance.
func TestGateLeavesATagThatMoved(t *testing.T) {
	for _, test := range []struct {
		name  string
		other func(f *fixture) push.Options
		class failure.Class
	}{
		{"another image", func(f *fixture) push.Options { return newLayoutPush(t, f) }, failure.ClassTagMoved},
		{"the same image", func(f *fixture) push.Options { return f.opts }, failure.Class{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			f.gate("high", has(20*time.Minute))
			other := test.other(f)
			other.Gate, other.ResultsDir, other.LogOutput = "", "", nil
			f.Faults.Clear()
			f.Faults.Add(quaytest.Fault{Name: "another run", Path: onSecurity, Nth: 5, Effect: quaytest.Do(func() {
				f.Advance(time.Hour / 2)
				if _, err := push.Push(t.Context(), other); err != nil {
					t.Error(err)
				}
			})})
			_, err := push.Push(t.Context(), f.opts)
			if test.class == (failure.Class{}) {
				if err != nil {
					t.Errorf("pushing = %v", err)
				}
				return
			}
			if reason := failure.Of(err); reason.Class != test.class || !strings.Contains(err.Error(), `set or deleted tag "v1" while this one waited`) {
				t.Errorf("pushing = %v", err)
			}
			if theirs, err := push.Push(t.Context(), other); err != nil || f.Tags("team-a/app")["v1"] != theirs.Digest {
				t.Errorf("tags are %v, %v", f.Tags("team-a/app"), err)
			}
		})
	}
}

// A run that is cancelled while it waits, or whose time is over, leaves no tag.
func TestGateIsCancelled(t *testing.T) {
	f := newFixture(t)
	f.gate("high", has(time.Hour))
	ctx, cancel := context.WithCancel(t.Context())
	f.Faults.Add(quaytest.Fault{Name: "cancelled", Method: "PUT", Path: onManifest, Effect: quaytest.Do(func() { time.AfterFunc(50*time.Millisecond, cancel) })})
	f.opts.GateTimeout = 1000 * time.Hour
	f.SetScanner(has(1000 * time.Hour))
	_, err := push.Push(ctx, f.opts)
	if reason := failure.Of(err); reason.Class != failure.ClassCancelled {
		t.Errorf("pushing = %v", err)
	}
	f.opts.GateTimeout, f.opts.Timeout = 200*time.Millisecond, 300*time.Millisecond
	f.opts.Now = func() time.Time { return time.Unix(1_800_000_000, 0) }
	if _, err := push.Push(t.Context(), f.opts); failure.Of(err).Class != failure.ClassTimeout {
		t.Errorf("pushing = %v", err)
	}
	if tags := f.Tags("team-a/app"); len(tags) > 0 {
		t.Errorf("tags are %v", tags)
	}
}

// The credential for the verdict is the robot's, also one that Quay exchanged.
func TestGateOfAFederatedPush(t *testing.T) {
	f := newFixture(t)
	f.federate()
	f.gate("high", has(time.Minute))
	result := f.push()
	if f.Tags("team-a/app")["v1"] != result.Digest || f.count("GET", "/security") < 2 {
		t.Errorf("tags are %v after %d questions", f.Tags("team-a/app"), f.count("GET", "/security"))
	}
}

func TestGateFlags(t *testing.T) {
	f := newFixture(t)
	for says, edit := range map[string]func(o *push.Options){
		`--gate (param gate): "none" is no severity of a gate: negligible, low, medium, high, critical`:                                               func(o *push.Options) { o.Gate = "none" },
		`--gate-unsupported (param gate-unsupported): "ignore" is not fail or pass`:                                                                   func(o *push.Options) { o.GateUnsupported = "ignore" },
		"--gate-timeout (param gate-timeout) is negative":                                                                                             func(o *push.Options) { o.GateTimeout = -1 },
		"--gate-timeout (param gate-timeout) is 45m0s, and --timeout, which is for all of the push, 30m0s":                                            func(o *push.Options) { o.Gate, o.Timeout = "low", 30*time.Minute },
		"and --timeout, which is for all of the push, 45m0s":                                                                                          func(o *push.Options) { o.Gate, o.Timeout = "low", 45*time.Minute },
		"--gate-fixable-only (param gate-fixable-only) and --gate-unsupported (param gate-unsupported) are for --gate (param gate), which is missing": func(o *push.Options) { o.GateFixableOnly = true },
		"are for --gate (param gate), which is missing":                                                                                               func(o *push.Options) { o.GateUnsupported = "pass" },
	} {
		opts := f.opts
		edit(&opts)
		if _, err := push.Push(t.Context(), opts); failure.Of(err).Class != failure.ClassUsage || !strings.Contains(err.Error(), says) {
			t.Errorf("pushing = %v, want %s", err, says)
		}
	}
	if n := len(f.Requests()); n > 0 {
		t.Errorf("%d requests", n)
	}
	// What the Tasks say without a gate is taken, and means nothing.
	f.opts.GateFixableOnly, f.opts.GateUnsupported, f.opts.Timeout = false, "fail", time.Minute
	f.push()
}
