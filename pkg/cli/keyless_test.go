package cli_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/externalsecret"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// A team is keyless from its first day to its last: nothing is stored, and its robot goes with it.
func TestKeyless(t *testing.T) {
	w := newCustody(t)
	manifest := w.must(onboardKeyless("--dry-run")...)
	for _, part := range []string{"kind: ServiceAccount\n", "    quay.comptech-lab.com/robot: team-payments+ci\n", "  name: quay-robot-team-payments\n  namespace: custody\n",
		"automountServiceAccountToken: false\n", "kind: RoleBinding\n"} {
		if !strings.Contains(manifest, part) {
			t.Errorf("%q is not in\n%s", part, manifest)
		}
	}
	if strings.Contains(manifest, "ExternalSecret") || w.quay.RobotToken("team-payments+ci") != "" {
		t.Errorf("a dry run made something, or renders an ExternalSecret:\n%s", manifest)
	}
	said := w.must(onboardKeyless("--apply")...)
	if !strings.Contains(said, `not proved: there is no ServiceAccount "custody/quay-robot-team-payments" yet`) || !strings.Contains(said, "ServiceAccount custody/quay-robot-team-payments") {
		t.Errorf("onboard says\n%s", said)
	}
	account := w.account()
	if got := account.Annotations["quay.comptech-lab.com/robot"]; got != "team-payments+ci" || *account.AutomountServiceAccountToken || account.Labels["apps.platform/division"] != "retail" {
		t.Errorf("ServiceAccount is %v", account)
	}
	if len(w.versions) > 0 {
		t.Errorf("Vault has %v", slices.Collect(maps.Keys(w.versions)))
	}

	// Again, as the controller's own token would be good: it is proved.
	again := w.must(onboardKeyless("--apply")...)
	if strings.Contains(again, "changed") || !strings.Contains(again, `Quay gave a token of "team-payments+ci", which may push to 1 repositories`) {
		t.Errorf("onboard again says\n%s", again)
	}
	if diff := cmp.Diff([]string{w.quay.Host()}, w.audiences); diff != "" {
		t.Errorf("audiences (-want +got):\n%s", diff)
	}

	for _, args := range [][]string{{"verify", "payments"}, {"verify", "--all"}} {
		var found struct {
			Reports []struct {
				Tenant, Robot string
				Checks        []struct{ ID, Status string }
			}
		}
		if err := json.Unmarshal([]byte(w.must(append(args, "-o", "json")...)), &found); err != nil {
			t.Fatal(err)
		}
		if len(found.Reports) != 1 || found.Reports[0].Robot != "team-payments+ci" || found.Reports[0].Checks[3].ID != "federation" {
			t.Errorf("%q found %v", args, found)
		}
	}

	gone := w.must("offboard", "payments", "--yes", "--apply")
	if !strings.Contains(gone, "deleted  ServiceAccount custody/quay-robot-team-payments") && !strings.Contains(gone, "ServiceAccount custody/quay-robot-team-payments") {
		t.Errorf("offboard says\n%s", gone)
	}
	if _, err := w.kube.CoreV1().ServiceAccounts(custody).Get(t.Context(), "quay-robot-team-payments", metav1.GetOptions{}); !apierrs.IsNotFound(err) {
		t.Errorf("the ServiceAccount is there: %v", err)
	}
	if w.quay.RobotToken("team-payments+ci") != "" {
		t.Error("the robot is there")
	}
	w.quay.Advance(time.Minute)
	w.must(onboardKeyless("--apply")...)
	if got := w.account().Annotations["quay.comptech-lab.com/robot"]; got == "team-payments+ci" || !strings.HasPrefix(got, "team-payments+ci-") {
		t.Errorf("the next robot is %q", got)
	}
}

// Where a team cannot be keyless, that is said with the reason and the next step for it, and nothing is made.
func TestOnboardKeylessRefuses(t *testing.T) {
	const publish = "publish its two documents at an address with https"
	discovery := func(issuer string) string { return `{"issuer":"` + issuer + `","jwks_uri":"https://x/keys"}` }
	for name, test := range map[string]struct {
		spoil      func(w *world)
		args       []string
		exit       cli.Exit
		says, next string
	}{
		"no custody": {func(w *world) { w.configure(map[string]string{"registry": w.quay.Host()}) }, onboardKeyless(), cli.ExitRefused,
			"a keyless team needs custody", "switch custody on, see docs/custody.md"},
		"an issuer without https": {func(w *world) { w.instead["/.well-known/openid-configuration"] = discovery("http://cluster") }, onboardKeyless(), cli.ExitRefused,
			`no team can be keyless here: issuer "http://cluster" is no address with https`, publish},
		"elliptic keys": {func(w *world) { w.instead["/openid/v1/jwks"] = `{"keys":[{"kty":"EC","kid":"e"}]}` }, onboardKeyless(), cli.ExitRefused,
			`has no RSA key with a name, and Quay takes RS256 and RS384 alone: it has "e" (EC)`, "let the issuer sign with an RSA key"},
		"no right to the documents": {func(w *world) { w.instead["/.well-known/openid-configuration"] = "" }, onboardKeyless(), cli.ExitNoRight,
			"reading /.well-known/openid-configuration of the API server, which ClusterRole system:service-account-issuer-discovery gives the right to", "ask for that right, or give the issuer's name with --issuer"},
		"documents that are none": {func(w *world) { w.instead["/.well-known/openid-configuration"] = "{}" }, onboardKeyless(), cli.ExitFailure,
			"the API server's documents about its tokens are of no use: the discovery document lacks issuer or jwks_uri", "see what kubectl get --raw /.well-known/openid-configuration prints"},
		"another issuer without https": {func(*world) {}, onboardKeyless("--issuer", "cluster"), cli.ExitRefused, `issuer "cluster" is no address with https`, publish},
		"an older Quay":                {func(w *world) { w.quay.SetBearerLogin(false) }, onboardKeyless(), cli.ExitRefused, "this Quay has no robot federation, which came with 3.13", "upgrade Quay to 3.13 or newer"},
		"a stored credential": {func(w *world) {
			w.must("onboard", "payments", "--division", "retail", "--app", "checkout", "--namespace", "apps-payments", "--apply")
		}, onboardKeyless(), cli.ExitRefused,
			`team "payments" has a stored credential`, "end it with tkn quay offboard payments --yes --apply"},
		"a stored credential of another app": {func(w *world) {
			w.must("onboard", "payments", "--division", "retail", "--app", "shop", "--namespace", "apps-payments", "--apply")
		}, onboardKeyless(), cli.ExitRefused,
			`team "payments" has a stored credential: ExternalSecret "custody/quay-robot-team-payments" reads "apps/retail/shop/ci/quay-robot" in Vault`, "end it with tkn quay offboard payments"},
		"a credential in Vault alone": {func(w *world) {
			if _, err := (&memoryVault{w: w}).Write(w.Context(), "apps/retail/checkout/ci/quay-robot", vault.Data{"username": secret.New("team-payments+ci"), "token": secret.New("T0KEN")}, 0); err != nil {
				w.Fatal(err)
			}
		}, onboardKeyless(), cli.ExitRefused, `"apps/retail/checkout/ci/quay-robot" in Vault has 1 versions that can be read`, "end it with tkn quay offboard payments"},
		"no namespace": {func(*world) {}, []string{"onboard", "payments", "--division", "retail", "--app", "checkout", "--keyless"}, cli.ExitUsage,
			"--keyless is for runs in a namespace of the team's", "give the team's namespace with --namespace"},
		"an annotation on no Secret": {func(*world) {}, onboardKeyless("--version-annotation"), cli.ExitUsage, "--version-annotation is for a Secret", "leave one of them out"},
		"an issuer without keyless":  {func(*world) {}, []string{"onboard", "payments", "--division", "retail", "--app", "checkout", "--issuer", "https://x"}, cli.ExitUsage, "--issuer is for a keyless team", "give it with --keyless"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCustody(t)
			test.spoil(w)
			before := w.quay.RobotToken("team-payments+ci")
			exit, _, stderr := w.run(t.Context(), "", test.args...)
			if exit != test.exit || !strings.Contains(stderr, test.says) || !strings.Contains(stderr, "next: "+test.next) {
				t.Errorf("exit %d, want %d, %q and %q:\n%s", exit, test.exit, test.says, test.next, stderr)
			}
			if w.quay.RobotToken("team-payments+ci") != before {
				t.Error("a robot was made or changed")
			}
		})
	}
}

// What makes a stored credential is refused for a keyless team.
func TestKeylessRefusesTheOthers(t *testing.T) {
	w := newCustody(t)
	w.must(onboardKeyless("--apply")...)
	for _, args := range [][]string{
		{"bootstrap", "payments", "--division", "retail", "--app", "checkout"}, {"onboard", "payments", "--division", "retail", "--app", "checkout", "--namespace", "apps-payments", "--apply"},
		{"adopt", "payments", "--division", "retail", "--app", "checkout", "--apply"},
	} {
		exit, stdout, stderr := w.run(t.Context(), "", args...)
		if exit != cli.ExitRefused || stdout != "" || !strings.Contains(stderr, `team "payments" is keyless: ServiceAccount "custody/quay-robot-team-payments" stands for it`) ||
			!strings.Contains(stderr, "next: to replace its robot run tkn quay rotate payments") {
			t.Errorf("%q: exit %d\n%s%s", args, exit, stdout, stderr)
		}
	}
	if exit, _, stderr := w.run(t.Context(), "", "rotate", "payments", "--in-place", "--yes"); exit != cli.ExitRefused || !strings.Contains(stderr, "next: leave that out: another robot takes over") {
		t.Errorf("exit %d: %s", exit, stderr)
	}
}

// annotations are those by which the ServiceAccount names the robot of its onboarding, and the one that replaced it.
func (w *world) annotations() [2]string {
	w.Helper()
	found := w.account().Annotations
	return [2]string{found["quay.comptech-lab.com/robot"], found["quay.comptech-lab.com/robot-successor"]}
}

// rotate and leak replace the robot of a keyless team. What was applied at onboarding stays, so that nobody's GitOps takes that back; and
// whoever applies that again changes nothing.
func TestKeylessIsReplaced(t *testing.T) {
	w := newCustody(t)
	w.must(onboardKeyless("--apply")...)
	for _, args := range [][]string{{"rotate", "payments", "--dry-run"}, {"leak", "payments", "--since", "1h", "--dry-run"}} {
		w.must(args...)
	}
	if got := w.annotations(); got != [2]string{"team-payments+ci", ""} {
		t.Fatalf("a dry run named %q", got)
	}
	for i, step := range []struct {
		args  []string
		says  []string
		names string
	}{
		{[]string{"rotate", "payments"}, []string{"team payments pushes with team-payments+ci-2\n"}, "team-payments+ci-2"},
		{[]string{"leak", "payments", "--since", "1h", "--yes"}, []string{"The team pushes with team-payments+ci-3. For ", "no robot of then had a right or a good token any more: team-payments+ci-2", "can still pull and push until "}, "team-payments+ci-3"},
		{[]string{"leak", "payments", "--since", "1h", "--yes", "--first", "replace", "--issuer", w.issuer.URL()}, []string{"The team pushes with team-payments+ci-4, and had a credential that worked all the time."}, "team-payments+ci-4"},
		{onboardKeyless("--apply"), []string{`Quay gave a token of "team-payments+ci-4"`}, "team-payments+ci-4"},
	} {
		said := w.must(step.args...)
		for _, part := range step.says {
			if !strings.Contains(said, part) {
				t.Errorf("%q does not say %q:\n%s", step.args, part, said)
			}
		}
		want := [2]string{"team-payments+ci", step.names}
		if i == 3 {
			want[0] = step.names
		}
		if got := w.annotations(); got != want {
			t.Errorf("%q: it names %q, want %q", step.args, got, want)
		}
		w.must("verify", "payments")
		for _, token := range w.tokens {
			if strings.Contains(said, token) {
				t.Errorf("%q shows a token", step.args)
			}
		}
	}
}

// An annotation that names no robot of the team's, as one edited by hand, is refused; what is said leads out of it.
func TestKeylessSuccessorByHand(t *testing.T) {
	w := newCustody(t)
	w.must(onboardKeyless("--apply")...)
	w.must("rotate", "payments")
	for _, name := range []string{"team-other+ci-7", "team-payments+deploy", "nonsense", "team-payments+ci-02"} {
		account := w.account()
		account.Annotations["quay.comptech-lab.com/robot-successor"] = name
		if err := w.kube.Tracker().Update(serviceAccounts, account, custody); err != nil {
			t.Fatal(err)
		}
		exit, _, stderr := w.run(t.Context(), "", "rotate", "payments")
		const clear = "kubectl annotate serviceaccount quay-robot-team-payments --namespace custody quay.comptech-lab.com/robot-successor-"
		if exit != cli.ExitRefused || !strings.Contains(stderr, fmt.Sprintf("names %q, which is no robot of team", name)) || !strings.Contains(stderr, clear) {
			t.Errorf("exit %d: %s", exit, stderr)
		}
		w.must(onboardKeyless("--apply")...)
		if exit, _, stderr := w.run(t.Context(), "", "rotate", "payments"); exit != cli.ExitRefused {
			t.Errorf("what onboard renders is enough, as the next step does not say: exit %d: %s", exit, stderr)
		}
		account = w.account()
		delete(account.Annotations, "quay.comptech-lab.com/robot-successor")
		if err := w.kube.Tracker().Update(serviceAccounts, account, custody); err != nil {
			t.Fatal(err)
		}
		w.must(onboardKeyless("--apply")...)
		w.must("rotate", "payments")
		w.must("verify", "payments")
	}
}

// Whoever may not have the ServiceAccount name another robot is told so, and makes none; one that changed meanwhile is read again.
func TestKeylessIsNotReplacedWithoutTheRight(t *testing.T) {
	w := newCustody(t)
	w.must(onboardKeyless("--apply")...)
	policy := apierrs.NewInvalid(corev1.SchemeGroupVersion.WithKind("ServiceAccount").GroupKind(), "quay-robot-team-payments", nil)
	for _, refusal := range []error{policy, apierrs.NewForbidden(corev1.Resource("serviceaccounts"), "quay-robot-team-payments", nil)} {
		refusing := true
		w.kube.PrependReactor("patch", "serviceaccounts", func(clienttesting.Action) (bool, runtime.Object, error) { return refusing, nil, refusal })
		exit, _, stderr := w.run(t.Context(), "", "rotate", "payments")
		if exit != cli.ExitNoRight || !strings.Contains(stderr, `naming robot "team-payments+ci-2" in ServiceAccount "custody/quay-robot-team-payments"`) ||
			!strings.Contains(stderr, "next: get the right to patch ServiceAccounts there, and the verb onboard or rotate on the team") {
			t.Errorf("exit %d: %s", exit, stderr)
		}
		refusing = false
	}
	if w.quay.RobotToken("team-payments+ci-2") != "" {
		t.Error("a robot was made for nothing")
	}
	conflicts := 2
	w.kube.PrependReactor("patch", "serviceaccounts", func(action clienttesting.Action) (bool, runtime.Object, error) {
		if patch := action.(clienttesting.PatchActionImpl); len(patch.PatchOptions.DryRun) > 0 || conflicts == 0 {
			return false, nil, nil
		}
		conflicts--
		return true, nil, apierrs.NewConflict(corev1.Resource("serviceaccounts"), "quay-robot-team-payments", nil)
	})
	w.must("rotate", "payments")
	if got := w.annotations(); got != [2]string{"team-payments+ci", "team-payments+ci-2"} || conflicts != 0 {
		t.Errorf("it names %q, %d conflicts are left", got, conflicts)
	}
}

// rotate --all goes by the age of a keyless team's robot, with the rights that config/fleet gives and no other.
func TestRotateAllKeyless(t *testing.T) {
	w := newCustody(t).withRecords()
	w.must(onboardKeyless("--apply")...)
	rendered := w.must("onboard", "fleet", "--vault-address", "https://vault.example.com:8200")
	w.refuse("create", "serviceaccounts", apierrs.NewForbidden(corev1.Resource("serviceaccounts"), "quay-robot-team-payments", nil))
	all := []string{"rotate", "--all", "--max-age", "720h", "--record"}
	w.must(all...)
	if got := w.annotations(); got[1] != "" {
		t.Errorf("a robot that was just made was replaced by %q", got[1])
	}
	w.quay.Advance(800 * time.Hour)
	w.kube.ClearActions()
	w.must(all...)
	if got := w.annotations(); got != [2]string{"team-payments+ci", "team-payments+ci-2"} || w.quay.RobotToken("team-payments+ci") != "" {
		t.Errorf("it names %q", got)
	}
	rules := fleetRights(t, rendered, "fleet-rotate")
	for _, action := range w.kube.Actions() {
		tries := action.GetSubresource() == "token" // Which it does without where it may not.
		if !tries && !slices.ContainsFunc(rules, func(g granted) bool { return g.allows(action) }) {
			t.Errorf("fleet-rotate may not %s %s %s/%s", action.GetVerb(), action.GetResource(), action.GetNamespace(), named(action))
		}
	}
	w.must(all...)
	if got := w.annotations(); got[1] != "team-payments+ci-2" {
		t.Errorf("it was replaced again, by %q", got[1])
	}
}

// verify says what is wrong with a keyless team, and what it could not prove.
func TestVerifyKeyless(t *testing.T) {
	w := newCustody(t)
	w.must(onboardKeyless("--apply")...)
	w.refuse("create", "serviceaccounts", apierrs.NewForbidden(corev1.Resource("serviceaccounts"), "quay-robot-team-payments", nil))
	said := w.must("verify", "payments")
	if !strings.Contains(said, "team payments, exchange: you may have no token of ServiceAccount") || !strings.Contains(said, "the condition of the team's next run says whether it works") {
		t.Errorf("verify says\n%s", said)
	}
	w.quay.SetFederation("team-payments+ci", quaytest.Federation{Issuer: "https://elsewhere.example.com", Subject: "x"})
	exit, stdout, _ := w.run(t.Context(), "", "verify", "payments")
	if exit != cli.ExitShared || !strings.Contains(stdout, `it does not trust subject "system:serviceaccount:custody:quay-robot-team-payments" of issuer "`+w.issuer.URL()) {
		t.Errorf("exit %d:\n%s", exit, stdout)
	}
	exit, stdout, _ = w.run(t.Context(), "", "verify", "payments", "--issuer", "https://other.example.com")
	if exit != cli.ExitShared || !strings.Contains(stdout, `of issuer "https://other.example.com", but`) {
		t.Errorf("exit %d:\n%s", exit, stdout)
	}
	w.instead["/.well-known/openid-configuration"] = ""
	exit, stdout, _ = w.run(t.Context(), "", "verify", "payments")
	if exit != cli.ExitFindings || !strings.Contains(stdout, "give the issuer's name with --issuer") {
		t.Errorf("exit %d:\n%s", exit, stdout)
	}
}

// A ServiceAccount counts in custody alone, and a team with an ExternalSecret besides is neither one nor the other.
func TestKeylessIsFoundInCustody(t *testing.T) {
	w := newCustody(t)
	w.must(onboardKeyless("--apply")...)
	elsewhere := w.account().DeepCopy()
	elsewhere.Namespace, elsewhere.Name = shared, "quay-robot-team-platform"
	if err := w.kube.Tracker().Create(serviceAccounts, elsewhere, shared); err != nil {
		t.Fatal(err)
	}
	if exit, _, stderr := w.run(t.Context(), "", "verify", "platform"); exit != cli.ExitMissing {
		t.Errorf("exit %d: %s", exit, stderr)
	}
	both := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
		"metadata": map[string]any{"name": "quay-robot-team-payments", "namespace": custody},
		"spec":     map[string]any{"dataFrom": []any{map[string]any{"extract": map[string]any{"key": "apps/retail/checkout/ci/quay-robot"}}}}}}
	if err := w.dynamic.Tracker().Create(externalsecret.Resource, both, custody); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"verify", "payments"}, {"rotate", "payments"}, onboardKeyless(), {"bootstrap", "payments", "--division", "retail", "--app", "checkout"}} {
		exit, _, stderr := w.run(t.Context(), "", args...)
		if exit != cli.ExitRefused || !strings.Contains(stderr, `team "payments" has both an ExternalSecret and a ServiceAccount "quay-robot-team-payments" in namespace "custody"`) ||
			!strings.Contains(stderr, "next: delete the ExternalSecret if the team is keyless, else the ServiceAccount, from Git first") {
			t.Errorf("%q: exit %d: %s", args, exit, stderr)
		}
	}
	if err := w.dynamic.Tracker().Delete(externalsecret.Resource, custody, "quay-robot-team-payments"); err != nil {
		t.Fatal(err)
	}
	w.refuse("list", "serviceaccounts", apierrs.NewForbidden(corev1.Resource("serviceaccounts"), "", nil))
	if exit, _, stderr := w.run(t.Context(), "", "verify", "--all"); exit != cli.ExitNoRight || !strings.Contains(stderr, `listing ServiceAccounts of keyless teams in namespace "custody"`) {
		t.Errorf("exit %d: %s", exit, stderr)
	}
}
