package push_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/oidctest"
	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

const (
	onExchange = "^/oauth2/federation/robot/token$"
	subject    = "repo:team-a/app:ref:refs/heads/main"
)

// jwt is a token of whatever kind, or the better part of one.
var jwt = regexp.MustCompile(`eyJ[\w-]{20,}`)

// federate has f push with a token of an issuer that the robot trusts, and with nothing else: its own token is known to nobody.
func (f *fixture) federate() *oidctest.Issuer {
	f.t.Helper()
	f.t.Setenv("DOCKER_CONFIG", "")
	issuer := oidctest.Start(f.t)
	f.TrustIssuers(issuer.Authorities())
	f.SetFederation("team-a+ci", quaytest.Federation{Issuer: issuer.URL(), Subject: subject})
	f.RegenerateRobot("team-a+ci")
	f.opts.Dockerconfig, f.opts.Robot = "", "team-a+ci"
	f.opts.FederatedTokenFile = filepath.Join(f.t.TempDir(), "token")
	f.hand(issuer.Token(subject))
	f.t.Cleanup(func() {
		if found := jwt.FindString(f.log.String()); found != "" {
			f.t.Errorf("the log has a token: %s", found)
		}
	})
	return issuer
}

// hand writes the token that CI gives to the push, as a shell does.
func (f *fixture) hand(token string) { write(f.t, f.opts.FederatedTokenFile, []byte(token+"\n")) }

// A push needs no stored token: it buys one with that of CI, once, and sends the image by digest with it.
func TestFederatedPush(t *testing.T) {
	f := newFixture(t)
	f.federate()
	f.opts.EvidenceDir = t.TempDir()
	result := f.push()
	if got := f.Tags("team-a/app")["v1"]; got != result.Digest {
		t.Errorf("tag v1 is %q, want %q", got, result.Digest)
	}
	if got, want := f.result("image-pinned"), f.Host()+"/team-a/app@"+result.Digest; got != want {
		t.Errorf("image-pinned is %q, want %q", got, want)
	}
	if n := f.count("GET", "/oauth2/federation"); n != 1 {
		t.Errorf("%d exchanges, want 1", n)
	}
	for _, r := range f.Requests() {
		if r.Robot != "" && r.Robot != "team-a+ci" {
			t.Errorf("%s %s came from %q", r.Method, r.Path, r.Robot)
		}
	}
	evidence, err := os.ReadFile(filepath.Join(f.opts.EvidenceDir, "evidence.json"))
	if err != nil || !strings.Contains(string(evidence), `"robot": "team-a+ci"`) || jwt.Match(evidence) {
		t.Errorf("the evidence is %s, %v", evidence, err)
	}
	if log := f.log.String(); !strings.Contains(log, `"msg":"exchanged the token of the issuer for one of the robot","robot":"team-a+ci","ends":"`) {
		t.Errorf("the log is %s", log)
	}
}

// A push of more than an hour reads the file again, which has another token by then, and exchanges that.
func TestFederatedPushRenews(t *testing.T) {
	f := newFixture(t)
	issuer := f.federate()
	late := f.clock()
	f.Faults.Add(quaytest.Fault{Name: "70 minutes pass", Method: "PUT", Path: onUpload, Effect: quaytest.Do(func() {
		f.pass(late, 70*time.Minute)
		claims := issuer.Claims(subject)
		claims["iat"], claims["exp"] = f.Now().Unix(), f.Now().Add(10*time.Minute).Unix()
		f.hand(oidctest.Sign(oidctest.RS384, claims))
	})})
	result := f.push()
	if got := f.Tags("team-a/app")["v1"]; got != result.Digest {
		t.Errorf("tag v1 is %q, want %q", got, result.Digest)
	}
	if n := f.count("GET", "/oauth2/federation"); n != 2 {
		t.Errorf("%d exchanges, want 2", n)
	}
	for _, r := range f.Requests() {
		if r.Status == 500 {
			t.Errorf("Quay tripped over %s %s: it was given a token that had ended", r.Method, r.Path)
		}
	}
}

// clock has the push see a time that can be moved on.
func (f *fixture) clock() *atomic.Int64 {
	late := &atomic.Int64{}
	f.opts.Now = func() time.Time { return time.Now().Add(time.Duration(late.Load())) }
	return late
}

// pass moves both clocks on.
func (f *fixture) pass(late *atomic.Int64, d time.Duration) {
	f.Advance(d)
	late.Add(int64(d))
}

// Where Quay exchanges nothing, the token from before goes on until its end.
func TestFederatedPushWhileQuayIsAway(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		later  time.Duration
		class  failure.Class
	}{
		"away, before the end":    {503, 52 * time.Minute, failure.Class{}},
		"away, after the end":     {503, 70 * time.Minute, failure.ClassUnavailable},
		"refused, before the end": {400, 52 * time.Minute, failure.Class{}},
		"refused, after the end":  {400, 70 * time.Minute, failure.ClassProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.federate()
			late := f.clock()
			f.Faults.Add(quaytest.Fault{Name: "no exchange", Path: onExchange, Nth: 2, Times: -1, Effect: quaytest.Status(test.status, nil, "")},
				quaytest.Fault{Name: "time passes", Method: "PUT", Path: onUpload, Effect: quaytest.Do(func() { f.pass(late, test.later) })})
			if test.class != (failure.Class{}) {
				f.fail(test.class)
				return
			}
			f.push()
			if log := f.log.String(); !strings.Contains(log, "going on with the token that Quay exchanged before") {
				t.Errorf("the log is %s", log)
			}
		})
	}
}

// An image of the same Quay is read with the same credential, and mounted.
func TestFederatedPushFromTheSameQuay(t *testing.T) {
	f := newFixture(t)
	image := within(t, f, "team-a/base")
	f.federate()
	f.Grant("team-a/base", "team-a+ci", quaytest.Read)
	if result := f.push(); result.Digest != image.Digest || result.SentBytes != 0 {
		t.Errorf("Push = %s with %d bytes sent, want %s and none", result.Digest, result.SentBytes, image.Digest)
	}
	if n := f.count("GET", "/oauth2/federation"); n != 1 {
		t.Errorf("%d exchanges, want 1", n)
	}
}

// An image of elsewhere needs a credential of its own: Quay's is for Quay.
func TestFederatedPushFromElsewhere(t *testing.T) {
	f := newFixture(t)
	f.federate()
	f.opts.Source = "docker://registry.example.com/base/app"
	if reason := f.fail(failure.ClassNoCredential); !strings.Contains(reason.Next, "--source-dockerconfig") {
		t.Errorf("the next step is %q", reason.Next)
	}
	if n := len(f.Requests()); n > 0 {
		t.Errorf("%d requests", n)
	}
}

// A rehearsal exchanges, too: it shows that a push would have its credential.
func TestFederatedPreflight(t *testing.T) {
	f := newFixture(t)
	f.federate()
	f.opts.Preflight = true
	f.push()
	if got := f.Tags("team-a/app"); len(got) > 0 {
		t.Errorf("tags are %v", got)
	}
	if n := f.count("GET", "/oauth2/federation"); n != 1 {
		t.Errorf("%d exchanges, want 1", n)
	}
}
