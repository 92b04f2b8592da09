package robot_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// keylessTeam is a world whose team is keyless for two hours.
func keylessTeam(t testing.TB) *world {
	t.Helper()
	w := newKeyless(t)
	w.keyless()
	w.quay.Advance(2 * time.Hour)
	w.quay.ForgetRequests()
	return w
}

// gives reports whether what the team pushes with now is good for both repositories.
func (w *world) gives() bool {
	w.Helper()
	username, password := w.pushesWith()
	_, can := w.buy(username, password)
	return can && w.mayPush(username)
}

// only fails the test unless the team has that robot alone, which the ServiceAccount names, and may push with it.
func (w *world) only(name, when string) {
	w.Helper()
	if robots := w.robots(); !slices.Equal(robots, []string{name}) || w.accounts[w.Secret].Robot != name {
		w.Errorf("%s: the robots are %q, the ServiceAccount names %q", when, robots, w.accounts[w.Secret].Robot)
	}
	w.isKeyless(name, when)
}

// replaced fails the test unless another robot than the first is the only one.
func (w *world) replaced(when string) {
	w.Helper()
	w.onCall = nil
	name := w.accounts[w.Secret].Robot
	if name == first {
		w.Errorf("%s: the robot was not replaced", when)
	}
	w.only(name, when)
}

// A rotation makes a robot whose token nobody keeps, has the ServiceAccount name it, and only then takes from the one before its rights, its
// token and whom it trusts, in that order.
func TestRotateKeyless(t *testing.T) {
	w := keylessTeam(t)
	plan, err := robot.PlanRotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{})
	want := []string{"robot pending", "default-permission pending", "permission pending", "right pending", "token pending", "federation pending", "exchange pending",
		"service-account pending", "runs kept", "burn pending", "robots pending"}
	if diff := cmp.Diff(want, states(plan.Steps)); diff != "" || err != nil || plan.Robot != first || plan.Resumed {
		t.Errorf("plan of %+v (-want +got):\n%s%v", plan, diff, err)
	}
	if len(w.changes()) > 0 || w.accounts[w.Secret].Robot != first {
		t.Errorf("the plan changed %q", w.changes())
	}
	done, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{})
	want = []string{"robot changed", "default-permission changed", "permission changed", "right kept", "token changed", "federation changed", "exchange kept",
		"service-account changed", "runs kept", "burn changed", "robots changed"}
	if diff := cmp.Diff(want, states(done.Steps)); diff != "" || err != nil || done.Robot != second || done.Resumed || done.Outage != 0 {
		t.Fatalf("rotated to %+v (-want +got):\n%s%v", done, diff, err)
	}
	if got := done.Steps[6].Detail; got != `Quay gave a token of "team-payments+ci-2", which may push to 2 repositories` {
		t.Errorf("exchange says %q", got)
	}
	const organization, repository, robots = "/api/v1/organization/team-payments", "/api/v1/repository/team-payments/", "/api/v1/organization/team-payments/robots/"
	changes := w.changes()
	for i, c := range changes {
		if strings.HasPrefix(c, "POST "+organization+"/prototypes") || strings.HasPrefix(c, "DELETE "+organization+"/prototypes") {
			changes[i], _, _ = strings.Cut(c, "/prototypes")
		}
	}
	slices.Sort(changes[7:9])
	want = []string{"PUT " + robots + "ci-2", "POST " + organization, "PUT " + repository + "api/permissions/user/" + second, "PUT " + repository + "web/permissions/user/" + second,
		"POST " + robots + "ci-2/regenerate", "POST " + robots + "ci-2/federation",
		"DELETE " + organization, "DELETE " + repository + "api/permissions/user/" + first, "DELETE " + repository + "web/permissions/user/" + first,
		"POST " + robots + "ci/regenerate", "DELETE " + robots + "ci/federation", "DELETE " + robots + "ci"}
	if diff := cmp.Diff(want, changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	w.only(second, "rotated")
	if report := w.verify(); !report.OK() || report.Robot != second {
		t.Errorf("not passed: %q", wrong(report))
	}
}

// The runs that began with the robot before end first.
func TestRotateKeylessWaitsForRuns(t *testing.T) {
	w := keylessTeam(t)
	w.runs = []string{"apps/build/1"}
	ctx, s := withoutPatience(t, w.services())
	_, err := robot.Rotate(ctx, s, w.Tenant, robot.RotateOptions{})
	if e := (*robot.Error)(nil); !errors.As(err, &e) || e.Reason != robot.ReasonTimeout || !strings.Contains(e.Problem, "1 left: apps/build/1") {
		t.Fatalf("error is %v", err)
	}
	if !w.mayPush(first) || !w.gives() || w.accounts[w.Secret].Robot != second {
		t.Errorf("the robot before may push: %t; the ServiceAccount names %q", w.mayPush(first), w.accounts[w.Secret].Robot)
	}
	// What began later has the new one.
	w.runs = []string{"apps/build/2"}
	w.onCall = func() { w.runs = nil }
	done, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{})
	if w.onCall = nil; err != nil || !done.Resumed || done.Robot != second {
		t.Errorf("resumed to %+v, %v", done, err)
	}
	w.only(second, "resumed")
}

// A robot that is young enough stays, and what another left goes all the same.
func TestRotateKeylessByAge(t *testing.T) {
	w := keylessTeam(t)
	done, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{MaxAge: 3 * time.Hour})
	if diff := cmp.Diff([]string{"age kept"}, states(done.Steps)); diff != "" || err != nil || done.Robot != first {
		t.Errorf("%+v, %v (-want +got):\n%s", done, err, diff)
	}
	// Its name is of the same generation, so that it stays, without a right.
	w.quay.AddRobot("team-payments", "ci-b")
	w.quay.Grant("team-payments/api", "team-payments+ci-b", quaytest.Write)
	done, err = robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{MaxAge: 3 * time.Hour})
	if diff := cmp.Diff([]string{"age kept", "runs kept", "burn changed", "robots kept"}, states(done.Steps)); diff != "" || err != nil || done.Robot != first {
		t.Errorf("%+v, %v (-want +got):\n%s", done, err, diff)
	}
	if w.quay.Role("team-payments/api", "team-payments+ci-b") != "" {
		t.Error("the other robot has its right")
	}
	if done, err = robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{MaxAge: time.Hour}); err != nil || done.Robot != second {
		t.Errorf("%+v, %v", done, err)
	}
	w.only(second, "rotated")
}

// The program dies after each of its calls: the team can push all the time, nobody knows the token of a robot that trusts the cluster, and run
// again one robot is left.
func TestRotateKeylessGoesOnAfterACrashAnywhere(t *testing.T) {
	everyCrash(t, 40, func(crashAt int) *world {
		w := keylessTeam(t)
		w.onCall = func() {
			if w.sampled(crashAt) && !w.gives() {
				t.Errorf("crash at call %d: the team cannot push with %q", crashAt, w.accounts[w.Secret].Robot)
			}
		}
		return w
	}, func(w *world) error {
		_, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{})
		return err
	}, (*world).replaced)
}

// What could not be finished is not begun: no robot is made, and the one in use stays.
func TestRotateKeylessRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		spoil  func(w *world)
		opts   robot.RotateOptions
		reason robot.Reason
		says   string
	}{
		"in place": {func(*world) {}, robot.RotateOptions{InPlace: true}, robot.ReasonRefused, "nobody has a token of its robot that could be replaced in place; leave that out: another robot takes over"},
		"no right to name another": {func(w *world) {
			w.unnamed = &robot.Error{Reason: robot.ReasonNoRight, Problem: "naming robot", Next: "get the right"}
		}, robot.RotateOptions{},
			robot.ReasonNoRight, "naming robot; get the right"},
		"no ServiceAccount": {func(w *world) { delete(w.accounts, w.Secret) }, robot.RotateOptions{}, robot.ReasonMissing,
			`there is no ServiceAccount "openshift-pipelines/quay-robot-team-payments", which names the robot in use; apply what tkn quay onboard payments --keyless renders`},
		"another team's robot": {func(w *world) { w.accounts[w.Secret] = robot.ServiceAccount{Robot: "team-other+ci"} }, robot.RotateOptions{}, robot.ReasonRefused,
			`names "team-other+ci", which is no robot of team "payments"`},
		"another issuer": {func(w *world) {
			w.quay.SetFederation(first, quaytest.Federation{Issuer: "https://old.example.com", Subject: w.Subject()})
		}, robot.RotateOptions{}, robot.ReasonRefused, `robot "team-payments+ci" trusts subject "system:serviceaccount:openshift-pipelines:quay-robot-team-payments" of issuer "https://old.example.com", which is another cluster's`},
		"another cluster that is away": {func(w *world) { w.withWest().west.away = errors.New("connection refused") }, robot.RotateOptions{}, "", `cluster "west": connection refused`},
		"another cluster":              {func(w *world) { w.withWest() }, robot.RotateOptions{}, robot.ReasonRefused, `team "payments" is keyless here, and cluster "west" has it too`},
		"runs that cannot be listed": {func(w *world) { w.noRuns = fmt.Errorf("listing: %w", robot.ErrRunsForbidden) }, robot.RotateOptions{}, robot.ReasonNoRight,
			`it is not known which runs of team "payments" go on`},
		"an organization that is not ours": {func(w *world) {
			w.quay.Faults.Add(quaytest.Fault{Method: http.MethodGet, Path: "/organization/team-payments$", Times: -1, Effect: quaytest.Status(http.StatusOK, nil, `{"name":"team-payments","is_admin":false}`)})
		}, robot.RotateOptions{}, robot.ReasonNoRight, "the OAuth token does not administer"},
	} {
		t.Run(name, func(t *testing.T) {
			w := keylessTeam(t)
			test.spoil(w)
			_, err := robot.Rotate(t.Context(), w.services(), w.Tenant, test.opts)
			e := (*robot.Error)(nil)
			if err == nil || !strings.Contains(err.Error(), test.says) || test.reason != "" && (!errors.As(err, &e) || e.Reason != test.reason) {
				t.Errorf("error is %v", err)
			}
			if changes := w.changes(); len(changes) > 0 || !w.mayPush(first) {
				t.Errorf("changes are %q", changes)
			}
		})
	}
}

// Where no issuer can be found out, that is said, with what helps.
func TestRotateKeylessWithoutAnIssuer(t *testing.T) {
	w := keylessTeam(t)
	s := w.services()
	s.Issuer = func(context.Context) (string, error) { return "", errors.New("forbidden") }
	_, err := robot.Rotate(t.Context(), s, w.Tenant, robot.RotateOptions{})
	if err == nil || err.Error() != "it is not known which issuer the robot is to trust: forbidden; give the issuer's name with --issuer" || len(w.changes()) > 0 {
		t.Errorf("error is %v, changes %q", err, w.changes())
	}
}

// A ServiceAccount that changes between two looks is named all the same; one that names a later robot by then is not, and nothing is burnt.
func TestRotateKeylessBesideOthers(t *testing.T) {
	w := keylessTeam(t)
	w.conflicts = 3
	if done, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{}); err != nil || done.Robot != second || w.conflicts != 0 {
		t.Fatalf("%+v, %v, %d conflicts are left", done, err, w.conflicts)
	}
	w.only(second, "beside somebody who labels it")
	w.conflicts = 1000
	_, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{})
	if e := (*robot.Error)(nil); !errors.As(err, &e) || e.Reason != robot.ReasonConflict || !strings.Contains(e.Problem, "changes all the time") || !w.gives() || !w.mayPush(second) {
		t.Errorf("error is %v", err)
	}
	w.conflicts = 0

	// A leak is answered in the middle of the next rotation.
	var leaked error
	w.onCall = func() {
		if w.quay.RobotToken("team-payments+ci-4") == "" {
			return
		}
		w.listen(nil)
		_, leaked = robot.Leak(t.Context(), w.observer(), w.Tenant, robot.LeakOptions{Since: w.quay.Now(), First: robot.FirstBurn})
	}
	_, err = robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{})
	if err == nil || leaked != nil || w.onCall != nil {
		t.Errorf("rotate: %v; leak: %v", err, leaked)
	}
	w.only("team-payments+ci-5", "after a leak in between")
}

// A bearer token that the robot before bought buys nothing with a right any more, and the federation is over.
func TestRotateKeylessEndsWhatWasBought(t *testing.T) {
	w := keylessTeam(t)
	username, password := w.pushesWith()
	bought, can := w.buy(username, password)
	if !can {
		t.Fatal("the team cannot push to begin with")
	}
	if _, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{}); err != nil {
		t.Fatal(err)
	}
	for what, secret := range map[string]string{"the exchanged token": password, "a bearer token": bought} {
		if bearer, can := w.buy(username, secret); can || bearer != "" {
			t.Errorf("%s buys another", what)
		}
	}
	if _, err := w.observer().Exchange(t.Context(), username, w.accountToken(w.Subject())); err == nil {
		t.Error("the ServiceAccount's token is good for the robot before")
	}
	if _, err := w.observer().Quay.Robot(t.Context(), first); !quay.IsNotFound(err) {
		t.Errorf("the robot before: %v", err)
	}
}
