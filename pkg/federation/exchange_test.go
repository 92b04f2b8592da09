package federation_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/oidctest"
	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/federation"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

const (
	robot   = "team-a+ci"
	subject = "repo:team-a/app:ref:refs/heads/main"
)

// start starts a Quay whose robot trusts an issuer with subject, and what exchanges tokens there.
func start(t *testing.T) (*quaytest.Quay, *oidctest.Issuer, federation.Exchanger) {
	t.Helper()
	q, i := quaytest.Start(t), oidctest.Start(t)
	q.AddOrganization("team-a")
	q.AddRepository("team-a", "app")
	q.AddRobot("team-a", "ci")
	q.Grant("team-a/app", robot, quaytest.Write)
	q.TrustIssuers(i.Authorities())
	q.SetFederation(robot, quaytest.Federation{Issuer: i.URL(), Subject: subject})
	return q, i, federation.Exchanger{Client: q.Client(), Base: parse(t, q.URL()), Pause: time.Millisecond}
}

func parse(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// actions are what /v2/auth says that the password may do on team-a/app, and its status.
func login(t *testing.T, q *quaytest.Quay, password secret.Value) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, q.URL()+"/v2/auth?service="+q.Host()+"&scope=repository:team-a/app:push", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(robot, password.Reveal())
	response, err := q.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

// What comes back is the robot's password for an hour, by both ways to ask.
func TestExchange(t *testing.T) {
	q, i, e := start(t)
	for _, ask := range []func() (secret.Value, time.Time, error){
		func() (secret.Value, time.Time, error) {
			return e.Exchange(t.Context(), robot, secret.New(i.Token(subject)))
		},
		func() (secret.Value, time.Time, error) {
			return federation.Exchange(t.Context(), q.Client(), parse(t, q.URL()+"/a/path?x=y"), robot, secret.New(i.Token(subject)))
		},
	} {
		before := time.Now()
		got, expires, err := ask()
		if err != nil {
			t.Fatal(err)
		}
		if status := login(t, q, got); status != http.StatusOK {
			t.Errorf("login with it: %d", status)
		}
		if early, late := before.Add(time.Hour), time.Now().Add(time.Hour); expires.Before(early) || expires.After(late) {
			t.Errorf("it is good until %s, want between %s and %s", expires, early, late)
		}
	}
	requests := q.Requests()
	if first := requests[0]; first.Method != "GET" || first.Path != "/oauth2/federation/robot/token" || first.Robot != robot {
		t.Errorf("the first request is %+v", first)
	}
}

// How long the token is good for is what it says of itself, by the clock of this machine; an hour where it says nothing sane.
func TestExpiry(t *testing.T) {
	i := oidctest.Start(t)
	long := time.Now().AddDate(1, 0, 0).Unix()
	for token, want := range map[string]time.Duration{
		"opaque": time.Hour,
		oidctest.Sign(oidctest.RS256, map[string]any{"iat": 1000, "exp": 1600}):     10 * time.Minute,
		oidctest.Sign(oidctest.RS256, map[string]any{"iat": long, "exp": long + 9}): 9 * time.Second,
		oidctest.Sign(oidctest.RS256, map[string]any{"exp": long}):                  time.Hour,
		oidctest.Sign(oidctest.RS256, map[string]any{"iat": 1600, "exp": 1000}):     time.Hour,
		oidctest.Sign(oidctest.RS256, map[string]any{"iat": 1, "exp": long}):        24 * time.Hour,
		oidctest.Sign(oidctest.RS256, map[string]any{"iat": "x", "exp": 1e300}):     time.Hour,
	} {
		e := answering(t, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"token":"` + token + `"}`)) })
		asked := time.Now()
		got, expires, err := e.Exchange(t.Context(), robot, secret.New(i.Token(subject)))
		if err != nil || got.Reveal() != token {
			t.Fatalf("error is %v", err)
		}
		if off := expires.Sub(asked.Add(want)); off < 0 || off > 10*time.Second {
			t.Errorf("it is good for %s, want %s", expires.Sub(asked), want)
		}
	}
}

// answering is what exchanges tokens with a server that answers so.
func answering(t *testing.T, answer http.HandlerFunc) federation.Exchanger {
	t.Helper()
	server := httptest.NewTLSServer(answer)
	t.Cleanup(server.Close)
	return federation.Exchanger{Client: server.Client(), Base: parse(t, server.URL), Pause: time.Millisecond}
}

// What passes is tried five times, what Quay cannot verify three times; what does not pass, once.
func TestTries(t *testing.T) {
	for name, test := range map[string]struct {
		effect quaytest.Effect
		times  int
		tries  int
		cause  federation.Cause
	}{
		"503 once":          {quaytest.Status(503, nil, ""), 1, 2, ""},
		"502 twice":         {quaytest.Status(502, nil, ""), 2, 3, ""},
		"429 twice":         {quaytest.Status(429, nil, ""), 2, 3, ""},
		"500 once":          {quaytest.Status(500, nil, ""), 1, 2, ""},
		"a cut connection":  {quaytest.CommitThenReset(), 1, 2, ""},
		"503 that lasts":    {quaytest.Status(503, nil, ""), -1, 5, federation.CauseAway},
		"429 that lasts":    {quaytest.Status(429, nil, ""), -1, 5, federation.CauseBusy},
		"500 that lasts":    {quaytest.Status(500, nil, ""), -1, 3, federation.CauseUnverified},
		"a firewall's page": {quaytest.Status(403, nil, "<p>blocked"), -1, 1, federation.CauseForeign},
		"a redirect":        {quaytest.Status(302, http.Header{"Location": {"https://elsewhere.example.com/"}}, ""), -1, 1, federation.CauseForeign},
		"404":               {quaytest.Status(404, nil, ""), -1, 1, federation.CauseTooOld},
	} {
		t.Run(name, func(t *testing.T) {
			q, i, e := start(t)
			q.Faults.Add(quaytest.Fault{Name: "fault", Times: test.times, Effect: test.effect})
			_, _, err := e.Exchange(t.Context(), robot, secret.New(i.Token(subject)))
			if got := len(q.Requests()); got != test.tries {
				t.Errorf("%d requests, want %d", got, test.tries)
			}
			if got := causeOf(err); got != test.cause {
				t.Errorf("error is %v, cause %q, want %q", err, got, test.cause)
			}
			if tried := err != nil && strings.Contains(err.Error(), fmt.Sprintf("(tried %d times)", test.tries)); tried != (test.tries > 1 && test.cause != "") {
				t.Errorf("error is %v", err)
			}
		})
	}
}

// causeOf is the cause of err; empty if it has none.
func causeOf(err error) federation.Cause {
	if e := (*federation.Error)(nil); errors.As(err, &e) {
		return e.Cause
	}
	return ""
}

// The pause is what Quay asks for, and ends with the context: then the error is the failure, which says more.
func TestPauseEndsWithTheContext(t *testing.T) {
	q, i, e := start(t)
	q.Faults.Add(quaytest.Fault{Name: "busy", Times: -1, Effect: quaytest.Status(429, http.Header{"Retry-After": {"20"}}, "")})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	began := time.Now()
	_, _, err := e.Exchange(ctx, robot, secret.New(i.Token(subject)))
	if took := time.Since(began); causeOf(err) != federation.CauseBusy || took > 10*time.Second || len(q.Requests()) != 1 {
		t.Errorf("after %s and %d requests the error is %v", took, len(q.Requests()), err)
	}
	ended, end := context.WithCancelCause(t.Context())
	why := errors.New("the user went away")
	end(why)
	if _, _, err := e.Exchange(ended, robot, secret.New(i.Token(subject))); !errors.Is(err, why) {
		t.Errorf("error is %v, want %v", err, why)
	}
}
