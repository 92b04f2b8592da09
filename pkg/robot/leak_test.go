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
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// push pushes a small image with a token of the robot and returns its digest.
func (w *world) push(repository, tag, username, token string) string {
	w.Helper()
	image, err := random.Image(16, 1)
	if err != nil {
		w.Fatal(err)
	}
	reference, err := name.NewTag(w.quay.Host() + "/" + repository + ":" + tag)
	if err != nil {
		w.Fatal(err)
	}
	if err := remote.Write(reference, image, remote.WithContext(w.Context()), remote.WithTransport(w.quay.Client().Transport),
		remote.WithAuth(&authn.Basic{Username: username, Password: token})); err != nil {
		w.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		w.Fatal(err)
	}
	return digest.String()
}

func TestLeak(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	w.quay.AddRobot("team-payments", "ci-b")
	leaked := w.quay.RobotToken(first)
	good := w.push("team-payments/api", "v1", first, leaked)
	w.quay.Advance(time.Hour)
	since := w.quay.Now()
	w.quay.Advance(time.Minute)
	bad := w.push("team-payments/api", "v1", first, leaked)
	added := w.push("team-payments/web", "new", first, leaked)
	w.quay.Advance(time.Minute)
	w.quay.ForgetRequests()

	report, err := robot.Leak(t.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: since, First: robot.FirstBurn})
	if err != nil {
		t.Fatal(err)
	}
	// First the rights of both, the default permission before all; then the tokens, then a new robot, and the old ones go last.
	const organization, repository, robots = "/api/v1/organization/team-payments", "/api/v1/repository/team-payments/", "/api/v1/organization/team-payments/robots/"
	changes := w.changes()
	if !strings.HasPrefix(changes[0], "DELETE "+organization+"/prototypes/") {
		t.Errorf("the first change is %s", changes[0])
	}
	slices.Sort(changes[1:3])
	if made := slices.IndexFunc(changes, func(c string) bool { return strings.HasPrefix(c, "POST "+organization+"/prototypes") }); made > 0 {
		changes[made] = "default permission"
	}
	want := []string{"DELETE " + repository + "api/permissions/user/" + first, "DELETE " + repository + "web/permissions/user/" + first,
		"POST " + robots + "ci-b/regenerate", "POST " + robots + "ci/regenerate", "PUT " + robots + "ci-2",
		"PUT " + repository + "api/permissions/user/" + second, "PUT " + repository + "web/permissions/user/" + second, "default permission",
		"DELETE " + robots + "ci-b", "DELETE " + robots + "ci"}
	sorted := slices.Clone(changes[1:])
	slices.Sort(sorted[2:4])
	slices.Sort(sorted[8:])
	slices.Sort(want[8:])
	if diff := cmp.Diff(want, sorted); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if robots := w.robots(); !slices.Equal(robots, []string{second}) {
		t.Errorf("the robots are %q", robots)
	}
	w.pushes("after the leak")
	if len(w.live()) != 1 || !report.Verification.OK() {
		t.Errorf("%d versions in Vault, verification: %q", len(w.live()), wrong(report.Verification))
	}
	if len(report.Pushes) != 2 || report.Pushes[0].Robot != first || report.BearersUntil.Sub(report.Burnt) != 3630*time.Second || report.Robot != second {
		t.Errorf("pushes are %v", report.Pushes)
	}
	tags := map[string]robot.LeakTag{}
	for _, tag := range report.Tags {
		tags[tag.Repository+":"+tag.Name] = tag
	}
	moved, fresh := tags["team-payments/api:v1"], tags["team-payments/web:new"]
	if len(report.Tags) != 2 || moved.Digest != bad || moved.Before != good || fresh.Digest != added || fresh.Before != "" {
		t.Errorf("tags are %v", report.Tags)
	}
	var text strings.Builder
	if err := report.WriteMarkdown(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# Leaked token of team payments", "## Pushes in that time: 2", "| team-payments/api | v1 | " + bad + " | " + good + " |",
		"can still pull and push until " + report.BearersUntil.Format(time.RFC3339), "pushes by digest alone"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the report does not say %q:\n%s", want, text.String())
		}
	}
}

// What others wrote into a name cannot break out of its cell.
func TestLeakReportIsSafeMarkdown(t *testing.T) {
	report := robot.LeakReport{Tags: []robot.LeakTag{{Repository: "a/b", Name: "x|y\n# Title\r<script>"}}}
	var text strings.Builder
	if err := report.WriteMarkdown(&text); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), `| x\|y # Title &lt;script> |`) {
		t.Errorf("report is\n%s", text.String())
	}
}

// The program dies after each of its calls: what lost its rights never gets them back, and run again the team has a credential. Where
// the new robot comes first, the team has one all the time.
func TestLeakGoesOnAfterACrashAnywhere(t *testing.T) {
	t.Parallel()
	for _, way := range []robot.First{robot.FirstBurn, robot.FirstReplace} {
		t.Run(string(way), func(t *testing.T) { leakCrashes(t, way) })
	}
}

func leakCrashes(t *testing.T, way robot.First) {
	points := 0
	for crashAt := 1; ; crashAt += stride() {
		w := newWorld(t)
		w.onboard()
		ended := false
		w.onCall = func() {
			if holds := w.mayPush(first); holds && ended {
				t.Errorf("crash at call %d: the leaked robot has its rights again", crashAt)
			} else {
				ended = !holds
			}
			if way == robot.FirstReplace && !w.works() {
				t.Errorf("crash at call %d: the Secret cannot push", crashAt)
			}
		}
		w.lag, w.crashAt = 1, crashAt
		since := w.quay.Now().Add(-time.Hour)
		_, err := robot.Leak(t.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: since, First: way})
		if err == nil {
			break
		}
		points++
		w.crashAt, w.dead = 0, false
		if report, err := robot.Leak(t.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: since, First: way}); err != nil || !report.Verification.OK() {
			t.Errorf("run again after call %d: %v, %v", crashAt, wrong(report.Verification), err)
		}
		w.pushes(fmt.Sprint("run again after call ", crashAt))
		if robots := w.robots(); len(robots) != 1 || len(w.live()) != 1 || !ended {
			t.Errorf("run again after call %d: the robots are %q, %d versions in Vault", crashAt, robots, len(w.live()))
		}
	}
	t.Logf("%d points", points)
	if points < 40/stride() {
		t.Errorf("only %d points", points)
	}
}

func TestLeakSaysThatNothingWasBurnt(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	w.quay.Faults.Add(quaytest.Fault{Method: http.MethodPost, Times: -1, Effect: quaytest.Status(http.StatusForbidden, nil, `{"error_message":"Unauthorized"}`)})
	_, err := robot.Leak(t.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: w.quay.Now(), First: robot.FirstBurn})
	e := (*robot.Error)(nil)
	if !errors.As(err, &e) || e.Reason != robot.ReasonNoRight || !strings.Contains(err.Error(), `the token of "team-payments+ci" was NOT burnt`) {
		t.Errorf("error is %v", err)
	}
	w.quay.Faults.Clear()
	w.quay.DeleteRobot(first)
	w.versions = map[string][]*vault.Secret{}
	if _, err := robot.Leak(t.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: w.quay.Now(), First: robot.FirstBurn}); !errors.As(err, &e) || e.Reason != robot.ReasonMissing {
		t.Errorf("error is %v", err)
	}
}

// A plan lists what was pushed, and burns nothing.
func TestPlanLeak(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	token := w.quay.RobotToken(first)
	since := w.quay.Now()
	w.push("team-payments/api", "v1", first, token)
	report, err := robot.PlanLeak(t.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: since, First: robot.FirstBurn})
	if err != nil {
		t.Fatal(err)
	}
	if w.quay.RobotToken(first) != token || !report.Burnt.IsZero() || len(report.Pushes) != 1 || len(report.Tags) != 1 || !report.Verification.OK() {
		t.Errorf("report is %+v", report)
	}
	if got := states(report.Steps); !slices.Equal(got, []string{"burn pending", "robot pending"}) {
		t.Errorf("steps are %q", got)
	}
	var text strings.Builder
	if err := report.WriteMarkdown(&text); err != nil || !strings.Contains(text.String(), "Nothing was burnt: this is a plan.") {
		t.Errorf("report is %v\n%s", err, text.String())
	}
}

// A 404 that is not Quay's does not say that there is no robot.
func TestLeakBelievesQuayAlone(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	w.quay.Faults.Add(quaytest.Fault{Times: -1, Effect: quaytest.Status(http.StatusNotFound, nil, "<html>404</html>")})
	if _, err := robot.Leak(t.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: w.quay.Now(), First: robot.FirstBurn}); err == nil || !strings.Contains(err.Error(), `it is not known which robots team "payments" has, and NONE was burnt`) {
		t.Errorf("error is %v", err)
	}
}
