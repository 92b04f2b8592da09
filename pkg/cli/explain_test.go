package cli_test

import (
	"errors"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/config"
)

// unmade is a PipelineRun of team payments, whose CustomRun Tekton has not made yet.
const unmade = `
apiVersion: v1
kind: Namespace
metadata: {name: apps-payments-checkout, labels: {apps.platform/team: payments}}
---
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: build, namespace: apps-payments-checkout, uid: u1}
`

// forbid has the API server refuse the caller.
func forbid(w *world, verb, resource string) {
	w.kube.PrependReactor(verb, resource, func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrs.NewForbidden(corev1.Resource(resource), "", errors.New("no right"))
	})
}

// Whether the controller may read the Secret decides, and not whether the caller may; who may not ask is told what the own right shows.
func TestExplainGoesByTheControllersRight(t *testing.T) {
	for name, test := range map[string]struct {
		spoil     func(w *world)
		exit      cli.Exit
		says, row string
	}{
		"neither may": {func(w *world) {
			w.kube.PrependReactor("create", "subjectaccessreviews", func(a clienttesting.Action) (bool, runtime.Object, error) {
				review := a.(clienttesting.CreateAction).GetObject().(*authorizationv1.SubjectAccessReview)
				what := review.Spec.ResourceAttributes
				review.Status.Allowed = review.Spec.User != "system:serviceaccount:quay-push:controller" || what.Verb != "get" || what.Resource != "secrets" ||
					what.Namespace != "apps-payments-checkout" || what.Name != "quay-robot-team-payments"
				return true, review, nil
			})
			forbid(w, "get", "secrets")
		}, cli.ExitRefused, "may not push: SecretUnreadable", `refused  the controller may not read Secret "quay-robot-team-payments" in namespace "apps-payments-checkout"`},
		"the controller may": {func(w *world) { forbid(w, "get", "secrets") }, cli.ExitOK, "pushes as team payments",
			"skipped  you may not read Secret apps-payments-checkout/quay-robot-team-payments; the controller looks at it before a push"},
		"nobody says": {func(w *world) { forbid(w, "create", "subjectaccessreviews") }, cli.ExitRefused, "may not push: SecretMissing",
			`refused  team "payments" has no Secret "quay-robot-team-payments"`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			for document := range strings.SplitSeq(unmade, "---\n") {
				if err := w.add([]byte(document)); err != nil {
					t.Fatal(err)
				}
			}
			test.spoil(w)
			exit, stdout, stderr := w.run(t.Context(), "", "explain", "pipelinerun", "build", "-n", "apps-payments-checkout")
			if exit != test.exit || !strings.Contains(stdout, "build-push "+test.says) || !strings.Contains(stdout, test.row) {
				t.Errorf("exit %d\n%s%s", exit, stdout, stderr)
			}
		})
	}
}

// keyless is the same run where the robots are in custody, and the team is keyless there.
const keyless = unmade + `---
apiVersion: v1
kind: ServiceAccount
metadata: {name: quay-robot-team-payments, namespace: custody, annotations: {quay.comptech-lab.com/robot: ROBOT}}
`

// lacking has the controller lack one right: to create that subresource of the team's ServiceAccount.
func lacking(w *world, subresource string) {
	w.kube.PrependReactor("create", "subjectaccessreviews", func(a clienttesting.Action) (bool, runtime.Object, error) {
		review := a.(clienttesting.CreateAction).GetObject().(*authorizationv1.SubjectAccessReview)
		what := review.Spec.ResourceAttributes
		review.Status.Allowed = review.Spec.User != "system:serviceaccount:quay-push:controller" || *what != authorizationv1.ResourceAttributes{
			Verb: "create", Resource: "serviceaccounts", Subresource: subresource, Namespace: "custody", Name: "quay-robot-team-payments"}
		return true, review, nil
	})
}

// A keyless team pushes by its ServiceAccount, if that names a robot of its own; no token is asked for.
func TestExplainKeyless(t *testing.T) {
	for name, test := range map[string]struct {
		robot string
		spoil func(w *world)
		exit  cli.Exit
		says  []string
	}{
		"its own robot": {"team-payments+ci", func(*world) {}, cli.ExitOK, []string{
			"/team-payments, keyless, by ServiceAccount custody/quay-robot-team-payments\n",
			"secret               passed   keyless, by ServiceAccount custody/quay-robot-team-payments: Quay is asked for a token of robot team-payments+ci when a run starts"}},
		"a controller that gets no token": {"team-payments+ci", func(w *world) { lacking(w, "token") }, cli.ExitRefused, []string{"may not push: TokenRefused",
			`refused  the controller may have no token of ServiceAccount "quay-robot-team-payments" in namespace "custody" made, which Quay would exchange`,
			"allow: apply config/custody/ again: it gives the right to create serviceaccounts/token there"}},
		"a controller that lacks something else": {"team-payments+ci", func(w *world) { lacking(w, "other") }, cli.ExitOK, []string{"keyless, by ServiceAccount custody/quay-robot-team-payments\n"}},
		"nobody says what the controller may":    {"team-payments+ci", func(w *world) { forbid(w, "create", "subjectaccessreviews") }, cli.ExitOK, []string{"keyless, by ServiceAccount custody/quay-robot-team-payments\n"}},
		"another team's robot": {"team-platform+ci", func(*world) {}, cli.ExitRefused, []string{"may not push: KeylessInvalid",
			`refused  ServiceAccount "quay-robot-team-payments" in namespace "custody" names robot "team-platform+ci", which is not one of team "payments"`,
			"allow: annotate it with quay.comptech-lab.com/robot"}},
		"a Secret, too": {"team-payments+ci", func(w *world) {
			if err := w.kube.Tracker().Add(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "custody", Name: "quay-robot-team-payments"}}); err != nil {
				t.Fatal(err)
			}
		}, cli.ExitRefused, []string{"may not push: KeylessConflict"}},
		"nothing there is the caller's to read": {"team-payments+ci", func(w *world) { forbid(w, "get", "serviceaccounts") }, cli.ExitOK, []string{
			"skipped  you may not read Secret custody/quay-robot-team-payments, or the ServiceAccount in its place; the controller looks at it before a push"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if err := w.kube.Tracker().Update(corev1.SchemeGroupVersion.WithResource("configmaps"), &corev1.ConfigMap{
				ObjectMeta: metav1.ObjectMeta{Namespace: config.Namespace, Name: config.Name}, Data: map[string]string{"registry": w.quay.Host(), "custody-namespace": "custody"}}, config.Namespace); err != nil {
				t.Fatal(err)
			}
			for document := range strings.SplitSeq(strings.ReplaceAll(keyless, "ROBOT", test.robot), "---\n") {
				if err := w.add([]byte(document)); err != nil {
					t.Fatal(err)
				}
			}
			test.spoil(w)
			exit, stdout, stderr := w.run(t.Context(), "", "explain", "pipelinerun", "build", "-n", "apps-payments-checkout")
			if exit != test.exit {
				t.Errorf("exit %d\n%s%s", exit, stdout, stderr)
			}
			for _, part := range test.says {
				if !strings.Contains(stdout, part) {
					t.Errorf("it does not say %q:\n%s", part, stdout)
				}
			}
			for _, a := range w.kube.Actions() {
				if a.GetSubresource() == "token" {
					t.Error("a token was asked for")
				}
			}
		})
	}
}
