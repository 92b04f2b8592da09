package cli_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/internal/receipttest"
	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/receipt"
)

// asked is a working copy whose dev has a digest that is in Quay, and what is known of that digest there.
type asked struct {
	*world
	store         receipt.Store
	digest        string
	key, stranger receipt.Key
	// scanner is what Quay's scanner answers; status 0: Quay has none.
	status  int
	scanner string
}

const (
	devOverlay = "apps/payments/checkout/overlays/dev"
	stgFile    = "apps/payments/checkout/overlays/stg/kustomization.yaml"
	scannedOf  = `{"status":"scanned","data":{"Layer":{"Name":"x","NamespaceName":"","ParentName":"","IndexedByVersion":4,"Features":[` +
		`{"Name":"openssl","VersionFormat":"","NamespaceName":"","AddedBy":"","Version":"3.0","BaseScores":[],"CVEIds":[],"Vulnerabilities":[` +
		`{"Severity":%q,"NamespaceName":"","Link":"","FixedBy":"3.1","Description":"","Name":"CVE-1","Metadata":{}}]}]}}}`
)

func newAsked(t *testing.T) *asked {
	t.Helper()
	w := newWorld(t)
	key, _, public := receipttest.NewKey(t)
	stranger, _, _ := receipttest.NewKey(t)
	a := &asked{world: w, key: key, stranger: stranger}
	token := w.quay.AddRobot("team-payments", "ci")
	w.quay.Grant("team-payments/app", "team-payments+ci", quaytest.Write)
	a.store = receipt.Store{Repository: w.quay.Host() + "/team-payments/app", Options: []remote.Option{
		remote.WithTransport(w.quay.Client().Transport), remote.WithAuth(&authn.Basic{Username: "team-payments+ci", Password: token})}}
	a.digest = a.push("v1")
	clone(t)
	a.pin(a.digest)
	a.file("key.pub", public)
	a.file("config.json", w.quay.Dockerconfig("team-payments+ci"))
	w.quay.Faults.Add(quaytest.Fault{Name: "scanner", Times: -1, Effect: func(_ *quaytest.Quay, rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if !strings.HasSuffix(r.URL.Path, "/security") || a.status == 0 {
			next.ServeHTTP(rw, r)
			return
		}
		if user, _, ok := r.BasicAuth(); !ok || user != "team-payments+ci" {
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		rw.WriteHeader(a.status)
		fmt.Fprint(rw, a.scanner)
	}})
	return a
}

func (a *asked) file(name string, content []byte) {
	a.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		a.Fatal(err)
	}
}

// pin has all overlays be of the image in Quay, and dev pin digest.
func (a *asked) pin(digest string) {
	a.Helper()
	for _, path := range []string{"base/deployment.yaml", "overlays/dev/kustomization.yaml", "overlays/stg/kustomization.yaml", "overlays/prd/kustomization.yaml"} {
		path = filepath.Join("apps/payments/checkout", path)
		content, err := os.ReadFile(path)
		if err != nil {
			a.Fatal(err)
		}
		text := strings.ReplaceAll(string(content), overlayImage, a.store.Repository)
		if strings.Contains(path, "dev") {
			text = strings.ReplaceAll(text, "sha256:REPLACED_BY_CI", digest)
		}
		a.file(path, []byte(text))
	}
}

func (a *asked) push(tag string) string {
	a.Helper()
	content, err := random.Image(100, 1)
	if err != nil {
		a.Fatal(err)
	}
	ref, err := name.NewTag(a.store.Repository + ":" + tag)
	if err != nil {
		a.Fatal(err)
	}
	if err := remote.Write(ref, content, a.store.Options...); err != nil {
		a.Fatal(err)
	}
	digest, err := content.Digest()
	if err != nil {
		a.Fatal(err)
	}
	return digest.String()
}

// certify writes a receipt of digest, as the controller would.
func (a *asked) certify(digest string, by receipt.Key, edit func(s *receipt.Statement)) {
	a.Helper()
	s, err := receipt.New(a.store.Repository, digest, receipt.Predicate{Team: "payments", Rule: "namespace-label", Time: a.quay.Now(), Run: receipt.Run{UID: "u-1"}})
	if err != nil {
		a.Fatal(err)
	}
	at := s
	if edit != nil {
		edit(&s)
	}
	data, err := receipt.Sign(context.Background(), s, by)
	if err == nil {
		at.Subject[0].Digest = map[string]string{"sha256": strings.TrimPrefix(a.digest, "sha256:")}
		_, err = a.store.Write(context.Background(), at, data)
	}
	if err != nil {
		a.Fatal(err)
	}
}

// promote promotes dev with the flags, and returns what was printed. It must have written stg, or not.
func (a *asked) promote(t *testing.T, want cli.Exit, flags ...string) (stderr string) {
	t.Helper()
	before, err := os.ReadFile(stgFile)
	if err != nil {
		t.Fatal(err)
	}
	exit, _, stderr := a.run(t.Context(), "", append([]string{"overlay", "promote", devOverlay, "--to", "stg", "--dockerconfig", "config.json"}, flags...)...)
	after, err := os.ReadFile(stgFile)
	if err != nil {
		t.Fatal(err)
	}
	if exit != want || (string(before) != string(after)) != (want == cli.ExitOK) {
		t.Errorf("exit %d, want %d; stg changed: %v; %s", exit, want, string(before) != string(after), stderr)
	}
	return stderr
}

// A digest with a receipt is promoted, and verified where it would run.
func TestPromoteWithReceipt(t *testing.T) {
	a := newAsked(t)
	a.certify(a.digest, a.stranger, nil)
	a.certify(a.digest, a.key, nil)
	a.promote(t, cli.ExitOK, "--receipt-key", "key.pub")
	for _, env := range []string{"dev", "stg"} {
		exit, stdout, stderr := a.run(t.Context(), "", "overlay", "verify", "apps/payments/checkout/overlays/"+env, "--receipt-key", "key.pub", "--dockerconfig", "config.json")
		if exit != cli.ExitOK || !strings.Contains(stdout, "nothing is wrong") {
			t.Errorf("%s: exit %d, %s%s", env, exit, stdout, stderr)
		}
	}
}

// What is no valid receipt of the digest, by a push of the team, promotes nothing, and verify finds it.
func TestPromoteWithoutReceipt(t *testing.T) {
	for name, test := range map[string]struct {
		leave func(a *asked)
		says  string
	}{
		"none":            {func(*asked) {}, "has no receipt"},
		"another key":     {func(a *asked) { a.certify(a.digest, a.stranger, nil) }, "another key has signed it"},
		"another image's": {func(a *asked) { a.certify(a.push("v2"), a.key, nil) }, "and not about " + "sha256:"},
		"another repo's": {func(a *asked) {
			a.certify(a.digest, a.key, func(s *receipt.Statement) {
				s.Subject = []receipt.Subject{{Name: a.quay.Host() + "/team-platform/app", Digest: s.Subject[0].Digest}}
			})
		}, "not about repository"},
		"another team's": {func(a *asked) {
			a.certify(a.digest, a.key, func(s *receipt.Statement) { s.Predicate.Team = "platform" })
		}, `team "platform" pushed it`},
		"something else's": {func(a *asked) {
			a.certify(a.digest, a.key, func(s *receipt.Statement) { s.PredicateType = "https://slsa.dev/provenance/v1" })
		}, "no push receipt"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAsked(t)
			test.leave(a)
			if stderr := a.promote(t, cli.ExitRefused, "--receipt-key", "key.pub"); !strings.Contains(stderr, test.says) || !strings.Contains(stderr, "(no-receipt)") {
				t.Errorf("it does not say %q: %s", test.says, stderr)
			}
			exit, stdout, stderr := a.run(t.Context(), "", "overlay", "verify", devOverlay, "--receipt-key", "key.pub", "--dockerconfig", "config.json")
			if exit != cli.ExitFindings || !strings.Contains(stdout, "no-receipt") {
				t.Errorf("verify: exit %d, %s%s", exit, stdout, stderr)
			}
			a.promote(t, cli.ExitOK) // Without the flag nobody asks.
		})
	}
}

// A registry that does not answer is no proof of anything.
func TestPromoteWhileRegistryIsAway(t *testing.T) {
	a := newAsked(t)
	a.certify(a.digest, a.key, nil)
	a.quay.Faults.Clear()
	a.quay.Faults.Add(quaytest.Fault{Name: "down", Times: -1, Effect: func(_ *quaytest.Quay, rw http.ResponseWriter, _ *http.Request, _ http.Handler) {
		rw.WriteHeader(http.StatusServiceUnavailable)
	}})
	if stderr := a.promote(t, cli.ExitFailure, "--receipt-key", "key.pub"); !strings.Contains(stderr, "503") || !strings.Contains(stderr, "see whether") {
		t.Error(stderr)
	}
}

// Quay is asked for its verdict now; where it has none, that of the gate counts while it is young.
func TestPromoteWithVerdict(t *testing.T) {
	critical := func(age time.Duration, counts map[string]int) func(a *asked) {
		return func(a *asked) {
			a.certify(a.digest, a.key, func(s *receipt.Statement) {
				s.Predicate.Verdict = &receipt.Verdict{Time: a.quay.Now().Add(-age), Counts: counts}
			})
		}
	}
	bare := func(a *asked) { a.certify(a.digest, a.key, nil) }
	week, high := []string{"--verdict-within", "168h"}, []string{"--verdict-within", "168h", "--gate", "high"}
	withKey := func(flags []string) []string { return append([]string{"--receipt-key", "key.pub"}, flags...) }
	for name, test := range map[string]struct {
		leave   func(a *asked)
		status  int
		scanner string
		flags   []string
		exit    cli.Exit
		says    string
	}{
		"scanned":                           {bare, 200, fmt.Sprintf(scannedOf, "Critical"), week, cli.ExitOK, ""},
		"scanned, low":                      {bare, 200, fmt.Sprintf(scannedOf, "Low"), high, cli.ExitOK, ""},
		"scanned, unknown":                  {bare, 200, fmt.Sprintf(scannedOf, "Unknown"), high, cli.ExitOK, ""},
		"scanned, high":                     {bare, 200, fmt.Sprintf(scannedOf, "High"), high, cli.ExitRefused, "has 1 vulnerability of severity high or worse (vulnerable)"},
		"scanned, a new word":               {bare, 200, fmt.Sprintf(scannedOf, "Terrible"), high, cli.ExitRefused, "(vulnerable)"},
		"queued":                            {bare, 200, `{"status":"queued","data":null}`, week, cli.ExitRefused, `says "queued"`},
		"unsupported":                       {bare, 200, `{"status":"unsupported","data":null}`, week, cli.ExitRefused, `says "unsupported"`},
		"no JSON":                           {bare, 200, `<html>`, week, cli.ExitRefused, "cannot be read"},
		"scanner away":                      {bare, 520, ``, week, cli.ExitRefused, "520 (it does not reach its scanner)"},
		"no scanner":                        {bare, 404, ``, week, cli.ExitRefused, "404 Not Found"},
		"no scanner, no right":              {bare, 401, ``, week, cli.ExitRefused, "401 Unauthorized (the robot may not read it, or FEATURE_SECURITY_SCANNER is off)"},
		"away, the gate's is young":         {critical(24*time.Hour, map[string]int{"high": 0, "low": 3}), 520, ``, withKey(high), cli.ExitOK, ""},
		"away, and nobody asks it":          {critical(24*time.Hour, map[string]int{"high": 0}), 520, ``, high, cli.ExitRefused, "(no-verdict)"},
		"away, the gate's is old":           {critical(169*time.Hour, map[string]int{"high": 0}), 520, ``, withKey(high), cli.ExitRefused, "none of a gate within 7 days"},
		"away, the gate saw some":           {critical(24*time.Hour, map[string]int{"high": 2}), 520, ``, withKey(high), cli.ExitRefused, "2 vulnerabilities"},
		"away, no gate was set":             {bare, 520, ``, withKey(week), cli.ExitRefused, "(no-verdict)"},
		"what is new since the gate":        {critical(time.Hour, map[string]int{"high": 0}), 200, fmt.Sprintf(scannedOf, "High"), withKey(high), cli.ExitRefused, "(vulnerable)"},
		"queued again, the gate's is young": {critical(24*time.Hour, map[string]int{"high": 0}), 200, `{"status":"queued","data":null}`, withKey(high), cli.ExitOK, ""},
		"away, the gate did not see it": {func(a *asked) {
			a.certify(a.digest, a.key, func(s *receipt.Statement) {
				s.Predicate.Verdict = &receipt.Verdict{Time: a.quay.Now().Add(-time.Hour), Unsupported: 1}
			})
		}, 520, ``, withKey(high), cli.ExitRefused, "(no-verdict)"},
		// An older receipt has counts of 0 where the gate let pass what the scanner cannot look into.
		"unsupported, the gate let it pass": {critical(24*time.Hour, map[string]int{"high": 0}), 200, `{"status":"unsupported","data":null}`, withKey(high), cli.ExitRefused, `says "unsupported"`},
		"too large, the gate let it pass":   {critical(24*time.Hour, map[string]int{"high": 0}), 200, `{"status":"manifest_layer_too_large","data":null}`, withKey(high), cli.ExitRefused, "(no-verdict)"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAsked(t)
			a.status, a.scanner = test.status, test.scanner
			test.leave(a)
			if stderr := a.promote(t, test.exit, test.flags...); !strings.Contains(stderr, test.says) {
				t.Errorf("it does not say %q: %s", test.says, stderr)
			}
		})
	}
}

// What Quay says now of one platform is not outdone by what it said at the gate, though another one waits in its queue again, or is none
// that it can look into.
func TestPromoteWithHalfAVerdict(t *testing.T) {
	for _, status := range []string{"queued", "unsupported"} {
		for severity, exit := range map[string]cli.Exit{"Critical": cli.ExitRefused, "Low": map[string]cli.Exit{"queued": cli.ExitOK, "unsupported": cli.ExitRefused}[status]} {
			a := newAsked(t)
			made, err := random.Index(100, 1, 2)
			if err != nil {
				t.Fatal(err)
			}
			digest, err := made.Digest()
			if err != nil {
				t.Fatal(err)
			}
			list, err := made.IndexManifest()
			if err != nil {
				t.Fatal(err)
			}
			ref, err := name.NewTag(a.store.Repository + ":two")
			if err != nil {
				t.Fatal(err)
			}
			if err := remote.WriteIndex(ref, made, a.store.Options...); err != nil {
				t.Fatal(err)
			}
			dev := "apps/payments/checkout/overlays/dev/kustomization.yaml"
			text, err := os.ReadFile(dev)
			if err != nil {
				t.Fatal(err)
			}
			a.file(dev, []byte(strings.ReplaceAll(string(text), a.digest, digest.String())))
			a.digest = digest.String()
			a.certify(a.digest, a.key, func(s *receipt.Statement) {
				s.Predicate.Verdict = &receipt.Verdict{Time: a.quay.Now().Add(-time.Hour), Counts: map[string]int{"high": 0}}
			})
			a.quay.Faults.Clear()
			a.quay.Faults.Add(quaytest.Fault{Name: "scanner", Times: -1, Effect: func(_ *quaytest.Quay, rw http.ResponseWriter, r *http.Request, next http.Handler) {
				switch {
				case !strings.HasSuffix(r.URL.Path, "/security"):
					next.ServeHTTP(rw, r)
				case strings.Contains(r.URL.Path, list.Manifests[0].Digest.String()):
					fmt.Fprintf(rw, `{"status":%q,"data":null}`, status)
				default:
					fmt.Fprintf(rw, scannedOf, severity)
				}
			}})
			stderr := a.promote(t, exit, "--receipt-key", "key.pub", "--verdict-within", "168h", "--gate", "high")
			if severity == "Critical" && !strings.Contains(stderr, "(vulnerable)") {
				t.Errorf("%s, %s: %s", status, severity, stderr)
			}
		}
	}
}

// Each wrong flag says so, and has its next step.
func TestDemandFlags(t *testing.T) {
	a := newAsked(t)
	a.file("empty", nil)
	for name, test := range map[string]struct {
		flags []string
		says  string
	}{
		"a gate alone":        {[]string{"--gate", "high"}, "--gate is given without --verdict-within"},
		"a wrong gate":        {[]string{"--gate", "huge", "--verdict-within", "1h"}, "--gate: "},
		"a negative age":      {[]string{"--verdict-within", "-1h"}, "--verdict-within is -1h0m0s"},
		"no such key":         {[]string{"--receipt-key", "none"}, "--receipt-key: "},
		"a key that is none":  {[]string{"--receipt-key", "empty"}, "no PEM block PUBLIC KEY"},
		"a dockerconfig none": {[]string{"--receipt-key", "key.pub", "--dockerconfig", "empty"}, "--dockerconfig: "},
	} {
		exit, _, stderr := a.run(t.Context(), "", append([]string{"overlay", "promote", devOverlay, "--to", "stg"}, test.flags...)...)
		if exit != cli.ExitUsage || !strings.Contains(stderr, test.says) || !strings.Contains(stderr, "\nnext: ") {
			t.Errorf("%s: exit %d, %s", name, exit, stderr)
		}
	}
}
