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
	notBurnt  = `the token of "team-payments+ci" was NOT burnt: `
	noneBurnt = `it is not known which robots team "payments" has, and NONE was burnt: `
	unsure    = `it is not known whether the token of "team-payments+ci" was burnt: `
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
		_, err := robot.Leak(t.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: w.quay.Now(), First: robot.FirstBurn})
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
	if _, err := robot.Leak(t.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: w.quay.Now(), First: robot.FirstBurn}); err == nil || !strings.HasPrefix(err.Error(), unsure) {
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
	if _, err := robot.Leak(ctx, w.services(), w.Tenant, robot.LeakOptions{Since: w.quay.Now(), First: robot.FirstBurn}); !errors.As(err, &e) || e.Reason != robot.ReasonTimeout || !strings.HasPrefix(err.Error(), noneBurnt) {
		t.Errorf("without time: %v", err)
	}
	for name, test := range map[string]struct {
		ended  func(context.Context) (context.Context, context.CancelFunc)
		reason robot.Reason
		next   string
	}{
		"the time ends": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 2*time.Second)
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
		_, err := robot.Leak(ctx, w.services(), w.Tenant, robot.LeakOptions{Since: w.quay.Now(), First: robot.FirstBurn})
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
		if _, err := robot.Leak(t.Context(), s, w.Tenant, robot.LeakOptions{Since: w.quay.Now(), First: robot.FirstBurn}); !errors.As(err, &e) || !strings.HasPrefix(err.Error(), noneBurnt) || !strings.Contains(e.Next, "--quay-url is its address") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every robot that the team has is named with what is good of it still.
func TestLeakNamesTheRobotsThatThereAre(t *testing.T) {
	fault := func(method, path string, status int) quaytest.Fault {
		return quaytest.Fault{Method: method, Path: path, Times: -1, Effect: quaytest.Status(status, nil, `{"message":"x"}`)}
	}
	const token, tokens, right = "/robots/ci/regenerate$", "/regenerate$", "/web/permissions/user/team-payments[+]ci$"
	for name, test := range map[string]struct {
		standby bool
		faults  []quaytest.Fault
		problem string
	}{
		"there is one":  {false, []quaytest.Fault{fault(http.MethodPost, tokens, 403)}, `the token of "team-payments+ci" was NOT burnt: `},
		"there are two": {true, []quaytest.Fault{fault(http.MethodPost, tokens, 403)}, `the token of "team-payments+ci" was NOT burnt, and the token of "team-payments+ci-b" was NOT burnt: `},
		"one is not known": {true, []quaytest.Fault{fault(http.MethodPost, token, 504), fault(http.MethodPost, "/ci-b/regenerate$", 403)},
			`it is not known whether the token of "team-payments+ci" was burnt, and the token of "team-payments+ci-b" was NOT burnt: `},
		"a right":                 {true, []quaytest.Fault{fault(http.MethodDelete, right, 403)}, `the rights of "team-payments+ci" were NOT taken: taking the permission`},
		"a right and a token":     {false, []quaytest.Fault{fault(http.MethodDelete, right, 403), fault(http.MethodPost, token, 403)}, `the rights of "team-payments+ci" were NOT taken, and the token of "team-payments+ci" was NOT burnt: `},
		"a default permission":    {false, []quaytest.Fault{fault(http.MethodDelete, "/prototypes/", 500)}, `it is not known whether the rights of "team-payments+ci" were taken: deleting default permission`},
		"the answer alone":        {false, []quaytest.Fault{{Method: http.MethodDelete, Path: right, Times: -1, Effect: quaytest.CommitThenStatus(504, nil, "x")}}, ""},
		"they cannot be listed":   {true, []quaytest.Fault{fault(http.MethodGet, "/robots$", 500)}, `it is not known which robots team "payments" has, and NONE was burnt: listing robots`},
		"their defaults are none": {true, []quaytest.Fault{fault(http.MethodGet, "/prototypes$", 403)}, `it is not known which robots team "payments" has, and NONE was burnt: listing default permissions`},
	} {
		w := newWorld(t)
		w.onboard()
		if test.standby {
			w.quay.AddRobot("team-payments", "ci-b")
		}
		w.quay.Faults.Add(test.faults...)
		_, err := robot.Leak(t.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: w.quay.Now(), First: robot.FirstBurn})
		if (err == nil) != (test.problem == "") || err != nil && !strings.HasPrefix(err.Error(), test.problem) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
