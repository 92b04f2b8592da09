package resolvetenant

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/clock"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/injection"

	"github.com/comptech-lab/quay-push/internal/oidctest"
	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/reconciler/keyless"
	"github.com/comptech-lab/quay-push/pkg/reconciler/preflight"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
	"github.com/comptech-lab/quay-push/pkg/reconciler/request"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

const (
	robot      = "team-payments+ci"
	repository = "team-payments/checkout"
	custody    = "custody"
)

// newQuay returns a Quay in which the robot of team payments may push to its repository.
func newQuay(t *testing.T) *quaytest.Quay {
	t.Helper()
	q := quaytest.Start(t)
	q.AddOrganization("team-payments")
	q.AddRepository("team-payments", "checkout")
	q.AddRobot("team-payments", "ci")
	q.Grant(repository, robot, quaytest.Write)
	return q
}

// asking returns a world in which a ResolveTenant asks whether a push to the image could begin, and that nobody has looked at yet. The
// tenant's Secret is in namespace; empty: there is none, and a ServiceAccount in custody has its place.
func asking(t *testing.T, q *quaytest.Quay, preflight, image, namespace string, settings map[string]string) *reconcilertest.World {
	t.Helper()
	all := map[string]string{"registry": q.Host()}
	for key, value := range settings {
		all[key] = value
	}
	objects := reconcilertest.Payments(v1alpha1.KindResolveTenant)
	for _, o := range objects {
		switch o := o.(type) {
		case *corev1.Secret:
			o.Namespace, o.Data[corev1.DockerConfigJsonKey] = namespace, q.Dockerconfig(robot)
		case *v1beta1.CustomRun:
			o.Spec.Workspaces = nil
			o.Spec.Params = v1beta1.Params{{Name: "image-ref", Value: *v1beta1.NewStructuredValues(image)}, {Name: "preflight", Value: *v1beta1.NewStructuredValues(preflight)}}
		}
	}
	if namespace == "" {
		objects = slices.DeleteFunc(objects, func(o runtime.Object) bool { _, ok := o.(*corev1.Secret); return ok })
		objects = append(objects, reconcilertest.NewServiceAccount(custody, reconcilertest.Secret, robot))
	}
	w := reconcilertest.New(t, func(now clock.PassiveClock) injection.ControllerConstructor {
		return newController(now, q.Client().Transport, q.CAFile())
	}, all, objects...)
	q.ForgetRequests()
	w.Actions()
	return w
}

// wantEnd checks the end of the run, and that nobody is told the robot's token.
func wantEnd(t *testing.T, q *quaytest.Quay, w *reconcilertest.World, reason string, says ...string) {
	t.Helper()
	got := w.CustomRun(ns, run).Status
	if len(got.Conditions) != 1 || got.CompletionTime == nil {
		t.Fatalf("%+v, want an end", got)
	}
	c := got.Conditions[0]
	if c.Reason != reason || (c.Status == corev1.ConditionTrue) != (reason == "Succeeded") || (len(got.Results) > 0) != (reason == "Succeeded") {
		t.Errorf("Succeeded=%s, %s: %s, with %d results; want %s", c.Status, c.Reason, c.Message, len(got.Results), reason)
	}
	for _, part := range says {
		if !strings.Contains(c.Message, part) {
			t.Errorf("message %q does not say %q", c.Message, part)
		}
	}
	if text := fmt.Sprintf("%+v %v", got, w.Events()); q.RobotToken(robot) != "" && strings.Contains(text, q.RobotToken(robot)) {
		t.Errorf("the token is in %s", text)
	}
}

func names(w *reconcilertest.World) (all []string) {
	for _, r := range w.CustomRun(ns, run).Status.Results {
		all = append(all, r.Name)
	}
	return all
}

func TestPreflight(t *testing.T) {
	for name, test := range map[string]struct {
		namespace string
		settings  map[string]string
		results   []string
		actions   []reconcilertest.Action
	}{
		"the Secret is in the namespace": {ns, nil, []string{"dockerconfig-secret", "team", "organization", "registry"},
			[]reconcilertest.Action{"get pipelineruns", "get secrets", "update customruns/status"}},
		"in custody": {custody, map[string]string{"custody-namespace": custody}, []string{"team", "organization", "registry"},
			[]reconcilertest.Action{"get pipelineruns", "get serviceaccounts", "get secrets", "update customruns/status"}},
	} {
		t.Run(name, func(t *testing.T) {
			q := newQuay(t)
			w := asking(t, q, "true", q.Host()+"/"+repository, test.namespace, test.settings)
			if err := w.Reconcile(ns, run); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.actions, w.Actions()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			wantEnd(t, q, w, "Succeeded", "team payments:", "a push to "+q.Host()+"/"+repository+" could begin now")
			if diff := cmp.Diff(test.results, names(w)); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
			if n := len(q.Requests()); n != 5 {
				t.Errorf("%d requests to the registry, want 5", n)
			}
			if w.TaskRun(ns, run) != nil || len(w.Secrets(ns)) != len(test.results)-3 || len(q.Tags(repository)) > 0 {
				t.Error("something was made")
			}
		})
	}
}

// A keyless team's question is asked with what Quay gives for a token of its ServiceAccount.
func TestPreflightKeyless(t *testing.T) {
	q, issuer := newQuay(t), oidctest.Start(t)
	q.TrustIssuers(issuer.Authorities())
	q.SetFederation(robot, quaytest.Federation{Issuer: issuer.URL(), Subject: "system:serviceaccount:" + custody + ":" + reconcilertest.Secret})
	w := asking(t, q, "true", q.Host()+"/"+repository, "", map[string]string{"custody-namespace": custody})
	var made string
	w.Tokens = func(subject string, audiences []string, lifetime time.Duration) string {
		claims := issuer.Claims(subject)
		claims["aud"], claims["exp"] = audiences, time.Now().Add(lifetime).Unix()
		made = oidctest.Sign(oidctest.RS256, claims)
		return made
	}
	q.Faults.Add(quaytest.Fault{Name: "down", Path: "^/oauth2/", Effect: quaytest.Status(http.StatusServiceUnavailable, nil, "")})
	wantWait(t, w, "no credential yet, it is tried again for 5m0s: keyless, by ServiceAccount")
	if err := w.Reconcile(ns, run); err != nil {
		t.Fatal(err)
	}
	wantEnd(t, q, w, "Succeeded", "could begin now")
	if text := fmt.Sprintf("%+v", w.CustomRun(ns, run)); made == "" || strings.Contains(text, strings.Split(made, ".")[2]) || len(w.Secrets(ns)) > 0 {
		t.Errorf("a token was made: %v; %s", made != "", text)
	}
	t.Run("refused", func(t *testing.T) {
		q := newQuay(t)
		w := asking(t, q, "true", q.Host()+"/"+repository, "", map[string]string{"custody-namespace": custody})
		w.Tokens = func(string, []string, time.Duration) string { return made }
		if err := w.Reconcile(ns, run); err != nil {
			t.Fatal(err)
		}
		wantEnd(t, q, w, v1alpha1.ReasonFederationMissing, "trusts no issuer")
	})
}

// Each refusal has its own reason, what Quay said, and what helps.
func TestPreflightRefuses(t *testing.T) {
	fault := func(path string, effect quaytest.Effect) func(q *quaytest.Quay) {
		return func(q *quaytest.Quay) {
			q.Faults.Add(quaytest.Fault{Name: "fault", Path: path, Times: -1, Effect: effect})
		}
	}
	for reason, tests := range map[string]map[string]struct {
		spoil func(q *quaytest.Quay)
		says  []string
	}{
		v1alpha1.ReasonRobotRefused: {
			"a burnt token": {func(q *quaytest.Quay) { q.RegenerateRobot(robot) }, []string{"QP101 credential-refused: ", `does not know robot "team-payments+ci" with this token (auths entry "`, "let the Secret follow Vault"}},
			"no robot":      {func(q *quaytest.Quay) { q.DeleteRobot(robot) }, []string{`robot "team-payments+ci" was deleted`, "create the robot again"}},
		},
		v1alpha1.ReasonPushDenied: {
			"read alone":             {func(q *quaytest.Quay) { q.Grant(repository, robot, quaytest.Read) }, []string{"QP102 push-denied: ", `has ["pull"] and needs push`, "give the robot Write on " + repository}},
			"a read-only repository": {func(q *quaytest.Quay) { q.SetState(repository, quaytest.ReadOnly) }, []string{"look whether the repository is read-only or a mirror"}},
		},
		v1alpha1.ReasonRepositoryMissing: {
			"no right": {func(q *quaytest.Quay) { q.Revoke(repository, robot) }, []string{"QP103 no-access: ", "does not exist, or robot", `has []`, "create the repository and give the robot Write on it", "allow-new"}},
		},
		v1alpha1.ReasonRegistryReadOnly: {
			"read-only":  {func(q *quaytest.Quay) { q.SetReadOnly(true) }, []string{"QP105 registry-read-only: ", "takes no pushes now: POST /v2/" + repository, "405", "wait until Quay takes pushes again"}},
			"pushes off": {func(q *quaytest.Quay) { q.DisablePushes(true) }, []string{"takes no pushes now", "405"}},
		},
		v1alpha1.ReasonQuotaExceeded: {
			"no quota left": {fault("/blobs/uploads/", quaytest.Status(http.StatusForbidden, nil, `{"errors":[{"code":"DENIED","message":"Quota has been exceeded on namespace"}]}`)),
				[]string{"QP104 quota: ", `the quota of organization "team-payments" is used up`, "403", "raise its quota"}},
		},
		v1alpha1.ReasonPreflightFailed: {
			"a firewall": {fault("/blobs/uploads/", quaytest.Status(http.StatusForbidden, nil, "<html><title>Blocked</title></html>")), []string{"QP307 protocol: ", "something in front of"}},
			"tokens elsewhere": {fault("^/v2/$", quaytest.Status(http.StatusUnauthorized, http.Header{"Www-Authenticate": {`Bearer realm="https://elsewhere.invalid/token"`}}, "")),
				[]string{"QP303 foreign-host: ", "leave the param preflight out"}},
		},
	} {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				q := newQuay(t)
				w := asking(t, q, "true", q.Host()+"/"+repository, ns, nil)
				test.spoil(q)
				if err := w.Reconcile(ns, run); err != nil {
					t.Fatal(err)
				}
				wantEnd(t, q, w, reason, test.says...)
			})
		}
	}
}

// Whether the push would create a repository that the robot does not see, nobody can know: so the author says that it may.
func TestPreflightOfANewRepository(t *testing.T) {
	for preflight, reason := range map[string]string{"true": v1alpha1.ReasonRepositoryMissing, "allow-new": "Succeeded"} {
		q := newQuay(t)
		q.SetCreator("team-payments", robot)
		w := asking(t, q, preflight, q.Host()+"/team-payments/new", ns, nil)
		if err := w.Reconcile(ns, run); err != nil {
			t.Fatal(err)
		}
		wantEnd(t, q, w, reason, map[string]string{"true": "does not exist", "allow-new": "could begin now, if that is there or the robot may create it"}[preflight])
		if q.HasRepository("team-payments/new") {
			t.Errorf("%s: the question created the repository", preflight)
		}
	}
	// Everything else still counts.
	q := newQuay(t)
	w := asking(t, q, "allow-new", q.Host()+"/"+repository, ns, nil)
	q.SetReadOnly(true)
	if err := w.Reconcile(ns, run); err != nil {
		t.Fatal(err)
	}
	wantEnd(t, q, w, v1alpha1.ReasonRegistryReadOnly)
}

// wantWait has the controller look at the run, which waits.
func wantWait(t *testing.T, w *reconcilertest.World, says string) {
	t.Helper()
	if again, wait := controller.IsRequeueKey(w.Reconcile(ns, run)); !again || wait != customrun.Pause {
		t.Errorf("again %v after %s, want %s", again, wait, customrun.Pause)
	}
	got := w.CustomRun(ns, run).Status
	if len(got.Conditions) != 1 || got.Conditions[0].Status != corev1.ConditionUnknown || !strings.Contains(got.Conditions[0].Message, says) || got.CompletionTime != nil {
		t.Errorf("%+v, want it to wait and to say %q", got, says)
	}
}

// A registry that is away is asked again, and not for ever; whoever leaves meanwhile leaves.
func TestPreflightIsAskedAgain(t *testing.T) {
	down := func(t *testing.T) (*quaytest.Quay, *reconcilertest.World) {
		t.Helper()
		q := newQuay(t)
		w := asking(t, q, "true", q.Host()+"/"+repository, ns, nil)
		q.Faults.Add(quaytest.Fault{Name: "down", Times: -1, Effect: quaytest.Status(http.StatusServiceUnavailable, nil, "")})
		for range 2 {
			wantWait(t, w, "the registry gave no answer yet, it is tried again for 5m0s: QP304 registry-unavailable: "+q.Host()+" fails: GET /v2/")
		}
		return q, w
	}
	t.Run("it comes back", func(t *testing.T) {
		q, w := down(t)
		q.Faults.Clear()
		if err := w.Reconcile(ns, run); err != nil {
			t.Fatal(err)
		}
		wantEnd(t, q, w, "Succeeded")
	})
	t.Run("it does not", func(t *testing.T) {
		q, w := down(t)
		w.Clock.SetTime(w.Clock.Now().Add(customrun.Patience + time.Second))
		if err := w.Reconcile(ns, run); err != nil {
			t.Fatal(err)
		}
		wantEnd(t, q, w, v1alpha1.ReasonRegistryUnreachable, "503", "see whether Quay runs")
	})
	t.Run("the run is cancelled", func(t *testing.T) {
		q, w := down(t)
		left := w.CustomRun(ns, run)
		left.Spec.Status = v1beta1.CustomRunSpecStatusCancelled
		w.Update(left)
		n := len(q.Requests())
		if err := w.Reconcile(ns, run); err != nil {
			t.Fatal(err)
		}
		wantEnd(t, q, w, "CustomRunCancelled")
		if len(q.Requests()) != n {
			t.Error("the registry was asked once more")
		}
	})
}

// What is written wrong is told before anything is looked at.
func TestPreflightParams(t *testing.T) {
	for _, test := range []struct{ preflight, image, says string }{
		{"yes", "team-payments/checkout", `param "preflight" is "yes"; write one of ["false" "true" "allow-new"]`},
		{"true", "", `asks about the repository of param "image-ref", which is missing`},
	} {
		q := newQuay(t)
		image := test.image
		if image != "" {
			image = q.Host() + "/" + image
		}
		w := asking(t, q, test.preflight, image, ns, nil)
		if err := w.Reconcile(ns, run); err != nil {
			t.Fatal(err)
		}
		wantEnd(t, q, w, v1alpha1.ReasonInvalidParams, test.says)
		if n := len(q.Requests()); n > 0 {
			t.Errorf("%d requests", n)
		}
	}
	for _, off := range []string{"", "false"} {
		q := newQuay(t)
		w := asking(t, q, off, q.Host()+"/"+repository, ns, nil)
		if err := w.Reconcile(ns, run); err != nil {
			t.Fatal(err)
		}
		wantEnd(t, q, w, "Succeeded")
		if n := len(q.Requests()); n > 0 {
			t.Errorf("%q: %d requests", off, n)
		}
	}
}

// A run for which there is no turn comes back, and nothing is written.
func TestPreflightWaitsForATurn(t *testing.T) {
	q := newQuay(t)
	w := asking(t, q, "true", q.Host()+"/"+repository, ns, nil)
	r := &Reconciler{status: customrun.Writer{Clock: w.Clock}}
	for _, busy := range []error{preflight.ErrBusy, keyless.ErrBusy} {
		waiting := w.CustomRun(ns, run)
		waiting.CreationTimestamp.Time = w.Clock.Now().Add(-8 * time.Second)
		err := r.lacking(t.Context(), request.Request{Run: waiting}, tenant.Decision{}, fmt.Errorf("asking: %w", busy))
		if again, wait := controller.IsRequeueKey(err); !again || wait != 2*time.Second {
			t.Errorf("%v: again %v after %s, want 2s", busy, again, wait)
		}
	}
	if actions := w.Actions(); len(actions) > 0 {
		t.Errorf("requests %v", actions)
	}
}
