package robot_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/robot"
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
	leaked, asleep := w.quay.RobotToken(first), w.quay.RobotToken(standby)
	good := w.push("team-payments/api", "v1", first, leaked)
	w.quay.Advance(time.Hour)
	since := w.quay.Now()
	w.quay.Advance(time.Minute)
	bad := w.push("team-payments/api", "v1", first, leaked)
	added := w.push("team-payments/web", "new", first, leaked)
	w.quay.Advance(time.Minute)
	w.quay.ForgetRequests()

	report, err := robot.Leak(t.Context(), w.services(), w.Tenant, since)
	if err != nil {
		t.Fatal(err)
	}
	// Burning comes first of all.
	for i, want := range []string{"/api/v1/organization/team-payments/robots/ci/regenerate", "/api/v1/organization/team-payments/robots/ci-b/regenerate"} {
		if got := w.quay.Requests()[i]; got.Method != http.MethodPost || got.Path != want {
			t.Errorf("request %d is %s %s", i, got.Method, got.Path)
		}
	}
	if w.quay.RobotToken(first) == leaked || w.quay.RobotToken(standby) == asleep {
		t.Error("a token is still good")
	}
	w.pushes("after the leak")
	if len(w.live()) != 1 || !report.Verification.OK() {
		t.Errorf("%d versions in Vault, verification: %q", len(w.live()), wrong(report.Verification))
	}
	if len(report.Pushes) != 2 || report.Pushes[0].Robot != first || report.BearersUntil.Sub(report.Burnt) != time.Hour {
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
		"stay good until " + report.BearersUntil.Format(time.RFC3339), "pushes by digest alone"} {
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

// The program dies after each of its calls: the leaked token is dead from the first one on, and run again the team has a
// credential.
func TestLeakGoesOnAfterACrashAnywhere(t *testing.T) {
	points := 0
	for crashAt := 1; ; crashAt++ {
		w := newWorld(t)
		w.onboard()
		leaked := w.quay.RobotToken(first)
		w.lag, w.crashAt = 1, crashAt
		since := w.quay.Now().Add(-time.Hour)
		_, err := robot.Leak(t.Context(), w.services(), w.Tenant, since)
		if w.quay.RobotToken(first) == leaked {
			t.Errorf("after call %d the leaked token is still good", crashAt)
		}
		if err == nil {
			break
		}
		points++
		w.crashAt, w.dead = 0, false
		if report, err := robot.Leak(t.Context(), w.services(), w.Tenant, since); err != nil || !report.Verification.OK() {
			t.Errorf("run again after call %d: %v, %v", crashAt, wrong(report.Verification), err)
		}
		w.pushes(fmt.Sprint("run again after call ", crashAt))
	}
	if points < 20 {
		t.Errorf("only %d points", points)
	}
}

func TestLeakSaysThatNothingWasBurnt(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	w.quay.Faults.Add(quaytest.Fault{Method: http.MethodPost, Times: -1, Effect: quaytest.Status(http.StatusForbidden, nil, `{"error_message":"Unauthorized"}`)})
	_, err := robot.Leak(t.Context(), w.services(), w.Tenant, w.quay.Now())
	e := (*robot.Error)(nil)
	if !errors.As(err, &e) || e.Reason != robot.ReasonNoRight || !strings.Contains(err.Error(), `the token of "team-payments+ci" was NOT burnt`) {
		t.Errorf("error is %v", err)
	}
	w.Organization, w.Robot, w.StandbyRobot = "team-none", "team-payments+none", "team-payments+none-b"
	w.quay.Faults.Clear()
	if _, err := robot.Leak(t.Context(), w.services(), w.Tenant, w.quay.Now()); !errors.As(err, &e) || e.Reason != robot.ReasonMissing {
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
	report, err := robot.PlanLeak(t.Context(), w.services(), w.Tenant, since)
	if err != nil {
		t.Fatal(err)
	}
	if w.quay.RobotToken(first) != token || !report.Burnt.IsZero() || len(report.Pushes) != 1 || len(report.Tags) != 1 || !report.Verification.OK() {
		t.Errorf("report is %+v", report)
	}
	if got := states(report.Steps); len(got) != 1 || got[0] != "burn pending" {
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
	if _, err := robot.Leak(t.Context(), w.services(), w.Tenant, w.quay.Now()); err == nil || !strings.Contains(err.Error(), `the token of "team-payments+ci" was NOT burnt`) {
		t.Errorf("error is %v", err)
	}
}
