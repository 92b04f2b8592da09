package credential_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/oidctest"
	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/federation"
	"github.com/comptech-lab/quay-push/pkg/push/credential"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

const (
	robot   = "team-a+ci"
	subject = "system:serviceaccount:payments:pusher"
)

// fixture is a Quay whose robot trusts an issuer, and a credential that comes from both.
type fixture struct {
	*quaytest.Quay
	issuer *oidctest.Issuer
	*credential.Federated
	late time.Duration
	log  bytes.Buffer
}

func start(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{Quay: quaytest.Start(t), issuer: oidctest.Start(t)}
	f.AddOrganization("team-a")
	f.AddRobot("team-a", "ci")
	f.TrustIssuers(f.issuer.Authorities())
	f.SetFederation(robot, quaytest.Federation{Issuer: f.issuer.URL(), Subject: subject})
	base, err := url.Parse(f.URL())
	if err != nil {
		t.Fatal(err)
	}
	f.Federated = &credential.Federated{Robot: robot, File: filepath.Join(t.TempDir(), "token"), Log: slog.New(slog.NewTextHandler(&f.log, nil)),
		Now:       func() time.Time { return time.Now().Add(f.late) },
		Exchanger: federation.Exchanger{Client: f.Client(), Base: base, Pause: time.Millisecond}}
	f.hand(t, f.issuer.Token(subject))
	return f
}

// hand writes the issuer's token into the file.
func (f *fixture) hand(t *testing.T, token string) {
	t.Helper()
	if err := os.WriteFile(f.File, []byte("\n"+token+"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// get returns the header of the credential.
func (f *fixture) get(t *testing.T) secret.Value {
	t.Helper()
	c, err := f.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c.Username != robot {
		t.Errorf("the credential is that of %q", c.Username)
	}
	return c.Authorization()
}

// One exchange serves until it is time for the next; that takes what is in the file then.
func TestFederatedIsRenewed(t *testing.T) {
	f := start(t)
	first := f.get(t)
	f.hand(t, "not looked at yet")
	f.late = 49 * time.Minute
	if !f.get(t).Equal(first) || len(f.Requests()) != 1 {
		t.Errorf("after 49 minutes there were %d exchanges", len(f.Requests()))
	}
	f.late = 51 * time.Minute
	f.hand(t, f.issuer.Token(subject))
	f.Advance(time.Second) // Two tokens of one second are the same.
	second := f.get(t)
	if second.Equal(first) || len(f.Requests()) != 2 {
		t.Errorf("after 51 minutes there were %d exchanges", len(f.Requests()))
	}
	if !f.get(t).Equal(second) || len(f.Requests()) != 2 {
		t.Error("the second token does not last")
	}
	for _, want := range []string{first.Reveal(), second.Reveal()} {
		echo := want
		for _, value := range f.Secrets() {
			echo = value.Redact(echo)
		}
		if echo != "Basic "+secret.Mark {
			t.Errorf("an echo of a credential is told as %q", echo)
		}
	}
	if log := f.log.String(); strings.Contains(log, "eyJ") || strings.Count(log, "exchanged the token") != 2 {
		t.Errorf("the log is %s", log)
	}
}

// Where there is no new token, the one from before goes on until a minute before its end; then it is told what is missing.
func TestFederatedOutlastsAPause(t *testing.T) {
	for name, test := range map[string]struct {
		fail  func(t *testing.T, f *fixture)
		class failure.Class
		next  string
	}{
		"Quay is away": {func(_ *testing.T, f *fixture) {
			f.Faults.Add(quaytest.Fault{Name: "away", Times: -1, Effect: quaytest.Status(503, nil, "")})
		}, failure.ClassUnavailable, "see whether Quay runs behind its proxy, then run it again"},
		"the file is not renewed": {func(t *testing.T, f *fixture) {
			claims := f.issuer.Claims(subject)
			claims["exp"] = time.Now().Add(-time.Minute).Unix()
			f.hand(t, oidctest.Sign(oidctest.RS256, claims))
		}, failure.ClassCredentialRefused, "let the file that --federated-token-file names be renewed while the push runs: it takes longer than one token of the robot lasts"},
		"the file is another one": {func(t *testing.T, f *fixture) { f.hand(t, "no token") }, failure.ClassNoCredential,
			"give the token that the issuer made for this run, three parts with dots between them, and nothing else, in --federated-token-file"},
		"the file is gone": {func(t *testing.T, f *fixture) { f.File += "x" }, failure.ClassNoCredential,
			"let CI write its OIDC token to the file that --federated-token-file names, right before the push"},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t)
			first := f.get(t)
			test.fail(t, f)
			f.late = 58 * time.Minute
			if !f.get(t).Equal(first) || !strings.Contains(f.log.String(), "going on with the token that Quay exchanged before") {
				t.Errorf("the log is %s", f.log.String())
			}
			f.late = 59*time.Minute + time.Second
			_, err := f.Get(t.Context())
			if reason := (*failure.Error)(nil); !errors.As(err, &reason) || reason.Class != test.class || reason.Next != test.next {
				t.Errorf("error is %v, want class %s and the next step %q", err, test.class.Name, test.next)
			}
			if strings.Contains(f.log.String(), "eyJ") {
				t.Errorf("the log is %s", f.log.String())
			}
		})
	}
}

// Who comes while a token is exchanged waits for it; what is to be hidden does not wait.
func TestFederatedAsksOnce(t *testing.T) {
	f := start(t)
	asked, goOn := make(chan struct{}), make(chan struct{})
	f.Faults.Add(quaytest.Fault{Name: "slow", Effect: quaytest.Do(func() { close(asked); <-goOn })})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, err := f.Get(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	<-asked
	if got := f.Secrets(); len(got) != 1 {
		t.Errorf("%d secrets, want that of the issuer", len(got))
	}
	close(goOn)
	group.Wait()
	if n := len(f.Requests()); n != 1 {
		t.Errorf("%d exchanges, want 1", n)
	}
	if got := f.Secrets(); len(got) != 2 {
		t.Errorf("%d secrets, want 2", len(got))
	}
}
