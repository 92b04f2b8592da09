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

const (
	first   = "team-payments+ci"
	second  = "team-payments+ci-2"
	standby = "team-payments+ci-b"
)

// rotated fails the test unless a later robot took over, and is the only one that is left.
func (w *world) rotated(when string) {
	w.Helper()
	username, _ := w.secretCredential()
	if w.Generation(username) < 2 || !w.works() {
		w.Errorf("%s: the Secret has %q, good: %t", when, username, w.works())
	}
	w.pushes(when)
	live := w.live()
	if len(live) != 1 || live[0].Data["username"].Reveal() != username || live[0].Data["token"].Reveal() != w.quay.RobotToken(username) {
		w.Errorf("%s: Vault has %v", when, live)
	}
	if robots := w.robots(); !slices.Equal(robots, []string{username}) {
		w.Errorf("%s: the robots are %q", when, robots)
	}
}

func TestRotate(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	w.lag, w.runs = 3, []string{"run-1"}
	seen := 0
	w.onRuns = func() {
		if !w.mayPush(first) {
			t.Error("the old robot lost its rights while a run had its token")
		}
		// A run that begins afterwards is not waited for.
		if seen++; seen == 1 {
			w.runs = append(w.runs, "run-2")
		} else if seen == 4 {
			w.runs = []string{"run-2"}
		}
	}
	w.onCall = func() {
		if !w.works() {
			t.Error("the Secret cannot push")
		}
	}
	planned, err := robot.PlanRotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{})
	want := []string{"secret-current kept", "robot pending", "permission pending", "default-permission pending", "right pending",
		"vault pending", "secret pending", "runs pending", "burn pending", "destroy kept", "robots pending"}
	if diff := cmp.Diff(want, states(planned.Steps)); diff != "" || err != nil {
		t.Errorf("plan (-want +got):\n%s%v", diff, err)
	}
	seen, w.runs = 0, []string{"run-1"}
	var told []string
	s := w.services()
	s.Report = func(step robot.Step) { told = append(told, step.ID+" "+string(step.State)) }
	result, err := robot.Rotate(t.Context(), s, w.Tenant, robot.RotateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want = []string{"secret-current kept", "robot changed", "permission changed", "default-permission changed", "right kept",
		"vault changed", "secret changed", "runs changed", "burn changed", "destroy changed", "robots changed"}
	if diff := cmp.Diff(want, states(result.Steps)); diff != "" || result.Robot != second || result.Resumed || result.Outage != 0 {
		t.Errorf("result is %s, %t, %s; steps (-want +got):\n%s", result.Robot, result.Resumed, result.Outage, diff)
	}
	if len(told) != 20 || !slices.Contains(told, "runs running") {
		t.Errorf("told: %q", told)
	}
	w.rotated("after the rotation")

	// And on, never back.
	w.runs, w.onRuns = nil, nil
	result, err = robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{})
	if username, _ := w.secretCredential(); err != nil || result.Robot != "team-payments+ci-3" || username != result.Robot || len(w.live()) != 1 {
		t.Errorf("second rotation: %s, the Secret has %q, %v", result.Robot, username, err)
	}
	w.rotated("after the second rotation")
}

// The program dies after each of its calls, and is run again: the state is always the same in the end, and in between the
// credential in the Secret is always one that may push.
func TestRotateGoesOnAfterACrashAnywhere(t *testing.T) {
	t.Parallel()
	opts := robot.RotateOptions{MaxAge: time.Hour}
	points := 0
	for crashAt := 1; ; crashAt += stride() {
		w := newWorld(t)
		w.onboard()
		w.lag, w.runs = 2, []string{"run-1"}
		looks := 0
		w.onRuns = func() {
			if looks++; looks == 2 {
				w.runs = nil
			}
		}
		w.onCall = func() {
			if !w.works() {
				t.Errorf("crash at call %d: after call %d the Secret cannot push", crashAt, w.calls)
			}
		}
		w.crashAt = crashAt
		_, err := robot.Rotate(t.Context(), w.services(), w.Tenant, opts)
		if err == nil {
			break
		}
		if points++; !errors.Is(err, errCrash) {
			t.Fatalf("crash after call %d: %v", crashAt, err)
		}
		w.pushes(fmt.Sprint("after a crash at call ", crashAt))
		w.crashAt, w.dead = 0, false
		if _, err := robot.Rotate(t.Context(), w.services(), w.Tenant, opts); err != nil {
			t.Errorf("run again after call %d: %v", crashAt, err)
		}
		w.rotated(fmt.Sprint("run again after call ", crashAt))
		// Now there is nothing left to do.
		calls := len(w.versions[w.VaultPath])
		if result, err := robot.Rotate(t.Context(), w.services(), w.Tenant, opts); err != nil || result.Resumed || len(result.Steps) != 1 || len(w.versions[w.VaultPath]) != calls {
			t.Errorf("third run after call %d: %v, %v", crashAt, states(result.Steps), err)
		}
	}
	t.Logf("%d points", points)
	if points < 35/stride() {
		t.Errorf("only %d points", points)
	}
}

func TestRotateInPlace(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	old := w.quay.RobotToken(first)
	w.lag = 2
	outage := false
	w.onCall = func() { outage = outage || !w.works(); w.quay.Advance(time.Second) }
	result, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{InPlace: true})
	if err != nil {
		t.Fatal(err)
	}
	if !outage || result.Outage <= 0 || result.Robot != first || result.Resumed {
		t.Errorf("outage seen: %t, result is %v", outage, result)
	}
	want := []string{"regenerate changed", "vault changed", "secret changed", "destroy changed"}
	if diff := cmp.Diff(want, states(result.Steps)); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if username, token := w.secretCredential(); username != first || token == old || !w.works() || len(w.live()) != 1 {
		t.Errorf("the Secret has %q, good: %t, %d versions", username, w.works(), len(w.live()))
	}
}

func TestRotateInPlaceGoesOnAfterACrashAnywhere(t *testing.T) {
	t.Parallel()
	points := 0
	for crashAt := 1; ; crashAt += stride() {
		w := newWorld(t)
		w.onboard()
		w.lag, w.crashAt = 1, crashAt
		if _, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{InPlace: true}); err == nil {
			break
		}
		points++
		token := w.quay.RobotToken(first)
		outage := !w.works()
		// The refresh that was asked for does not come either.
		w.crashAt, w.dead, w.pending = 0, false, 0
		if _, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{InPlace: true}); err != nil {
			t.Errorf("run again after call %d: %v", crashAt, err)
		}
		w.pushes(fmt.Sprint("run again after call ", crashAt))
		// Broken off in the outage, it ends that and makes no new one.
		if outage && w.quay.RobotToken(first) != token || len(w.live()) != 1 {
			t.Errorf("run again after call %d: another token, or %d versions", crashAt, len(w.live()))
		}
	}
	if points < 15/stride() {
		t.Errorf("only %d points", points)
	}
}

func TestRotateRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(w *world)
		opts    robot.RotateOptions
		reason  robot.Reason
		text    string
	}{
		"no credential": {prepare: func(w *world) { w.versions = map[string][]*vault.Secret{} }, reason: robot.ReasonMissing, text: "make it with bootstrap"},
		"another team's credential": {prepare: func(w *world) {
			w.put(w.VaultPath, vault.Data{"username": secret.New("team-b+ci"), "token": secret.New("T")})
		},
			reason: robot.ReasonRefused, text: `"team-b+ci"`},
		"a Secret that does not follow": {prepare: func(w *world) {
			w.external[w.Secret] = robot.ExternalSecret{Reason: "SecretSyncedError", Message: "permission denied", Path: w.VaultPath}
		}, reason: robot.ReasonTimeout, text: `the ExternalSecret is not ready: SecretSyncedError "permission denied"`},
		"a run that does not end": {prepare: func(w *world) { w.runs = []string{"run-1"} }, reason: robot.ReasonTimeout, text: "1 left: run-1"},
		"a right elsewhere": {prepare: func(w *world) {
			w.quay.AddOrganization("team-b")
			w.quay.AddRepository("team-b", "app")
			w.quay.GrantTeam("team-b/app", "pushers", quaytest.Write)
			w.quay.Faults.Add(quaytest.Fault{Method: http.MethodGet, Path: "robots/ci-2$", Nth: 2, Effect: quaytest.Do(func() {
				w.quay.AddTeamMember("team-b", "pushers", "member", second)
			})})
		}, opts: robot.RotateOptions{Foreign: []string{"team-b/app"}}, reason: robot.ReasonRefused, text: `may push to "team-b/app"`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.onboard()
			test.prepare(w)
			ctx, s := withoutPatience(t, w.services())
			_, err := robot.Rotate(ctx, s, w.Tenant, test.opts)
			e := (*robot.Error)(nil)
			if !errors.As(err, &e) || e.Reason != test.reason || !strings.Contains(err.Error(), test.text) {
				t.Errorf("error is %v, want %s, %q", err, test.reason, test.text)
			}
			if !w.works() || !w.mayPush(first) {
				t.Error("the credential in the Secret was burnt")
			}
		})
	}
}

// Two rotations at once: one stops with a conflict, and the old token, which the Secret may still have, is not burnt.
func TestTwoRotationsAtOnce(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	old := w.quay.RobotToken(first)
	w.quay.Faults.Add(quaytest.Fault{Method: http.MethodGet, Path: "robots/ci-2$", Nth: 3, Effect: quaytest.Do(func() { w.quay.RegenerateRobot(second) })})
	_, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{})
	e := (*robot.Error)(nil)
	if !errors.As(err, &e) || e.Reason != robot.ReasonConflict || w.quay.RobotToken(first) != old || !w.works() {
		t.Fatalf("error is %v, old token good: %t", err, w.works())
	}
	// The way out that the error names.
	if _, err := robot.Bootstrap(t.Context(), w.services(), w.Tenant, robot.BootstrapOptions{}); err != nil {
		t.Error(err)
	}
	if result, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{}); err != nil || !result.Resumed {
		t.Errorf("rotating again: %v, %v", result, err)
	}
	w.rotated("after the way out")
}

// The Secret goes back to the old token while runs are waited for: that one is not burnt.
func TestRotateLooksAtTheSecretBeforeItBurns(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	old, before := w.quay.RobotToken(first), w.secrets[w.Secret]
	w.onRuns = func() { w.secrets[w.Secret] = before }
	_, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{})
	e := (*robot.Error)(nil)
	if !errors.As(err, &e) || e.Reason != robot.ReasonDrift || w.quay.RobotToken(first) != old || !w.works() {
		t.Errorf("error is %v, the Secret works: %t", err, w.works())
	}
}

// A rotation that only had to clean up in Vault does not wait for runs once more.
func TestRotateCleansUpAfterABurn(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	if _, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{}); err != nil {
		t.Fatal(err)
	}
	// What the last step of that would have destroyed.
	w.versions[w.VaultPath][0] = &vault.Secret{Data: vault.Data{"username": secret.New(first), "token": secret.New("burnt")}, Version: 1}
	w.runs = []string{"run-of-today"}
	ctx, s := withoutPatience(t, w.services())
	result, err := robot.Rotate(ctx, s, w.Tenant, robot.RotateOptions{})
	if diff := cmp.Diff([]string{"secret kept", "burn kept", "destroy changed", "robots kept"}, states(result.Steps)); diff != "" || err != nil || !result.Resumed || len(w.live()) != 1 {
		t.Errorf("steps (-want +got):\n%s%v", diff, err)
	}
}

// A robot that Quay keeps, since a mirror uses it, has no right and no token any more; the rotation is over but for its name, and the next
// one goes on to a later robot.
func TestRotateFromARobotThatAMirrorUses(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	w.quay.Faults.Add(quaytest.Fault{Name: "mirror", Method: http.MethodDelete, Path: "robots/ci$", Times: -1,
		Effect: quaytest.Status(http.StatusBadRequest, nil, `{"error_message":"Robot is being used by a mirror"}`)})
	old := w.quay.RobotToken(first)
	for generation := 2; generation < 4; generation++ {
		_, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{})
		if err == nil || !strings.Contains(err.Error(), `deleting robot "team-payments+ci"`) || !strings.Contains(err.Error(), "Robot is being used by a mirror") {
			t.Errorf("error is %v", err)
		}
		username, _ := w.secretCredential()
		if username != w.Robot(generation) || !w.works() || w.mayPush(first) || w.quay.RobotToken(first) == old || len(w.live()) != 1 {
			t.Errorf("the Secret has %q, good: %t; the old robot may push: %t; %d versions", username, w.works(), w.mayPush(first), len(w.live()))
		}
	}
	// What is young is left alone, and no run is waited for.
	w.runs = []string{"run-1"}
	if _, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{MaxAge: time.Hour}); err == nil || !strings.Contains(err.Error(), "used by a mirror") {
		t.Errorf("error is %v", err)
	}
	w.quay.Faults.Clear()
	if result, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{MaxAge: time.Hour}); err != nil || result.Resumed {
		t.Errorf("result is %+v, %v", result, err)
	}
	w.rotated("when no mirror uses it")
}

// Nothing that a program could print of a rotation has a token in it.
func TestNoTokenIsReported(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	tokens := []string{w.quay.RobotToken(first)}
	var told strings.Builder
	s := w.services()
	s.Report = func(step robot.Step) { fmt.Fprintf(&told, "%#v", step) }
	w.onCall = func() {
		for generation := range 4 {
			tokens = append(tokens, w.quay.RobotToken(w.Robot(generation+1)))
		}
	}
	for _, opts := range []robot.RotateOptions{{}, {InPlace: true}} {
		result, err := robot.Rotate(t.Context(), s, w.Tenant, opts)
		fmt.Fprintf(&told, "%#v %v %#v", result, err, w.secrets)
	}
	report, err := robot.Leak(t.Context(), s, w.Tenant, robot.LeakOptions{Since: w.quay.Now().Add(-time.Hour), First: robot.FirstBurn})
	fmt.Fprintf(&told, "%#v %v", report, err)
	if err := report.WriteMarkdown(&told); err != nil {
		t.Error(err)
	}
	for _, token := range tokens {
		if token != "" && strings.Contains(told.String(), token) {
			t.Fatal("a token was reported")
		}
	}
}
