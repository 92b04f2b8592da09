package pushimage

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/injection"

	"github.com/comptech-lab/quay-push/internal/oidctest"
	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/reconciler/keyless"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

const (
	robot   = "team-payments+ci"
	subject = "system:serviceaccount:" + custody + ":" + reconcilertest.Secret
)

// cluster is one whose issuer Quay trusts for the robot of team payments, which is keyless.
type cluster struct {
	*registry
	*oidctest.Issuer
	// signer and claims are how the API server makes tokens; claims may be nil.
	signer oidctest.Signer
	claims func(claims map[string]any)
	// made are the tokens that it made, asked what was asked for.
	made, asked []string
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{registry: newRegistry(t), Issuer: oidctest.Start(t), signer: oidctest.RS256}
	c.TrustIssuers(c.Authorities())
	c.SetFederation(robot, quaytest.Federation{Issuer: c.Issuer.URL(), Subject: subject})
	return c
}

// keyless returns a world in which the run has not been looked at, after edits of its objects.
func (c *cluster) keyless(settings map[string]string, edits ...func(runtime.Object)) *reconcilertest.World {
	all := map[string]string{"registry": c.Host(), "custody-namespace": custody}
	for key, value := range settings {
		all[key] = value
	}
	objects := slices.DeleteFunc(payments(), func(o runtime.Object) bool { _, ok := o.(*corev1.Secret); return ok })
	objects = append(objects, reconcilertest.NewServiceAccount(custody, reconcilertest.Secret, robot))
	for _, o := range objects {
		if r, ok := o.(*v1beta1.CustomRun); ok {
			image(c.repository())(r)
		}
		for _, edit := range edits {
			edit(o)
		}
	}
	w := reconcilertest.New(c.t, func(now clock.PassiveClock) injection.ControllerConstructor {
		return newController(now, c.Client().Transport, copyPlaces)
	}, all, objects...)
	w.Tokens = func(subject string, audiences []string, lifetime time.Duration) string {
		claims := c.Claims(subject)
		claims["aud"], claims["exp"] = audiences, time.Now().Add(lifetime).Unix()
		if c.claims != nil {
			c.claims(claims)
		}
		token := oidctest.Sign(c.signer, claims)
		c.made, c.asked = append(c.made, token), append(c.asked, fmt.Sprint(subject, " ", audiences, " ", lifetime))
		return token
	}
	return w
}

// password is what the run's own Secret has for the robot.
func (c *cluster) password(w *reconcilertest.World) string {
	c.t.Helper()
	wantRunSecret(c.t, w, true)
	var file struct {
		Auths map[string]struct{ Auth string }
	}
	if err := json.Unmarshal(w.Secrets(ns)[0].Data[corev1.DockerConfigJsonKey], &file); err != nil || len(file.Auths) != 1 {
		c.t.Fatalf("%d entries, %v", len(file.Auths), err)
	}
	decoded, err := base64.StdEncoding.DecodeString(file.Auths[c.Host()+"/team-payments"].Auth)
	if err != nil {
		c.t.Fatal(err)
	}
	user, password, _ := strings.Cut(string(decoded), ":")
	if user != robot {
		c.t.Errorf("the Secret is %q's", user)
	}
	return password
}

// login is what Quay says to who asks to push with the password.
func (c *cluster) login(password string) int {
	c.t.Helper()
	query := url.Values{"service": {c.Host()}, "scope": {"repository:team-payments/checkout:pull,push"}}
	request, err := http.NewRequest(http.MethodGet, c.registry.URL()+"/v2/auth?"+query.Encode(), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	request.SetBasicAuth(robot, password)
	response, err := c.Client().Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

// told is everything that people see of the run.
func told(w *reconcilertest.World) string {
	return fmt.Sprintf("%+v %s %+v %v", w.CustomRun(ns, run), w.CustomRun(ns, run).Status.ExtraFields.Raw, w.TaskRun(ns, run), w.Events())
}

// hides checks that nobody sees a token, or a part of one that could be used.
func (c *cluster) hides(w *reconcilertest.World, more ...string) {
	c.t.Helper()
	text := told(w)
	for _, token := range append(more, c.made...) {
		for part := range strings.SplitSeq(token, ".") {
			if len(part) > 20 && strings.Contains(text, part) {
				c.t.Errorf("a part of a token is in %s", text)
			}
		}
	}
}

// A keyless push has a robot's password for an hour, which is in its own Secret and nowhere else.
func TestKeylessPush(t *testing.T) {
	for audience, settings := range map[string]map[string]string{"": nil, "quay": {"federation-audience": "quay"}} {
		c := newCluster(t)
		if audience == "" {
			audience = c.Host()
		}
		w := c.keyless(settings)
		reconcile(t, w)
		if diff := cmp.Diff([]string{fmt.Sprintf("%s [%s] 10m0s", subject, audience)}, c.asked); diff != "" {
			t.Errorf("tokens (-want +got):\n%s", diff)
		}
		password := c.password(w)
		if password == c.token || slices.Contains(c.made, password) {
			t.Error("the password is the robot's own, or the ServiceAccount's token")
		}
		if got := c.login(password); got != http.StatusOK {
			t.Errorf("Quay answers %d", got)
		}
		if w.TaskRun(ns, run) == nil || len(w.Secrets(custody)) > 0 {
			t.Fatalf("%d Secrets in custody, status %+v", len(w.Secrets(custody)), w.CustomRun(ns, run).Status)
		}
		c.hides(w, password)
		finish(w, corev1.ConditionTrue)
		reconcile(t, w)
		wantEnd(t, w, corev1.ConditionTrue, "Succeeded")
		wantRunSecret(t, w, false)
		c.hides(w, password)
		// Whoever stole the Secret has nothing an hour later.
		c.Advance(time.Hour + time.Minute)
		if got := c.login(password); got == http.StatusOK {
			t.Error("the password is good for more than an hour")
		}
	}
}

// The token is one write more than a copy, and the ServiceAccount one read.
func TestKeylessBudget(t *testing.T) {
	c := newCluster(t)
	w := c.keyless(nil)
	reconcile(t, w)
	finish(w, corev1.ConditionTrue)
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionTrue, "Succeeded")
	actions := w.Actions()
	if writes, reads := countOf(actions, "create", "update", "patch", "delete"), countOf(actions, "get", "list", "watch"); writes > 6 || reads > 4 {
		t.Errorf("%d writes, %d reads: %v", writes, reads, actions)
	}
	if n := len(c.made); n != 1 {
		t.Errorf("%d tokens", n)
	}
}

// Each thing that is wrong for good has its own reason, and the next step that helps.
func TestKeylessRefusals(t *testing.T) {
	none := func(*cluster, *reconcilertest.World) {}
	for name, test := range map[string]struct {
		spoil  func(c *cluster, w *reconcilertest.World)
		edit   func(runtime.Object)
		reason string
		says   []string
	}{
		"a Secret, too": {func(_ *cluster, w *reconcilertest.World) {
			w.Add(reconcilertest.NewSecret(custody, reconcilertest.Secret, robot))
		}, nil, v1alpha1.ReasonKeylessConflict, []string{"both a Secret and a ServiceAccount", "delete the Secret, with the ExternalSecret that makes it"}},
		"no robot": {none, onAccount(func(a *corev1.ServiceAccount) { a.Annotations = nil }), v1alpha1.ReasonKeylessInvalid,
			[]string{"has no annotation quay.comptech-lab.com/robot", "federation entry, team-payments+<name>"}},
		"another team's robot": {none, onAccount(func(a *corev1.ServiceAccount) { a.Annotations[v1alpha1.AnnotationRobot] = "team-platform+ci" }), v1alpha1.ReasonKeylessInvalid,
			[]string{`names robot "team-platform+ci", which is not one of team "payments"`}},
		"no right to a token": {func(_ *cluster, w *reconcilertest.World) {
			w.Faults.Before = func(a reconcilertest.Action) error {
				if a == "create serviceaccounts/token" {
					return apierrs.NewForbidden(schema.GroupResource{Resource: "serviceaccounts"}, reconcilertest.Secret, fmt.Errorf("no right"))
				}
				return nil
			}
		}, nil, v1alpha1.ReasonTokenRefused, []string{"the API server refused the controller a token", "no right", "apply config/custody/ again"}},
		"no federation": {func(c *cluster, _ *reconcilertest.World) { c.SetFederation(robot) }, nil, v1alpha1.ReasonFederationMissing,
			[]string{"the robot trusts no issuer", subject, "Set robot federation"}},
		"no robot at Quay": {func(c *cluster, _ *reconcilertest.World) { c.DeleteRobot(robot) }, nil, v1alpha1.ReasonFederationRobotMissing,
			[]string{"Quay has no such robot", "create the robot in Quay"}},
		"another issuer": {func(c *cluster, _ *reconcilertest.World) {
			c.SetFederation(robot, quaytest.Federation{Issuer: c.Issuer.URL() + "/", Subject: subject})
		}, nil, v1alpha1.ReasonFederationIssuerMismatch, []string{"does not trust issuer", "a slash at the end"}},
		"another subject": {func(c *cluster, _ *reconcilertest.World) {
			c.SetFederation(robot, quaytest.Federation{Issuer: c.Issuer.URL(), Subject: subject + "-b"})
		}, nil, v1alpha1.ReasonFederationSubjectMismatch, []string{"not subject \"" + subject + "\"", "give the robot that subject"}},
		"another audience": {func(c *cluster, _ *reconcilertest.World) {
			c.SetFederation(robot, quaytest.Federation{Issuer: c.Issuer.URL(), Subject: subject, Audiences: []string{"another"}})
		}, nil, v1alpha1.ReasonFederationAudienceMismatch, []string{"audience", "set federation-audience in config-tenancy"}},
		"another key": {func(c *cluster, _ *reconcilertest.World) { c.signer = oidctest.Forged }, nil, v1alpha1.ReasonFederationTokenInvalid,
			[]string{"is not signed by key", "kubectl get --raw /openid/v1/jwks"}},
		"an elliptic key": {func(c *cluster, _ *reconcilertest.World) { c.signer = oidctest.ES256 }, nil, v1alpha1.ReasonFederationTokenInvalid,
			[]string{`signed with "ES256"`, "--service-account-signing-key-file"}},
		"a clock that is behind": {func(c *cluster, _ *reconcilertest.World) {
			c.claims = func(claims map[string]any) {
				claims["iat"], claims["exp"] = time.Now().Add(-time.Hour).Unix(), time.Now().Add(-50*time.Minute).Unix()
			}
		}, nil, v1alpha1.ReasonFederationTokenExpired, []string{"Signature has expired", "compare the clocks of the API server and of Quay"}},
		"an old Quay": {func(c *cluster, _ *reconcilertest.World) {
			c.Faults.Add(quaytest.Fault{Name: "old", Path: "^/oauth2/", Times: -1, Effect: quaytest.Status(http.StatusNotFound, nil, "")})
		}, nil, v1alpha1.ReasonFederationUnsupported, []string{"there is no such exchange", "since 3.13"}},
		"a Quay that is no Quay": {func(c *cluster, _ *reconcilertest.World) {
			c.Faults.Add(quaytest.Fault{Name: "login", Path: "^/oauth2/", Times: -1, Effect: quaytest.Status(http.StatusOK, nil, "<html><title>Log in</title></html>")})
		}, nil, v1alpha1.ReasonFederationRefused, []string{"not one of Quay's", "a login, a firewall or a proxy"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			edit := test.edit
			if edit == nil {
				edit = func(runtime.Object) {}
			}
			w := c.keyless(nil, edit)
			test.spoil(c, w)
			reconcile(t, w)
			wantEnd(t, w, corev1.ConditionFalse, test.reason, test.says...)
			if w.TaskRun(ns, run) != nil {
				t.Error("a TaskRun was made")
			}
			wantRunSecret(t, w, false)
			c.hides(w)
		})
	}
}

func onAccount(edit func(*corev1.ServiceAccount)) func(runtime.Object) {
	return func(o runtime.Object) {
		if a, ok := o.(*corev1.ServiceAccount); ok {
			edit(a)
		}
	}
}

// A push from a registry mounts a Secret in custody, which a keyless team has not.
func TestKeylessCopyIsRefused(t *testing.T) {
	c := newCluster(t)
	w := c.keyless(map[string]string{"internal-registries": internal}, func(o runtime.Object) {
		if r, ok := o.(*v1beta1.CustomRun); ok {
			r.Spec.Workspaces = nil
			r.Spec.Params = append(r.Spec.Params, v1beta1.Param{Name: v1alpha1.ParamSource, Value: *v1beta1.NewStructuredValues(source)})
		}
	})
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionFalse, v1alpha1.ReasonKeylessUnsupported, `ServiceAccount "quay-robot-team-payments" in namespace "custody"`, "push from a workspace")
	if len(c.made) > 0 || copyOf(w) != nil {
		t.Errorf("%d tokens, TaskRun %v", len(c.made), copyOf(w))
	}
}

// away are what may pass, how it is told, and how it ends.
var away = map[string]struct {
	begin, end func(c *cluster)
	reason     string
	says       []string
}{
	"the issuer": {func(c *cluster) { c.Answer(oidctest.DiscoveryPath, http.NotFound) }, func(c *cluster) { c.Answer(oidctest.DiscoveryPath, nil) },
		v1alpha1.ReasonFederationIssuerUnreachable, []string{"Quay could not verify the token", "/.well-known/openid-configuration answers within 5 s"}},
	"Quay": {func(c *cluster) {
		c.Faults.Add(quaytest.Fault{Name: "down", Times: -1, Effect: quaytest.Status(http.StatusBadGateway, nil, "<html>no backend</html>")})
	}, func(c *cluster) { c.Faults.Clear() }, v1alpha1.ReasonFederationUnreachable, []string{"Quay is away", "see whether Quay runs behind its proxy"}},
}

// What is away is asked again, of which the run tells; when it is back, the push begins.
func TestKeylessIsTriedAgain(t *testing.T) {
	for name, test := range away {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			w := c.keyless(nil)
			test.begin(c)
			w.Actions()
			for range 2 {
				if again, wait := controller.IsRequeueKey(w.Reconcile(ns, run)); !again || wait != customrun.Pause {
					t.Errorf("again %v after %s, want %s", again, wait, customrun.Pause)
				}
			}
			if got := condition(w); got.Status != corev1.ConditionUnknown || !strings.Contains(got.Message, "no credential yet, it is tried again for 5m0s: keyless, by ServiceAccount") ||
				!strings.Contains(got.Message, test.says[0]) {
				t.Errorf("condition %+v", got)
			}
			if n := countOf(w.Actions(), "update"); n != 1 {
				t.Errorf("%d updates of the status, want one", n)
			}
			c.hides(w)
			test.end(c)
			w.Clock.SetTime(w.Clock.Now().Add(time.Minute))
			reconcile(t, w)
			c.hides(w, c.password(w))
			if got := w.CustomRun(ns, run).Status; w.TaskRun(ns, run) == nil || !got.StartTime.Time.Equal(w.Clock.Now()) {
				t.Errorf("status %+v, want it to start now", got)
			}
		})
	}
}

// It is not asked for ever.
func TestKeylessGivesUp(t *testing.T) {
	for name, test := range away {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			w := c.keyless(nil)
			test.begin(c)
			reconcile(t, w)
			w.Clock.SetTime(w.Clock.Now().Add(customrun.Patience + time.Second))
			reconcile(t, w)
			wantEnd(t, w, corev1.ConditionFalse, test.reason, test.says...)
			if w.TaskRun(ns, run) != nil {
				t.Error("a TaskRun was made")
			}
			wantRunSecret(t, w, false)
			c.hides(w)
		})
	}
}

// A run that is cancelled while it waits ends as cancelled.
func TestKeylessIsCancelledWhileItWaits(t *testing.T) {
	c := newCluster(t)
	w := c.keyless(nil)
	away["the issuer"].begin(c)
	reconcile(t, w)
	cancelRun(w, "")
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionFalse, "CustomRunCancelled")
}

// What the registry is asked with to make sure of the results is made anew.
func TestKeylessResultsAreProved(t *testing.T) {
	c := newCluster(t)
	w := c.keyless(map[string]string{"verify-results": "true"})
	reconcile(t, w)
	c.push("v1")
	c.registry.finish(w, "v1")
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionTrue, "Succeeded")
	if n := len(c.made); n != 2 {
		t.Errorf("%d tokens, want one for the push and one for the question", n)
	}
	wantRunSecret(t, w, false)
}

// A controller of this version where config/custody/ is of the last one: nobody is keyless there, and who has a Secret pushes.
func TestKeylessWithoutTheRight(t *testing.T) {
	forbidden := func(a reconcilertest.Action) error {
		if a == "get serviceaccounts" {
			return apierrs.NewForbidden(schema.GroupResource{Resource: "serviceaccounts"}, reconcilertest.Secret, fmt.Errorf("no right"))
		}
		return nil
	}
	t.Run("with a Secret", func(t *testing.T) {
		w := newCustody(t)
		w.Faults.Before = forbidden
		reconcile(t, w)
		wantRunSecret(t, w, true)
	})
	t.Run("without one", func(t *testing.T) {
		c := newCluster(t)
		w := c.keyless(nil)
		w.Faults.Before = forbidden
		reconcile(t, w)
		wantEnd(t, w, corev1.ConditionFalse, v1alpha1.ReasonSecretMissing, `the controller may not read ServiceAccount "quay-robot-team-payments" there, apply config/custody/ again`)
	})
}

// A controller that dies at any request leaves no Secret behind, and no second TaskRun.
func TestKeylessOutlivesEveryCrash(t *testing.T) {
	c := newCluster(t)
	crashesIn(t, func(*testing.T) *reconcilertest.World { return c.keyless(nil) }, func(*reconcilertest.World) {},
		func(t *testing.T, w *reconcilertest.World, first *pipelinev1.TaskRun) {
			wantEnd(t, w, corev1.ConditionTrue, "Succeeded")
			wantRunSecret(t, w, false)
			if first != nil && w.TaskRun(ns, run).UID != first.UID {
				t.Error("a second TaskRun was made")
			}
		})
}

// A run for which there is no place comes back, the later the longer it waits, and nothing is written.
func TestKeylessWaitsForAPlace(t *testing.T) {
	w := newCustody(t)
	r := &Reconciler{status: customrun.Writer{Clock: w.Clock}}
	for age, want := range map[time.Duration]time.Duration{0: time.Second, 8 * time.Second: 2 * time.Second, time.Hour: customrun.Pause, -time.Minute: time.Second} {
		waiting := w.CustomRun(ns, run)
		waiting.CreationTimestamp.Time = w.Clock.Now().Add(-age)
		err := r.exchanging(t.Context(), view{run: waiting}, tenant.Decision{}, fmt.Errorf("asking: %w", keyless.ErrBusy))
		if again, wait := controller.IsRequeueKey(err); !again || wait != want {
			t.Errorf("after %s: again %v after %s, want %s", age, again, wait, want)
		}
	}
	if actions := w.Actions(); countOf(actions, "update") > 0 {
		t.Errorf("requests %v", actions)
	}
}
