package robot_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// bootstrapped fails the test unless the tenant is as Bootstrap leaves it, with the repositories api, web and new.
func (w *world) bootstrapped(when string) {
	w.Helper()
	s, live := w.observer(), w.live()
	if len(live) != 1 || len(live[0].Data) != 2 {
		w.Fatalf("%s: Vault has %v", when, live)
	}
	// A robot that was made by a run that died has its name for itself.
	name := live[0].Data["username"].Reveal()
	token := w.quay.RobotToken(name)
	rights, err := s.Quay.Rights(w.Context(), name, secret.New(token), "team-payments/api", "team-payments/web", "team-payments/new")
	if err != nil || !rights.Push("team-payments/api") || !rights.Push("team-payments/web") || !rights.Push("team-payments/new") {
		w.Errorf("%s: rights are %v, %v", when, rights, err)
	}
	prototypes, err := s.Quay.Prototypes(w.Context(), "team-payments")
	if err != nil || len(prototypes) != 1 || prototypes[0].Role != quay.Write || prototypes[0].Delegate != name {
		w.Errorf("%s: default permissions are %v, %v", when, prototypes, err)
	}
	if live[0].Data["token"].Reveal() != token {
		w.Errorf("%s: Vault has another token of %q than Quay", when, name)
	}
	if robots := w.robots(); !slices.Equal(robots, []string{name}) || !w.OwnsRobot(name) {
		w.Errorf("%s: the robots are %q, and %q pushes", when, robots, name)
	}
}

var bootstrapSteps = []string{"organization", "path", "robot", "repositories", "permission", "default-permission", "right", "vault", "burn", "spent", "anchors", "secret"}

func TestBootstrap(t *testing.T) {
	w := newWorld(t)
	opts := robot.BootstrapOptions{Repositories: []string{"api", "new"}}

	before := w.calls
	planned, err := robot.PlanBootstrap(t.Context(), w.services(), w.Tenant, opts)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"organization kept", "path kept", "robot pending", "repositories pending", "permission pending", "default-permission pending",
		"right pending", "vault pending", "burn kept", "spent kept", "anchors pending", "secret pending"}
	if diff := cmp.Diff(want, states(planned)); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	for _, r := range w.quay.Requests() {
		if r.Method != "GET" {
			t.Errorf("the plan sent %s %s", r.Method, r.Path)
		}
	}
	if w.calls == before || len(w.live()) > 0 {
		t.Error("the plan looked at nothing, or wrote")
	}

	steps, err := robot.Bootstrap(t.Context(), w.services(), w.Tenant, opts)
	if err != nil {
		t.Fatal(err)
	}
	want = []string{"organization kept", "path kept", "robot changed", "repositories changed", "permission changed", "default-permission changed",
		"right kept", "vault changed", "burn kept", "spent kept", "anchors changed", "secret changed"}
	if diff := cmp.Diff(want, states(steps)); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	w.bootstrapped("after the first run")

	w.quay.ForgetRequests()
	steps, err = robot.Bootstrap(t.Context(), w.services(), w.Tenant, opts)
	kept := []string{}
	for _, id := range bootstrapSteps {
		kept = append(kept, id+" kept")
	}
	if diff := cmp.Diff(kept, states(steps)); diff != "" || err != nil {
		t.Errorf("second run (-want +got):\n%s%v", diff, err)
	}
	for _, r := range w.quay.Requests() {
		if r.Method != "GET" {
			t.Errorf("the second run sent %s %s", r.Method, r.Path)
		}
	}
	w.bootstrapped("after the second run")
}

// The program dies after each of its calls, and is run again.
func TestBootstrapGoesOnAfterACrashAnywhere(t *testing.T) {
	opts := robot.BootstrapOptions{Repositories: []string{"new"}}
	everyCrash(t, 20, func(int) *world { return newWorld(t) }, func(w *world) error {
		_, err := robot.Bootstrap(t.Context(), w.services(), w.Tenant, opts)
		return err
	}, (*world).bootstrapped)
}

func TestBootstrapAdopts(t *testing.T) {
	w := newWorld(t)
	token := w.quay.AddRobot("team-payments", "ci")
	w.quay.Grant("team-payments/api", "team-payments+ci", quaytest.Admin)
	w.quay.Grant("team-payments/web", "team-payments+ci", quaytest.Read)
	w.quay.SetDefaultPermission("team-payments", "team-payments+ci", quaytest.Read)
	steps, err := robot.Bootstrap(t.Context(), w.services(), w.Tenant, robot.BootstrapOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"organization kept", "path kept", "robot kept", "repositories kept", "permission changed", "default-permission changed", "right kept", "vault changed", "burn kept", "spent kept", "anchors changed", "secret changed"}
	if diff := cmp.Diff(want, states(steps)); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if got := w.quay.RobotToken("team-payments+ci"); got != token || w.live()[0].Data["token"].Reveal() != token {
		t.Error("the token was changed, or Vault does not have it")
	}
}

// Quay has another token than Vault: somebody ended the robot, or began to. It does not come back, and the next step is told.
func TestBootstrapLeavesARobotWithAnotherToken(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	w.quay.RegenerateRobot(first)
	steps, err := robot.Bootstrap(t.Context(), w.services(), w.Tenant, robot.BootstrapOptions{})
	if err != nil || w.live()[1].Data["username"].Reveal() != second {
		t.Fatalf("Vault has %v, %v", w.live(), err)
	}
	if last := steps[len(steps)-3]; last.ID != "spent" || !strings.Contains(last.Detail, `but "team-payments+ci" still has a role on 2 repositories, 1 default permissions: run rotate, which ends it`) {
		t.Errorf("the last step is %+v", last)
	}
	if result, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{}); err != nil || !result.Resumed || !slices.Equal(w.robots(), []string{second}) {
		t.Errorf("rotate: %+v, %v; the robots are %q", result, err, w.robots())
	}
}

// After a rotation the next robot is in use; bootstrapping again does not go back.
func TestBootstrapKeepsTheRobotInUse(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	if _, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{}); err != nil {
		t.Fatal(err)
	}
	steps, err := robot.Bootstrap(t.Context(), w.services(), w.Tenant, robot.BootstrapOptions{})
	if err != nil || strings.Contains(strings.Join(states(steps), " "), "changed") {
		t.Errorf("steps are %v, %v", states(steps), err)
	}
	if username, _ := w.secretCredential(); username != second || !w.works() {
		t.Errorf("the Secret has %q", username)
	}
}

func TestBootstrapRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(w *world)
		opts    robot.BootstrapOptions
		reason  robot.Reason
		text    string
	}{
		"a path of another team": {prepare: func(w *world) {
			w.put(w.VaultPath, vault.Data{"username": secret.New("team-platform+ci"), "token": secret.New("T")})
		},
			reason: robot.ReasonRefused, text: `has the credential of "team-platform+ci", which is no robot of team "payments"`},
		"a missing organization": {prepare: func(w *world) { w.renamed("team-none") },
			reason: robot.ReasonMissing, text: `there is no organization "team-none"`},
		"a robot with a right elsewhere": {prepare: func(w *world) {
			w.quay.AddOrganization("team-platform")
			w.quay.AddRepository("team-platform", "base")
			w.quay.AddRobot("team-payments", "ci")
			w.quay.Grant("team-payments/api", first, quaytest.Write)
			w.quay.AddTeamMember("team-platform", "pushers", "member", "team-payments+ci")
			w.quay.GrantTeam("team-platform/base", "pushers", quaytest.Write)
		}, opts: robot.BootstrapOptions{Foreign: []string{"team-platform/base"}},
			reason: robot.ReasonRefused, text: `robot "team-payments+ci" may push to "team-platform/base", which is another team's`},
		"a repository that takes no push": {prepare: func(w *world) { w.quay.SetState("team-payments/api", quaytest.Mirror) },
			opts: robot.BootstrapOptions{Repositories: []string{"api"}}, reason: robot.ReasonMissing, text: "see whether they are read-only or mirrors"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			test.prepare(w)
			_, err := robot.Bootstrap(t.Context(), w.services(), w.Tenant, test.opts)
			e := (*robot.Error)(nil)
			if !errors.As(err, &e) || e.Reason != test.reason || e.Next == "" || !strings.Contains(err.Error(), test.text) {
				t.Errorf("error is %v, want %s, %q", err, test.reason, test.text)
			}
			if len(w.versions[w.VaultPath]) > 1 || test.reason == robot.ReasonMissing && len(w.live()) > 0 {
				t.Error("it wrote to Vault")
			}
		})
	}
}

func TestBootstrapMakesTheOrganizationWhenAsked(t *testing.T) {
	w := newWorld(t)
	w.more = []quaytest.Scope{quaytest.UserAdmin}
	w.renamed("team-new")
	opts := robot.BootstrapOptions{CreateOrganization: true, Email: "new@example.com", Repositories: []string{"app"}}
	if planned, err := robot.PlanBootstrap(t.Context(), w.services(), w.Tenant, opts); err != nil || states(planned)[0] != "organization pending" {
		t.Errorf("plan is %v, %v", states(planned), err)
	}
	if _, err := robot.Bootstrap(t.Context(), w.services(), w.Tenant, opts); err != nil {
		t.Fatal(err)
	}
	if token := w.quay.RobotToken("team-new+ci"); token == "" || w.live()[0].Data["token"].Reveal() != token || !w.quay.HasRepository("team-new/app") {
		t.Error("the tenant is not there")
	}
}

// Why the organization was not made is told in Quay's words, and what to do about it.
func TestBootstrapCannotMakeTheOrganization(t *testing.T) {
	for name, test := range map[string]struct {
		scopes     []quaytest.Scope
		effect     quaytest.Effect
		reason     robot.Reason
		text, next string
	}{
		"the scope is missing": {nil, nil, robot.ReasonNoRight, `403 Forbidden "Unauthorized"`, "the scope user:admin"},
		"only superusers may":  {[]quaytest.Scope{quaytest.UserAdmin}, quaytest.Status(403, nil, `{"error_message":"Unauthorized"}`), robot.ReasonNoRight, `403 Forbidden "Unauthorized"`, "only superusers create organizations"},
		"a user has the name": {[]quaytest.Scope{quaytest.UserAdmin}, quaytest.Status(400, nil, `{"error_message":"A user or organization with this name already exists"}`), robot.ReasonConflict,
			"A user or organization with this name already exists", "rename the user"},
		"it wants an address": {[]quaytest.Scope{quaytest.UserAdmin}, quaytest.Status(400, nil, `{"error_message":"Email address is required"}`), robot.ReasonMissing, "Email address is required", "--email"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.more = test.scopes
			w.renamed("team-new")
			if test.effect != nil {
				w.quay.Faults.Add(quaytest.Fault{Method: http.MethodPost, Path: "/organization/$", Times: -1, Effect: test.effect})
			}
			_, err := robot.Bootstrap(t.Context(), w.services(), w.Tenant, robot.BootstrapOptions{CreateOrganization: true})
			e := (*robot.Error)(nil)
			if !errors.As(err, &e) || e.Reason != test.reason || !strings.Contains(err.Error(), test.text) || !strings.Contains(e.Next, test.next) {
				t.Errorf("error is %v", err)
			}
		})
	}
}

// A firewall that asks for an email does not want one for the organization.
func TestBootstrapBelievesQuayAloneAboutTheAddress(t *testing.T) {
	w := newWorld(t)
	w.more = []quaytest.Scope{quaytest.UserAdmin}
	w.renamed("team-new")
	w.quay.Faults.Add(quaytest.Fault{Method: http.MethodPost, Path: "/organization/$", Times: -1, Effect: quaytest.Status(400, nil, "<p>Rejected: send an email with ID 4711</p>")})
	_, err := robot.Bootstrap(t.Context(), w.services(), w.Tenant, robot.BootstrapOptions{CreateOrganization: true})
	if e := (*robot.Error)(nil); err == nil || errors.As(err, &e) || !strings.Contains(err.Error(), `"Rejected: send an email with ID 4711"`) || !strings.Contains(quay.Next(err), "in front of Quay") {
		t.Errorf("error is %v", err)
	}
}

// Somebody who writes to Vault at the same time is noticed.
func TestBootstrapConflict(t *testing.T) {
	w := newWorld(t)
	w.onCall = func() {
		if w.quay.RobotToken("team-payments+ci") != "" {
			w.mu.Lock()
			w.put(w.VaultPath, vault.Data{"username": secret.New("team-payments+ci"), "token": secret.New(fmt.Sprint("T", w.calls))})
			w.mu.Unlock()
		}
	}
	_, err := robot.Bootstrap(t.Context(), w.services(), w.Tenant, robot.BootstrapOptions{})
	e := (*robot.Error)(nil)
	if !errors.As(err, &e) || e.Reason != robot.ReasonConflict {
		t.Errorf("error is %v", err)
	}
}

// A plan ends where the run would: without an organization, if it is not to be made.
func TestPlanOfNoOrganization(t *testing.T) {
	w := newWorld(t)
	w.renamed("team-new")
	planned, err := robot.PlanBootstrap(t.Context(), w.services(), w.Tenant, robot.BootstrapOptions{})
	_, done := robot.Bootstrap(t.Context(), w.services(), w.Tenant, robot.BootstrapOptions{})
	e, want := (*robot.Error)(nil), (*robot.Error)(nil)
	if !errors.As(err, &e) || !errors.As(done, &want) || e.Reason != robot.ReasonMissing || e.Reason != want.Reason || e.Next != want.Next || len(planned) != 1 {
		t.Errorf("plan is %v, %v; the run ends with %v", states(planned), err, done)
	}
}

// A plan says that it could not look, and not that something is to be done.
func TestPlanFailsWhereItCannotLook(t *testing.T) {
	w := newWorld(t)
	w.quay.Faults.Add(quaytest.Fault{Path: "/prototypes$", Times: -1, Effect: quaytest.Status(http.StatusInternalServerError, nil, "")})
	steps, err := robot.PlanBootstrap(t.Context(), w.services(), w.Tenant, robot.BootstrapOptions{})
	if err == nil || !strings.Contains(err.Error(), "500 Internal Server Error") || len(steps) != 2 {
		t.Errorf("%v, %v", states(steps), err)
	}
}

// Whoever swapped user name and token in the Secret finds no token in what is said of it.
func TestPlanBootstrapShowsNoSwappedToken(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	w.secrets[w.Secret] = w.render("CANARY00", first, 1)
	steps, err := robot.PlanBootstrap(t.Context(), w.services(), w.Tenant, robot.BootstrapOptions{})
	if said := fmt.Sprint(steps, err); strings.Contains(said, "CANARY00") || !strings.Contains(said, `has a user by a name of 8 bytes that is no robot's, Vault has "team-payments+ci"`) {
		t.Errorf("it says %s", said)
	}
}
