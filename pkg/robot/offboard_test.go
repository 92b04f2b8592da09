package robot_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// offboarded fails the test unless the team has no credential any more, and everything that it pushed to.
func (w *world) offboarded(when string) {
	w.Helper()
	for _, name := range w.robots() {
		// One that was made for it may hold the place.
		if generation := w.Generation(name); generation == 1 || generation > 1 && w.mayPush(name) {
			w.Errorf("%s: robot %q is there", when, name)
		}
	}
	if all, there := w.versions[w.VaultPath]; there {
		w.Errorf("%s: Vault has %d versions", when, len(all))
	}
	s := w.observer()
	repositories, err := s.Quay.Repositories(w.Context(), w.Organization)
	if err != nil || len(repositories) != 2 {
		w.Errorf("%s: the organization has %v, %v", when, repositories, err)
	}
	prototypes, err := s.Quay.Prototypes(w.Context(), w.Organization)
	if err != nil || len(prototypes) != 0 {
		w.Errorf("%s: default permissions are %v, %v", when, prototypes, err)
	}
}

func TestOffboard(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	if _, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.quay.AddRobot("team-payments", "scanner")
	w.quay.ForgetRequests()
	planned, err := robot.PlanOffboard(t.Context(), w.services(), w.Tenant)
	want := []string{"path kept", "runs kept", "burn pending", "holder pending", "vault pending", "robots pending", "names pending"}
	if diff := cmp.Diff(want, states(planned)); diff != "" || err != nil {
		t.Errorf("plan (-want +got):\n%s%v", diff, err)
	}
	for _, r := range w.quay.Requests() {
		if r.Method != http.MethodGet {
			t.Errorf("the plan sent %s %s", r.Method, r.Path)
		}
	}
	if !w.works() || len(w.live()) != 1 {
		t.Error("the plan changed something")
	}

	w.quay.ForgetRequests()
	steps, err := robot.Offboard(t.Context(), w.services(), w.Tenant)
	want = []string{"path kept", "runs kept", "burn changed", "holder changed", "vault changed", "robots changed", "names kept"}
	if diff := cmp.Diff(want, states(steps)); diff != "" || err != nil {
		t.Errorf("steps (-want +got):\n%s%v", diff, err)
	}
	w.offboarded("after the first run")
	const robots, repository = "/api/v1/organization/team-payments/robots/", "/api/v1/repository/team-payments/"
	changes := w.changes()
	if !strings.HasPrefix(changes[0], "DELETE /api/v1/organization/team-payments/prototypes/") {
		t.Errorf("the first change is %s", changes[0])
	}
	slices.Sort(changes[1:3])
	want = []string{"DELETE " + repository + "api/permissions/user/" + second, "DELETE " + repository + "web/permissions/user/" + second,
		"POST " + robots + "ci-2/regenerate", "PUT " + robots + "ci-3", "DELETE " + robots + "ci-2"}
	if diff := cmp.Diff(want, changes[1:]); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if w.quay.RobotToken("team-payments+scanner") == "" {
		t.Error("a robot that is not ours is gone")
	}

	w.quay.ForgetRequests()
	steps, err = robot.Offboard(t.Context(), w.services(), w.Tenant)
	want = []string{"path kept", "runs kept", "burn kept", "holder kept", "vault kept", "robots kept", "names kept"}
	if diff := cmp.Diff(want, states(steps)); diff != "" || err != nil || len(w.changes()) > 0 {
		t.Errorf("second run, with changes %q (-want +got):\n%s%v", w.changes(), diff, err)
	}

	// As long as a bearer token can be used the names are kept, and then nothing is left.
	w.quay.Advance(robot.BearerLifetime)
	if _, err := robot.Offboard(t.Context(), w.services(), w.Tenant); err != nil || len(w.changes()) > 0 {
		t.Errorf("after %s: changes %q, %v", robot.BearerLifetime, w.changes(), err)
	}
	w.quay.Advance(10 * time.Minute)
	steps, err = robot.Offboard(t.Context(), w.services(), w.Tenant)
	want = []string{"path kept", "runs kept", "burn kept", "holder kept", "vault kept", "robots kept", "names changed"}
	if diff := cmp.Diff(want, states(steps)); diff != "" || err != nil {
		t.Errorf("last run (-want +got):\n%s%v", diff, err)
	}
	if robots := w.robots(); !slices.Equal(robots, []string{"team-payments+scanner"}) {
		t.Errorf("the robots are %q", robots)
	}
}

// changes are the requests to Quay that change something, in order.
func (w *world) changes() []string {
	found := []string{}
	for _, r := range w.quay.Requests() {
		if r.Method != http.MethodGet {
			found = append(found, r.Method+" "+r.Path)
		}
	}
	return found
}

// The program dies after each of its calls, and is run again. As long as the token is good that the Secret has, it is in Vault too,
// so that rotate and leak can be run instead.
func TestOffboardGoesOnAfterACrashAnywhere(t *testing.T) {
	everyCrash(t, 15, func(crashAt int) *world {
		w := newWorld(t)
		w.onboard()
		w.quay.AddRobot("team-payments", "ci-b")
		w.onCall = func() {
			if w.works() && len(w.live()) == 0 {
				t.Errorf("crash at call %d: after call %d the token is good, and Vault does not have it", crashAt, w.calls)
			}
		}
		return w
	}, func(w *world) error {
		_, err := robot.Offboard(t.Context(), w.services(), w.Tenant)
		return err
	}, (*world).offboarded)
}

func TestOffboardRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(w *world)
		reason  robot.Reason
		text    string
	}{
		"a run that goes on": {func(w *world) { w.runs = []string{"ci/run-1/u1"} }, robot.ReasonConflict, `step "runs": 1 of team "payments": ci/run-1/u1`},
		"runs that nobody may list": {func(w *world) { w.noRuns = fmt.Errorf("%w: no", robot.ErrRunsForbidden) }, robot.ReasonNoRight,
			`it is not known which runs of team "payments" go on`},
		"KV version 1": {func(w *world) { w.mount.Engine = vault.Engine1 }, robot.ReasonRefused, `the mount "secret" in Vault is KV version 1`},
		"no mount":     {func(w *world) { w.mount.Absent = true }, robot.ReasonRefused, `there is no mount "secret" in Vault`},
		"another team's path": {func(w *world) {
			w.put(w.VaultPath, vault.Data{"username": secret.New("team-b+ci"), "token": secret.New("T")})
		},
			robot.ReasonRefused, `has the credential of "team-b+ci"`},
		"a robot that cannot be burnt": {func(w *world) {
			w.quay.Faults.Add(quaytest.Fault{Method: http.MethodPost, Path: "regenerate$", Times: -1, Effect: quaytest.Status(http.StatusForbidden, nil, "")})
		}, robot.ReasonNoRight, "was NOT burnt"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.onboard()
			test.prepare(w)
			before := len(w.live())
			_, err := robot.Offboard(t.Context(), w.services(), w.Tenant)
			e := (*robot.Error)(nil)
			if !errors.As(err, &e) || e.Reason != test.reason || !strings.Contains(err.Error(), test.text) || e.Next == "" {
				t.Errorf("error is %v, want %s, %q", err, test.reason, test.text)
			}
			// Its rights are gone before its token is tried.
			if w.works() != !strings.HasPrefix(name, "a robot") || len(w.live()) != before {
				t.Error("something was changed")
			}
		})
	}
}

// A robot that Quay does not delete, since a mirror uses it, is burnt all the same, and named.
func TestOffboardBurnsARobotThatStays(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	w.quay.Faults.Add(quaytest.Fault{Method: http.MethodDelete, Path: "robots/ci$", Times: -1,
		Effect: quaytest.Status(http.StatusBadRequest, nil, `{"error_message":"Robot is being used by a mirror"}`)})
	_, err := robot.Offboard(t.Context(), w.services(), w.Tenant)
	if err == nil || !strings.Contains(err.Error(), first) || !strings.Contains(err.Error(), "Robot is being used by a mirror") {
		t.Errorf("error is %v", err)
	}
	if w.works() || len(w.live()) > 0 || slices.Contains(w.changes(), "DELETE /api/v1/organization/team-payments") {
		t.Errorf("the token is good: %t, Vault has %d versions", w.works(), len(w.live()))
	}
}

// A team that comes back gets a robot of a later name, as long as a bearer token of one before can be used; Vault begins with version 1.
func TestBootstrapAfterOffboard(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	for _, test := range []struct {
		later time.Duration
		runs  int
		robot string
	}{{0, 1, "team-payments+ci-3"}, {robot.BearerLifetime, 1, "team-payments+ci-5"}, {robot.BearerLifetime, 2, "team-payments+ci-7"}, {2 * robot.BearerLifetime, 2, first}} {
		for run := range test.runs {
			w.quay.Advance(time.Duration(run) * test.later)
			if _, err := robot.Offboard(t.Context(), w.services(), w.Tenant); err != nil {
				t.Fatal(err)
			}
		}
		w.onboard()
		w.pushes("onboarded again")
		if live, robots := w.live(), w.robots(); !slices.Equal(robots, []string{test.robot}) || len(live) != 1 || live[0].Version != 1 {
			t.Errorf("%d runs, %s later: the robots are %q, Vault has %v", test.runs, test.later, robots, live)
		}
	}
}

// A robot that somebody deleted by hand, as one that leaked, is gone from Quay, and Vault names it: its name is kept all the same, since
// what it bought is good again for one of that name.
func TestOffboardKeepsTheNameOfARobotThatIsGone(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	thief := w.steals()
	w.quay.DeleteRobot(first)
	w.comesBack()
	ended := w.quay.Now()
	for range 4 {
		w.quay.Advance(20 * time.Minute)
		thief.try()
	}
	if thief.last.After(ended.Add(robot.BearerLifetime)) {
		t.Errorf("the thief pushed last %s after the robot was deleted; the robots are %q", thief.last.Sub(ended), w.robots())
	}
	w.quay.Advance(2 * time.Hour)
	if _, err := robot.Offboard(t.Context(), w.services(), w.Tenant); err != nil {
		t.Fatal(err)
	}
	w.quay.Advance(2 * time.Hour)
	if _, err := robot.Offboard(t.Context(), w.services(), w.Tenant); err != nil || len(w.robots()) > 0 {
		t.Errorf("in the end: %q, %v", w.robots(), err)
	}
}
