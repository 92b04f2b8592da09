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

	"github.com/comptech-lab/quay-push/internal/oidctest"
	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// newKeyless is newWorld of a team that has nothing yet, whose cluster has an issuer that Quay can ask.
func newKeyless(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	w.external, w.issuer, w.Keyless = map[string]robot.ExternalSecret{}, oidctest.Start(t), true
	w.quay.TrustIssuers(w.issuer.Authorities())
	return w
}

// bootstrapKeyless runs it with the services that are counted.
func (w *world) bootstrapKeyless(opts robot.BootstrapOptions) (robot.KeylessResult, error) {
	return robot.BootstrapKeyless(w.Context(), w.services(), w.Tenant, robot.KeylessOptions{BootstrapOptions: opts, Issuer: w.issuer.URL()})
}

// keyless makes the team keyless, and gives it the ServiceAccount.
func (w *world) keyless() {
	w.Helper()
	done, err := w.bootstrapKeyless(robot.BootstrapOptions{})
	if err != nil {
		w.Fatal(err)
	}
	w.accounts[w.Secret], w.calls = robot.ServiceAccount{Robot: done.Robot}, 0
}

// trusts is the ServiceAccount's entry in Quay.
func (w *world) trusts() []quay.Trusted {
	return []quay.Trusted{{Issuer: w.issuer.URL(), Subject: "system:serviceaccount:openshift-pipelines:quay-robot-team-payments"}}
}

// isKeyless fails the test unless a token of the ServiceAccount is good for a push, and nobody has another.
func (w *world) isKeyless(name, when string) {
	w.Helper()
	s := w.observer()
	got, err := s.Quay.Federation(w.Context(), name)
	if diff := cmp.Diff(w.trusts(), got); diff != "" || err != nil {
		w.Errorf("%s: %q trusts (-want +got):\n%s%v", when, name, diff, err)
	}
	defaults, err := s.Quay.Prototypes(w.Context(), "team-payments")
	if !w.mayPush(name) || err != nil || len(defaults) != 1 || defaults[0].Delegate != name || defaults[0].Role != quay.Write {
		w.Errorf("%s: %q may not push, default permissions are %v, %v", when, name, defaults, err)
	}
	if _, there := w.versions[w.VaultPath]; there {
		w.Errorf("%s: Vault has something", when)
	}
	password, err := s.Exchange(w.Context(), name, w.accountToken(w.trusts()[0].Subject))
	if err != nil {
		w.Fatalf("%s: %v", when, err)
	}
	rights, err := s.Quay.Rights(w.Context(), name, password, own...)
	if err != nil || !rights.Push(own[0]) || !rights.Push(own[1]) {
		w.Errorf("%s: the exchanged token has %v, %v", when, rights, err)
	}
}

var keylessSteps = []string{"organization", "path", "robot", "repositories", "default-permission", "permission", "right", "token", "federation", "exchange", "spent", "anchors"}

func TestBootstrapKeyless(t *testing.T) {
	w := newKeyless(t)
	plan, err := robot.PlanKeyless(t.Context(), w.services(), w.Tenant, robot.KeylessOptions{Issuer: w.issuer.URL()})
	want := []string{"organization kept", "path kept", "robot pending", "repositories kept", "default-permission pending", "permission pending", "right pending",
		"token pending", "federation pending", "exchange pending", "spent kept", "anchors pending"}
	if diff := cmp.Diff(want, states(plan.Steps)); diff != "" || err != nil || plan.Robot != "team-payments+ci" {
		t.Errorf("plan of %q (-want +got):\n%s%v", plan.Robot, diff, err)
	}
	w.quay.ForgetRequests()
	done, err := w.bootstrapKeyless(robot.BootstrapOptions{})
	want = []string{"organization kept", "path kept", "robot changed", "repositories kept", "default-permission changed", "permission changed", "right kept",
		"token changed", "federation changed", "exchange kept", "spent kept", "anchors changed"}
	if diff := cmp.Diff(want, states(done.Steps)); diff != "" || err != nil || done.Robot != "team-payments+ci" {
		t.Fatalf("robot %q (-want +got):\n%s%v", done.Robot, diff, err)
	}
	if got := done.Steps[9].Detail; got != `not proved: there is no ServiceAccount "openshift-pipelines/quay-robot-team-payments" yet; apply it, then run tkn quay verify payments` {
		t.Errorf("exchange says %q", got)
	}
	order := []string{}
	for _, r := range w.quay.Requests() {
		if strings.HasSuffix(r.Path, "/regenerate") || r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/federation") {
			order = append(order, r.Path[strings.LastIndex(r.Path, "/")+1:])
		}
	}
	if diff := cmp.Diff([]string{"regenerate", "federation"}, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	w.isKeyless("team-payments+ci", "at first")

	// With the ServiceAccount there, a second run changes nothing, and proves it.
	w.accounts[w.Secret] = robot.ServiceAccount{Robot: done.Robot}
	w.quay.ForgetRequests()
	done, err = w.bootstrapKeyless(robot.BootstrapOptions{})
	kept := []string{}
	for _, id := range keylessSteps {
		kept = append(kept, id+" kept")
	}
	if diff := cmp.Diff(kept, states(done.Steps)); diff != "" || err != nil || done.Robot != "team-payments+ci" {
		t.Errorf("again: robot %q (-want +got):\n%s%v", done.Robot, diff, err)
	}
	if got := done.Steps[9].Detail; got != `Quay gave a token of "team-payments+ci", which may push to 2 repositories` {
		t.Errorf("exchange says %q", got)
	}
	for _, r := range w.quay.Requests() {
		if r.Method != http.MethodGet {
			t.Errorf("the second run sent %s %s", r.Method, r.Path)
		}
	}
}

// The program dies after each of its calls, and is run again: the robot that trusts the cluster never has a token that somebody knows.
func TestBootstrapKeylessGoesOnAfterACrashAnywhere(t *testing.T) {
	everyCrash(t, 20, func(int) *world {
		w, first := newKeyless(t), map[string]string{}
		w.onCall = func() {
			for _, name := range w.robots() {
				trusted, err := w.observer().Quay.Federation(t.Context(), name)
				if _, seen := first[name]; !seen {
					first[name] = w.quay.RobotToken(name)
				}
				if err != nil || len(trusted) > 0 && w.quay.RobotToken(name) == first[name] {
					t.Errorf("%q trusts %v with the token that it was made with, %v", name, trusted, err)
				}
			}
		}
		return w
	}, func(w *world) error {
		_, err := w.bootstrapKeyless(robot.BootstrapOptions{Repositories: []string{"new"}})
		return err
	}, func(w *world, when string) {
		w.onCall = nil
		names := w.robots()
		if len(names) != 1 {
			t.Errorf("%s: robots are %q", when, names)
		}
		w.isKeyless(names[0], when)
	})
}

// The token is replaced in every run where the robot is not one that was made for it: nobody can say who had it.
func TestBootstrapKeylessTakesARobotThatSomebodyMade(t *testing.T) {
	w := newKeyless(t)
	token := w.quay.AddRobot("team-payments", "ci")
	w.quay.SetDefaultPermission("team-payments", "team-payments+ci", quaytest.Write)
	w.accounts[w.Secret] = robot.ServiceAccount{Robot: "team-payments+ci"}
	w.quay.SetFederation("team-payments+ci", quaytest.Federation{Issuer: "https://old.example.com", Subject: "repo:a"},
		quaytest.Federation{Issuer: w.issuer.URL(), Subject: w.trusts()[0].Subject})
	for run := range 2 {
		done, err := w.bootstrapKeyless(robot.BootstrapOptions{})
		if err != nil || done.Robot != "team-payments+ci" {
			t.Fatalf("robot %q, %v", done.Robot, err)
		}
		if now := w.quay.RobotToken("team-payments+ci"); now == token {
			t.Errorf("run %d: the token was not replaced", run)
		} else {
			token = now
		}
		w.isKeyless("team-payments+ci", fmt.Sprint("run ", run))
		if run == 0 {
			want := `; it does not trust any more subject "repo:a" of issuer "https://old.example.com"`
			if got := done.Steps[8]; got.ID != "federation" || !strings.HasSuffix(got.Detail, want) {
				t.Errorf("step is %v", got)
			}
		}
	}
}

// What the team has already is not left behind, nor anything begun where it cannot be finished.
func TestBootstrapKeylessRefuses(t *testing.T) {
	const offboard = "end it with tkn quay offboard payments --yes"
	for name, test := range map[string]struct {
		spoil         func(w *world)
		reason        robot.Reason
		problem, next string
	}{
		"a credential in Vault": {func(w *world) {
			w.put(w.VaultPath, vault.Data{"username": secret.New("team-payments+ci"), "token": secret.New("T")})
		}, robot.ReasonRefused, `team "payments" has a stored credential: "apps/payments/checkout/ci/quay-robot" in Vault has 1 versions that can be read`, offboard},
		"an ExternalSecret and its Secret": {func(w *world) {
			w.external[w.Secret], w.secrets[w.Secret] = robot.ExternalSecret{}, robot.Secret{}
		}, robot.ReasonRefused, `team "payments" has a stored credential: there is ExternalSecret "openshift-pipelines/quay-robot-team-payments", ` +
			`there is Secret "openshift-pipelines/quay-robot-team-payments"`, offboard},
		"a robot with a right": {func(w *world) {
			w.quay.AddRobot("team-payments", "ci")
			w.quay.Grant("team-payments/api", "team-payments+ci", quaytest.Read)
		}, robot.ReasonRefused, `robot "team-payments+ci" of team "payments" has a role on 1 repositories, and may be somebody's: its token was stored, or its end was broken off`, offboard},
		"a robot whose end was broken off": {func(w *world) {
			w.keyless()
			prototypes, err := w.observer().Quay.Prototypes(t.Context(), "team-payments")
			if err != nil || len(prototypes) != 1 {
				t.Fatalf("default permissions are %v, %v", prototypes, err)
			}
			if err := w.observer().Quay.DeletePrototype(t.Context(), "team-payments", prototypes[0].ID); err != nil {
				t.Fatal(err)
			}
		}, robot.ReasonRefused, `robot "team-payments+ci" of team "payments" has a role on 2 repositories, and may be somebody's`, offboard},
		"another cluster": {func(w *world) {
			w.keyless()
			w.quay.SetFederation(first, quaytest.Federation{Issuer: "https://other.example.com", Subject: w.trusts()[0].Subject})
		}, robot.ReasonRefused, `robot "team-payments+ci" trusts subject "system:serviceaccount:openshift-pipelines:quay-robot-team-payments" of issuer "https://other.example.com", which is another cluster's; ` +
			"this one has issuer ", "a team is keyless in one cluster; if this one had that issuer before, take the entry out"},
		"an older Quay":   {func(w *world) { w.quay.SetBearerLogin(false) }, robot.ReasonRefused, "no team can be keyless", "upgrade Quay to 3.13 or newer"},
		"no organization": {func(w *world) { w.renamed("team-none") }, robot.ReasonMissing, `there is no organization "team-none"`, "--create-organization"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newKeyless(t)
			test.spoil(w)
			w.quay.ForgetRequests()
			_, err := w.bootstrapKeyless(robot.BootstrapOptions{})
			e := (*robot.Error)(nil)
			if !errors.As(err, &e) || e.Reason != test.reason || !strings.Contains(e.Problem, test.problem) || !strings.Contains(e.Next, test.next) {
				t.Errorf("error is %v", err)
			}
			for _, r := range w.quay.Requests() {
				if r.Method != http.MethodGet {
					t.Errorf("it sent %s %s", r.Method, r.Path)
				}
			}
		})
	}
}

// An exchange that fails is told as what it is; a token that the caller may not have proves nothing, and is no failure.
func TestBootstrapKeylessProves(t *testing.T) {
	w := newKeyless(t)
	w.keyless()
	w.withheld = true
	done, err := w.bootstrapKeyless(robot.BootstrapOptions{})
	want := `not proved: you may have no token of ServiceAccount "openshift-pipelines/quay-robot-team-payments", as the controller alone may`
	if err != nil || done.Steps[9].Detail != want {
		t.Errorf("step is %v, %v", done.Steps[9], err)
	}
	w.withheld = false
	w.issuer.Stop()
	_, err = w.bootstrapKeyless(robot.BootstrapOptions{})
	e := (*robot.Error)(nil)
	if !errors.As(err, &e) || e.Reason != robot.ReasonNoRight || !strings.Contains(e.Problem, "Quay could not verify the token of issuer") || !strings.Contains(e.Next, "extra_ca_certs") {
		t.Errorf("error is %v", err)
	}
}

// A team that was offboarded becomes keyless with a robot of a later name.
func TestBootstrapKeylessAfterOffboard(t *testing.T) {
	w := newKeyless(t)
	w.external[w.Secret] = robot.ExternalSecret{Ready: true, Path: w.VaultPath}
	w.Keyless = false
	w.onboard()
	if _, err := robot.Offboard(t.Context(), w.services(), w.Tenant); err != nil {
		t.Fatal(err)
	}
	delete(w.external, w.Secret)
	delete(w.secrets, w.Secret)
	w.Keyless = true
	w.quay.Advance(time.Minute)
	done, err := w.bootstrapKeyless(robot.BootstrapOptions{})
	if err != nil || w.Generation(done.Robot) < 2 || slices.Contains(w.robots(), "team-payments+ci") {
		t.Errorf("robot %q of %q, %v", done.Robot, w.robots(), err)
	}
	w.isKeyless(done.Robot, "after offboarding")
}

// A team without an organization is planned, and made with one where that is asked for.
func TestBootstrapKeylessMakesTheOrganization(t *testing.T) {
	w := newKeyless(t)
	w.more = []quaytest.Scope{quaytest.UserAdmin}
	w.renamed("team-orders")
	opts := robot.KeylessOptions{BootstrapOptions: robot.BootstrapOptions{CreateOrganization: true, Email: "orders@example.com", Repositories: []string{"api"}}, Issuer: w.issuer.URL()}
	plan, err := robot.PlanKeyless(t.Context(), w.services(), w.Tenant, opts)
	want := []string{"organization pending", "path kept", "robot pending", "repositories pending", "default-permission pending", "permission pending", "right pending",
		"token pending", "federation pending", "exchange pending", "spent pending", "anchors pending"}
	if diff := cmp.Diff(want, states(plan.Steps)); diff != "" || err != nil || plan.Robot != "team-orders+ci" {
		t.Errorf("plan of %q (-want +got):\n%s%v", plan.Robot, diff, err)
	}
	done, err := robot.BootstrapKeyless(t.Context(), w.services(), w.Tenant, opts)
	if err != nil || done.Robot != "team-orders+ci" {
		t.Fatalf("robot %q, %v", done.Robot, err)
	}
	got, err := w.observer().Quay.Federation(t.Context(), done.Robot)
	if diff := cmp.Diff(w.trusts(), got); diff != "" || err != nil {
		t.Errorf("it trusts (-want +got):\n%s%v", diff, err)
	}
}

// A leak is answered while onboard runs again: the robot that leaked is not made again by its name, under which what it bought is good.
func TestBootstrapKeylessMakesNoRobotAgain(t *testing.T) {
	points := 0
	for at := 1; ; at++ {
		w := keylessTeam(t)
		calls, leaked := 0, error(nil)
		w.onCall = func() {
			if calls++; calls == at {
				w.listen(nil)
				_, leaked = robot.Leak(t.Context(), w.observer(), w.Tenant, robot.LeakOptions{Since: w.quay.Now(), First: robot.FirstBurn})
			}
		}
		_, err := w.bootstrapKeyless(robot.BootstrapOptions{})
		if calls < at {
			break
		}
		points++
		if w.listen(nil); leaked != nil || w.quay.RobotToken(first) != "" {
			t.Errorf("after call %d: the robot is there again: %q, %v, %v", at, w.robots(), err, leaked)
		}
	}
	if points < 10 {
		t.Errorf("only %d points", points)
	}
}
