package robot_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

var keylessChecks = []string{"organization", "service-account", "robot", "federation", "federation-subject", "default-permission", "push-right", "no-right-elsewhere",
	"exchange", "nothing-stored", "other-robots"}

func TestVerifyKeyless(t *testing.T) {
	w := newKeyless(t).withPlatform()
	w.keyless()
	w.quay.ForgetRequests()
	report := w.verify()
	ids, details := []string{}, map[string]string{}
	for _, c := range report.Checks {
		ids, details[c.ID] = append(ids, c.ID), c.Detail
	}
	if diff := cmp.Diff(keylessChecks, ids); diff != "" || !report.OK() || report.Robot != first || report.Unproved != nil {
		t.Errorf("%s, not passed: %q, unproved: %q; checks (-want +got):\n%s", report.Robot, wrong(report), report.Unproved, diff)
	}
	for id, want := range map[string]string{
		"service-account":    `it names "team-payments+ci"; Pods that are it get a token of it: false`,
		"federation":         `it trusts subject "system:serviceaccount:openshift-pipelines:quay-robot-team-payments" of issuer "` + w.issuer.URL() + `" and nobody else`,
		"federation-subject": "asked about 0 other robots",
		"exchange":           `Quay gave a token of "team-payments+ci", which may push to 2 repositories`,
		"nothing-stored":     `there is nothing at "apps/payments/checkout/ci/quay-robot" in Vault, and no Secret or ExternalSecret "openshift-pipelines/quay-robot-team-payments"`,
	} {
		if details[id] != want {
			t.Errorf("%s: %s, want %s", id, details[id], want)
		}
	}
	for _, r := range w.quay.Requests() {
		if r.Method != "GET" {
			t.Errorf("it sent %s %s", r.Method, r.Path)
		}
	}
	// Whom nobody gives a token, the exchange is not looked at, and that is no finding.
	w.withheld = true
	report = w.verify()
	want := []string{`exchange: you may have no token of ServiceAccount "openshift-pipelines/quay-robot-team-payments", as the controller alone may; ` +
		"the condition of the team's next run says whether it works"}
	if diff := cmp.Diff(want, report.Unproved); diff != "" || !report.OK() {
		t.Errorf("not passed: %q, unproved (-want +got):\n%s", wrong(report), diff)
	}
}

// Each thing that can be wrong is found by its own check, with what was found and the next step.
func TestVerifyKeylessFinds(t *testing.T) {
	for name, test := range map[string]struct {
		spoil             func(w *world)
		wrong             []string
		id, detail, nexts string
	}{
		"no ServiceAccount": {func(w *world) { delete(w.accounts, w.Secret) }, []string{"service-account failed", "robot skipped", "federation skipped", "federation-subject skipped",
			"default-permission skipped", "push-right skipped", "no-right-elsewhere skipped", "exchange skipped", "other-robots skipped"},
			"service-account", `there is no ServiceAccount "openshift-pipelines/quay-robot-team-payments"`, "onboard TEAM --keyless"},
		"another team's robot": {func(w *world) { w.accounts[w.Secret] = robot.ServiceAccount{Robot: "team-platform+ci"} }, []string{"service-account failed", "robot skipped", "federation skipped",
			"federation-subject skipped", "default-permission skipped", "push-right skipped", "no-right-elsewhere skipped", "exchange skipped", "other-robots skipped"},
			"service-account", `names "team-platform+ci", which is no robot of team "payments"`, "onboard TEAM --keyless"},
		"Pods that are it": {func(w *world) { w.accounts[w.Secret] = robot.ServiceAccount{Robot: first, Mounts: true} }, []string{"service-account failed"},
			"service-account", "Pods that are it get a token of it: true", "onboard TEAM --keyless"},
		"no robot": {func(w *world) { w.quay.DeleteRobot(first) }, []string{"robot failed", "federation skipped", "federation-subject skipped",
			"default-permission skipped", "push-right skipped", "no-right-elsewhere skipped", "exchange skipped", "other-robots skipped"},
			"robot", `there is no robot "team-payments+ci" in Quay`, "run onboard with --keyless"},
		"nobody trusted": {func(w *world) { w.quay.SetFederation(first) }, []string{"federation failed", "federation-subject skipped", "exchange skipped"},
			"federation", "it trusts nobody", "run onboard with --keyless"},
		"a slash too many": {func(w *world) {
			w.quay.SetFederation(first, quaytest.Federation{Issuer: w.issuer.URL() + "/", Subject: w.trusts()[0].Subject})
		}, []string{"federation failed", "federation-subject skipped", "exchange skipped"}, "federation", "it does not trust subject", "run onboard with --keyless"},
		"another, too": {func(w *world) {
			w.quay.SetFederation(first, quaytest.Federation{Issuer: w.issuer.URL(), Subject: w.trusts()[0].Subject}, quaytest.Federation{Issuer: "https://ci.example.com", Subject: "repo:a"})
		}, []string{"federation failed", "federation-subject skipped", "exchange skipped"}, "federation",
			`it trusts others, too: subject "repo:a" of issuer "https://ci.example.com"`, "run onboard with --keyless"},
		"another robot's, too": {func(w *world) {
			w.quay.AddRobot("team-payments", "scanner")
			w.quay.SetFederation("team-payments+scanner", quaytest.Federation{Issuer: w.issuer.URL(), Subject: w.trusts()[0].Subject})
		}, []string{"federation-subject failed"}, "federation-subject", `asked about 1 other robots; it is trusted by "team-payments+scanner"`, "take it out of that robot's federation"},
		"an older Quay": {func(w *world) { w.quay.SetBearerLogin(false) }, []string{"federation failed", "federation-subject skipped", "exchange skipped"},
			"federation", "no team can be keyless: ", "upgrade Quay to 3.13"},
		"the issuer is away": {func(w *world) { w.issuer.Stop() }, []string{"exchange failed"}, "exchange", "Quay could not verify the token of issuer", "extra_ca_certs"},
		"less than Write": {func(w *world) { w.quay.Grant("team-payments/api", first, quaytest.Read) }, []string{"push-right failed", "exchange failed"},
			"exchange", `which may not push to "team-payments/api"`, "read-only or a mirror"},
		"a credential in Vault": {func(w *world) {
			w.put(w.VaultPath, vault.Data{"username": secret.New(first), "token": secret.New("T")})
		}, []string{"nothing-stored failed"},
			"nothing-stored", `"apps/payments/checkout/ci/quay-robot" in Vault has 1 versions that can be read`, "tkn quay offboard ends all of it"},
		"a Secret": {func(w *world) { w.secrets[w.Secret] = robot.Secret{} }, []string{"nothing-stored failed"},
			"nothing-stored", `there is Secret "openshift-pipelines/quay-robot-team-payments"`, "from Git first"},
		"no labels": {func(w *world) { w.VaultPath = "" }, []string{"nothing-stored skipped"}, "nothing-stored", "the path in Vault is not known", "give --division and --app"},
		"an older robot": {func(w *world) {
			w.quay.AddRobot("team-payments", "ci-b")
			w.quay.Grant("team-payments/api", "team-payments+ci-b", quaytest.Write)
		}, []string{"other-robots failed"}, "other-robots", `1 others hold a right: "team-payments+ci-b" has a role on 1 repositories`, "run rotate, which ends it"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newKeyless(t).withPlatform()
			w.keyless()
			test.spoil(w)
			report := w.verify()
			if diff := cmp.Diff(test.wrong, wrong(report)); diff != "" {
				t.Errorf("not passed (-want +got):\n%s", diff)
			}
			for _, c := range report.Checks {
				if c.ID == test.id && (!strings.Contains(c.Detail, test.detail) || !strings.Contains(c.Next, test.nexts)) {
					t.Errorf("%s: %s; %s", c.ID, c.Detail, c.Next)
				}
			}
		})
	}
}

// Where it is not known which issuer the cluster has, that is said, and no more is claimed.
func TestVerifyKeylessWithoutTheIssuer(t *testing.T) {
	w := newKeyless(t).withPlatform()
	w.keyless()
	s := w.services()
	s.Issuer = func(_ context.Context) (string, error) { return "", errors.New("you may not read it") }
	report, err := robot.Verify(t.Context(), s, w.Tenant, own, nil)
	if diff := cmp.Diff([]string{"federation skipped", "federation-subject skipped", "exchange skipped"}, wrong(report)); diff != "" || err != nil {
		t.Errorf("not passed (-want +got):\n%s%v", diff, err)
	}
	if c := report.Checks[3]; c.Detail != "you may not read it" || c.Next != "give the issuer's name with --issuer" {
		t.Errorf("check is %v", c)
	}
}

// What is about a stored credential is refused before anything is asked, with the way that ends the robot.
func TestKeylessIsRefused(t *testing.T) {
	w := newKeyless(t)
	w.keyless()
	calls := w.calls
	for name, run := range map[string]func() error{
		"bootstrap": func() error {
			_, err := robot.Bootstrap(t.Context(), w.services(), w.Tenant, robot.BootstrapOptions{})
			return err
		},
		"a plan of bootstrap": func() error {
			_, err := robot.PlanBootstrap(t.Context(), w.services(), w.Tenant, robot.BootstrapOptions{})
			return err
		},
	} {
		err := run()
		e := (*robot.Error)(nil)
		if !errors.As(err, &e) || e.Reason != robot.ReasonRefused || !strings.HasPrefix(e.Problem, `team "payments" is keyless: ServiceAccount "openshift-pipelines/quay-robot-team-payments" stands for it`) ||
			!strings.HasPrefix(e.Next, "to replace its robot run tkn quay rotate payments; for a stored credential run tkn quay offboard payments --yes, delete the ServiceAccount") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	if w.calls != calls {
		t.Errorf("%d calls", w.calls-calls)
	}
}

// Offboarding ends what a thief bought with an exchanged token, and lets the team push again.
func TestKeylessIsEndedAndBegunAgain(t *testing.T) {
	w := newKeyless(t).withPlatform()
	w.keyless()
	stolen, err := w.observer().Exchange(t.Context(), first, w.accountToken(w.trusts()[0].Subject))
	if err != nil {
		t.Fatal(err)
	}
	planned, err := robot.PlanOffboard(t.Context(), w.services(), w.Tenant)
	want := []string{"path kept", "runs kept", "burn pending", "holder pending", "vault kept", "robots pending", "names pending"}
	if diff := cmp.Diff(want, states(planned)); diff != "" || err != nil {
		t.Errorf("plan (-want +got):\n%s%v", diff, err)
	}
	if _, err := robot.Offboard(t.Context(), w.services(), w.Tenant); err != nil {
		t.Fatal(err)
	}
	w.offboarded("after offboarding")
	if rights, err := w.observer().Quay.Rights(t.Context(), first, stolen, own...); err == nil && (rights.Push(own[0]) || rights.Push(own[1])) {
		t.Errorf("the stolen token has %v", rights)
	}
	w.quay.Advance(time.Minute)
	done, err := w.bootstrapKeyless(robot.BootstrapOptions{})
	if err != nil || done.Robot == first {
		t.Fatalf("robot %q, %v", done.Robot, err)
	}
	w.accounts[w.Secret] = robot.ServiceAccount{Robot: done.Robot}
	w.isKeyless(done.Robot, "begun again")
	if report := w.verify(); !report.OK() {
		t.Errorf("not passed: %q", wrong(report))
	}
}

// Without labels on the ServiceAccount no path in Vault is known, and the robots are ended all the same, also one that somebody else made.
func TestOffboardKeylessWithoutAPath(t *testing.T) {
	w := newKeyless(t)
	w.keyless()
	w.quay.AddRobot("team-payments", "ci-7")
	w.quay.Grant("team-payments/api", "team-payments+ci-7", quaytest.Write)
	w.accounts[w.Secret] = robot.ServiceAccount{Robot: "team-payments+ci-7"}
	w.VaultPath = ""
	if _, err := robot.Offboard(t.Context(), w.services(), w.Tenant); err != nil {
		t.Fatal(err)
	}
	for _, name := range w.robots() {
		if w.mayPush(name) || name == first || name == "team-payments+ci-7" {
			t.Errorf("robot %q is there", name)
		}
	}
}

func TestOffboardKeylessGoesOnAfterACrashAnywhere(t *testing.T) {
	everyCrash(t, 15, func(int) *world {
		w := newKeyless(t)
		w.keyless()
		return w
	}, func(w *world) error {
		_, err := robot.Offboard(t.Context(), w.services(), w.Tenant)
		return err
	}, (*world).offboarded)
}
