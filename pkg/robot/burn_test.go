package robot_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

const (
	notBurnt = `the token of "team-payments+ci" was NOT burnt: `
	unsure   = `it is not known whether the token of "team-payments+ci" was burnt: `
)

// One robot that cannot be burnt does not save the other, and the reason is what Quay did. Only an answer that says so means that
// the token was not burnt.
func TestLeakBurnsWhatItCan(t *testing.T) {
	const page = "<html>Your support ID is: 4711</html>"
	for name, test := range map[string]struct {
		effect        quaytest.Effect
		reason        robot.Reason
		problem, next string
	}{
		"no right":         {quaytest.Status(403, nil, `{"error_message":"Unauthorized"}`), robot.ReasonNoRight, notBurnt, "the scope org:admin"},
		"no token":         {quaytest.Status(403, nil, `{"error":"CSRF token was invalid or missing."}`), robot.ReasonNoRight, notBurnt, "in Quay's own pages at once"},
		"a firewall":       {quaytest.Status(403, nil, page), robot.ReasonNoRight, notBurnt, "in front of Quay"},
		"a 404 of a page":  {quaytest.Status(404, nil, page), robot.ReasonNoRight, notBurnt, "in front of Quay"},
		"a limit":          {quaytest.Status(429, nil, page), "", notBurnt, "wait a minute"},
		"read-only":        {quaytest.Status(503, nil, `{"is_readonly":true,"message":"x"}`), "", notBurnt, "read-only now"},
		"not served":       {quaytest.Status(501, nil, ""), "", notBurnt, "in Quay's own pages at once"},
		"a 503":            {quaytest.Status(503, nil, page), "", notBurnt, "behind its proxy"},
		"a crash":          {quaytest.Status(500, nil, ""), "", unsure, "Quay's own log"},
		"a 502":            {quaytest.Status(502, nil, page), "", unsure, "behind its proxy"},
		"a 504":            {quaytest.CommitThenStatus(504, nil, page), "", unsure, "behind its proxy"},
		"a 520":            {quaytest.Status(520, nil, page), "", unsure, "behind its proxy"},
		"no answer":        {quaytest.Reset(0), "", unsure, "see whether Quay runs there"},
		"a lost answer":    {quaytest.CommitThenReset(), "", unsure, "see whether Quay runs there"},
		"a cut answer":     {quaytest.Truncate(5), "", unsure, "run this again at once"},
		"a page with 200":  {quaytest.Status(200, nil, "<html>"), robot.ReasonNoRight, unsure, "in Quay's own pages at once"},
		"another's answer": {quaytest.Status(200, nil, `{"name":"team-x+ci","token":"T"}`), "", unsure, "run this again at once"},
	} {
		w := newWorld(t)
		w.onboard()
		asleep := w.quay.AddRobot("team-payments", "ci-b")
		w.quay.Faults.Add(quaytest.Fault{Method: http.MethodPost, Path: "/robots/ci/regenerate$", Times: -1, Effect: test.effect})
		_, err := robot.Leak(t.Context(), w.services(), w.Tenant, w.quay.Now())
		e := (*robot.Error)(nil)
		if !errors.As(err, &e) || e.Reason != test.reason || !strings.HasPrefix(err.Error(), test.problem) || !strings.Contains(e.Next, test.next) ||
			strings.Contains(e.Next, "it burns again") != (test.problem == unsure) {
			t.Errorf("%s: %v", name, err)
		}
		if w.quay.RobotToken(standby) == asleep {
			t.Errorf("%s: the other robot's token is good", name)
		}
	}
}

// After a try whose answer got lost, it is not known what it did, whatever the next one was answered.
func TestLeakRemembersALostAnswer(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	w.quay.Faults.Add(quaytest.Fault{Method: http.MethodPost, Path: "/robots/ci/regenerate$", Times: 1, Effect: quaytest.CommitThenReset()},
		quaytest.Fault{Method: http.MethodPost, Path: "/robots/ci/regenerate$", Times: -1, Effect: quaytest.Status(503, nil, "")})
	if _, err := robot.Leak(t.Context(), w.services(), w.Tenant, w.quay.Now()); err == nil || !strings.HasPrefix(err.Error(), unsure) {
		t.Errorf("error is %v", err)
	}
}

// What never reached Quay burnt nothing; what was under way when the time ended may have.
func TestLeakWithoutTimeOrQuay(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	e := (*robot.Error)(nil)
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	if _, err := robot.Leak(ctx, w.services(), w.Tenant, w.quay.Now()); !errors.As(err, &e) || e.Reason != robot.ReasonTimeout || !strings.HasPrefix(err.Error(), notBurnt) {
		t.Errorf("without time: %v", err)
	}
	for name, test := range map[string]struct {
		ended  func(context.Context) (context.Context, context.CancelFunc)
		reason robot.Reason
		next   string
	}{
		"the time ends": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 300*time.Millisecond)
		}, robot.ReasonTimeout, "in Quay's own pages at once; see what keeps it waiting, or give it longer with --timeout"},
		"it is stopped": {context.WithCancel, "", "in Quay's own pages at once"},
	} {
		ctx, end := test.ended(t.Context())
		w.quay.Faults.Clear()
		w.quay.Faults.Add(quaytest.Fault{Method: http.MethodPost, Path: "/robots/ci/regenerate$", Times: -1,
			Effect: func(_ *quaytest.Quay, _ http.ResponseWriter, r *http.Request, _ http.Handler) {
				if test.reason == "" {
					end()
				}
				<-r.Context().Done()
			}})
		_, err := robot.Leak(ctx, w.services(), w.Tenant, w.quay.Now())
		if end(); !errors.As(err, &e) || e.Reason != test.reason || !strings.HasPrefix(err.Error(), unsure) || !strings.HasSuffix(e.Next, test.next) {
			t.Errorf("%s while it was asked: %v", name, err)
		}
	}
	refusing, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing.Close()
	for name, url := range map[string]string{"nobody listens": "https://" + refusing.Addr().String(), "an untrusted certificate": w.quay.URL()} {
		s := w.services()
		if s.Quay, err = quay.New(quay.Options{URL: url, Pause: time.Microsecond}); err != nil {
			t.Fatal(err)
		}
		if _, err := robot.Leak(t.Context(), s, w.Tenant, w.quay.Now()); !errors.As(err, &e) || !strings.HasPrefix(err.Error(), notBurnt) || !strings.Contains(e.Next, "--quay-url is its address") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The standby robot is named only where Quay has it, and does not stay unnoticed where nobody can look.
func TestLeakNamesTheStandbyThatThereIs(t *testing.T) {
	post := func(path string, status int) quaytest.Fault {
		return quaytest.Fault{Method: http.MethodPost, Path: path, Times: -1, Effect: quaytest.Status(status, nil, `{"message":"x"}`)}
	}
	hidden := quaytest.Fault{Method: http.MethodGet, Path: "/robots/ci-b$", Times: -1, Effect: quaytest.Status(500, nil, "")}
	const first, both = "/robots/ci/regenerate$", "/regenerate$"
	for name, test := range map[string]struct {
		standby bool
		faults  []quaytest.Fault
		problem string
	}{
		"there is none":               {false, []quaytest.Fault{post(both, 403)}, `the token of "team-payments+ci" was NOT burnt: `},
		"there is one":                {true, []quaytest.Fault{post(both, 403)}, `the token of "team-payments+ci" was NOT burnt, and the token of "team-payments+ci-b" was NOT burnt: `},
		"one is not known":            {true, []quaytest.Fault{post(first, 504), post("/ci-b/regenerate$", 403)}, `it is not known whether the token of "team-payments+ci" was burnt, and the token of "team-payments+ci-b" was NOT burnt: `},
		"nobody can look":             {true, []quaytest.Fault{hidden, post(both, 500)}, `it is not known whether the token of "team-payments+ci" was burnt: `},
		"it alone":                    {true, []quaytest.Fault{post("/ci-b/regenerate$", 500)}, `it is not known whether the token of "team-payments+ci-b" was burnt: `},
		"it alone, nobody can look":   {true, []quaytest.Fault{hidden, post("/ci-b/regenerate$", 403)}, `it is not known whether the team has a second robot, whose token would be good still: `},
		"there is none, and it fails": {false, []quaytest.Fault{post("/ci-b/regenerate$", 500)}, ""},
	} {
		w := newWorld(t)
		w.onboard()
		if test.standby {
			w.quay.AddRobot("team-payments", "ci-b")
		}
		w.quay.Faults.Add(test.faults...)
		_, err := robot.Leak(t.Context(), w.services(), w.Tenant, w.quay.Now())
		if (err == nil) != (test.problem == "") || err != nil && !strings.HasPrefix(err.Error(), test.problem) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
