package pushimage

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/clock"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/injection"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

// registry is a Quay with the repository of team payments, and an image of which only the digest is known yet.
type registry struct {
	*quaytest.Quay
	t             *testing.T
	token, digest string
	push          func(tag string)
}

func newRegistry(t *testing.T) *registry {
	t.Helper()
	q := quaytest.Start(t)
	q.AddOrganization("team-payments")
	q.AddRepository("team-payments", "checkout")
	r := &registry{Quay: q, t: t, token: q.AddRobot("team-payments", "ci")}
	q.Grant("team-payments/checkout", "team-payments+ci", quaytest.Write)
	content, err := random.Image(1000, 1)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := content.Digest()
	if err != nil {
		t.Fatal(err)
	}
	r.digest = digest.String()
	r.push = func(tag string) {
		ref, err := name.NewTag(r.repository() + ":" + tag)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(ref, content, remote.WithTransport(q.Client().Transport),
			remote.WithAuth(&authn.Basic{Username: "team-payments+ci", Password: r.token})); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func (r *registry) repository() string { return r.Host() + "/team-payments/checkout" }

// world returns a world in which the run pushes to the registry, and the controller makes sure of the results. The tenant's
// Secret is in namespace.
func (r *registry) world(namespace string, settings map[string]string) *reconcilertest.World {
	all := map[string]string{"registry": r.Host(), "verify-results": "true"}
	for key, value := range settings {
		all[key] = value
	}
	objects := with(func(o runtime.Object) {
		switch o := o.(type) {
		case *corev1.Secret:
			o.Namespace, o.Data[corev1.DockerConfigJsonKey] = namespace, r.Dockerconfig("team-payments+ci")
		case *v1beta1.CustomRun:
			image(r.repository())(o)
		}
	})
	constructor := func(now clock.PassiveClock) injection.ControllerConstructor {
		return newController(now, r.Client().Transport, copyPlaces)
	}
	w := reconcilertest.New(r.t, constructor, all, objects...)
	reconcile(r.t, w)
	return w
}

// finish ends the TaskRun with the results of a push of the image to tag.
func (r *registry) finish(w *reconcilertest.World, tag string) { r.end(w, w.TaskRun(ns, run), tag) }

// end does so with the TaskRun, wherever it is.
func (r *registry) end(w *reconcilertest.World, task *pipelinev1.TaskRun, tag string) {
	task = reconcilertest.Finish(task, corev1.ConditionTrue, "Succeeded", "")
	task.Status.CompletionTime = &metav1.Time{Time: w.Clock.Now()}
	values := map[string]string{"IMAGE_URL": r.repository() + ":" + tag, "IMAGE_DIGEST": r.digest, "image-digest": r.digest, "image-ref": r.repository(),
		"image-pinned": r.repository() + "@" + r.digest, "overlay-image": fmt.Sprintf(`{"name":%q,"newName":%[1]q,"digest":%q}`, r.repository(), r.digest)}
	for i, result := range task.Status.Results {
		task.Status.Results[i].Value = *pipelinev1.NewStructuredValues(values[result.Name])
	}
	w.Update(task)
}

func TestResultsAreProved(t *testing.T) {
	for name, settings := range map[string]map[string]string{ns: nil, custody: {"custody-namespace": custody}} {
		r := newRegistry(t)
		w := r.world(name, settings)
		r.push("v1")
		r.finish(w, "v1")
		w.Actions()
		reconcile(t, w)
		wantEnd(t, w, corev1.ConditionTrue, "Succeeded")
		// In custody a ServiceAccount in the Secret's place is looked for.
		want := map[string]int{ns: 1, custody: 2}[name]
		if reads := countOf(w.Actions(), "get", "list"); reads != want {
			t.Errorf("with the Secret in %s, %d reads, want %d", name, reads, want)
		}
	}
}

// The Pod says that it pushed, and the registry knows nothing of it.
func TestResultsThatAreNotTrue(t *testing.T) {
	for name, test := range map[string]struct {
		pushed, claimed string
		forge           func(r *registry, task *pipelinev1.TaskRun)
		says            string
	}{
		"nothing was pushed": {"", "v1", nil, "does not have"},
		"another tag":        {"v1", "v2", nil, "does not have"},
		"another's repository": {"v1", "v1", func(r *registry, task *pipelinev1.TaskRun) {
			forge(task, "IMAGE_URL", r.Host()+"/team-platform/app:v1")
		}, "IMAGE_URL"},
		"the overlay's alone":   {"v1", "v1", func(_ *registry, task *pipelinev1.TaskRun) { forge(task, "overlay-image", "{}") }, "overlay-image"},
		"a digest that is none": {"v1", "v1", func(_ *registry, task *pipelinev1.TaskRun) { forge(task, "IMAGE_DIGEST", "latest") }, "IMAGE_DIGEST"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegistry(t)
			if test.pushed != "" {
				r.push(test.pushed)
			}
			w := r.world(ns, nil)
			r.finish(w, test.claimed)
			if test.forge != nil {
				task := w.TaskRun(ns, run)
				test.forge(r, task)
				w.Update(task)
			}
			reconcile(t, w)
			wantEnd(t, w, corev1.ConditionFalse, v1alpha1.ReasonResultsUnproven, test.says, "tkn taskrun logs")
			if results := w.CustomRun(ns, run).Status.Results; len(results) > 0 {
				t.Errorf("results are handed on: %v", results)
			}
		})
	}
}

func forge(task *pipelinev1.TaskRun, name, value string) {
	for i, result := range task.Status.Results {
		if result.Name == name {
			task.Status.Results[i].Value = *pipelinev1.NewStructuredValues(value)
		}
	}
}

// A registry that is away is asked again, and not for ever.
func TestProofIsTriedAgain(t *testing.T) {
	r := newRegistry(t)
	w := r.world(ns, nil)
	r.push("v1")
	r.finish(w, "v1")
	r.Faults.Add(quaytest.Fault{Name: "down", Times: -1, Effect: func(_ *quaytest.Quay, rw http.ResponseWriter, _ *http.Request, _ http.Handler) {
		rw.WriteHeader(http.StatusServiceUnavailable)
	}})
	for range 2 {
		if again, wait := controller.IsRequeueKey(w.Reconcile(ns, run)); !again || wait != proofPause {
			t.Errorf("again %v after %s, want %s", again, wait, proofPause)
		}
		if c := condition(w); c.Status != corev1.ConditionUnknown {
			t.Errorf("while the registry is away: %+v", c)
		}
	}
	t.Run("it comes back", func(t *testing.T) {
		r.Faults.Clear()
		reconcile(t, w)
		wantEnd(t, w, corev1.ConditionTrue, "Succeeded")
	})
	t.Run("it does not, nor does a Secret", func(t *testing.T) {
		w := r.world(ns, nil)
		r.finish(w, "v1")
		w.DeleteSecret(ns, reconcilertest.Secret)
		if again, _ := controller.IsRequeueKey(w.Reconcile(ns, run)); !again {
			t.Error("a Secret that is being rotated is not waited for")
		}
		w.Clock.SetTime(w.Clock.Now().Add(proofPatience + time.Second))
		reconcile(t, w)
		wantEnd(t, w, corev1.ConditionFalse, v1alpha1.ReasonResultsUnproven, reconcilertest.Secret)
	})
	if everything := fmt.Sprintf("%+v %v", w.CustomRun(ns, run), w.Events()); strings.Contains(everything, r.token) {
		t.Error("the token is in the status or an event")
	}
}

// Nobody asks where the platform does not want it.
func TestResultsAreBelievedByDefault(t *testing.T) {
	r := newRegistry(t)
	w := r.world(ns, map[string]string{"verify-results": "false"})
	r.finish(w, "v1")
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionTrue, "Succeeded")
	if n := len(r.Requests()); n > 0 {
		t.Errorf("%d requests to the registry", n)
	}
}
