package pushimage

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/clock"
	"knative.dev/pkg/configmap"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/injection"

	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

// changing is a world whose configuration is changed whenever it was read: an attempt that reads it twice sees two.
type changing struct {
	*reconcilertest.World
	t *testing.T
	// first is what an attempt reads first, later what it would read after that; reads counts.
	first, later *config.Config
	reads        int
	// seen is what the world looked like after each attempt.
	seen []string
}

func newChanging(t *testing.T, first, later *config.Config, objects ...runtime.Object) *changing {
	t.Helper()
	c := &changing{t: t, first: first, later: later}
	c.World = reconcilertest.New(quiet{t}, func(now clock.PassiveClock) injection.ControllerConstructor {
		return func(ctx context.Context, _ configmap.Watcher) *controller.Impl {
			return newReconciler(ctx, c.read, now, http.DefaultTransport, copyPlaces).wire(ctx)
		}
	}, nil, objects...)
	return c
}

func (c *changing) read() *config.Config {
	c.reads++
	if c.reads == 1 {
		return c.first
	}
	return c.later
}

// attempt has the controller look at the run once.
func (c *changing) attempt() {
	c.t.Helper()
	c.Refresh()
	c.Actions()
	c.reads = 0
	err := c.ReconcileStale(ns, run)
	if again, _ := controller.IsRequeueKey(err); err != nil && !again {
		c.t.Errorf("reconciling: %v", err)
	}
	if c.reads != 1 {
		c.t.Errorf("one attempt read the configuration %d times", c.reads)
	}
	state := fmt.Sprintf("%v\n", c.Actions())
	for _, namespace := range []string{ns, custody, "elsewhere"} {
		for _, task := range c.TaskRuns(namespace) {
			spec, err := json.Marshal(task.Spec)
			state += fmt.Sprintf("TaskRun %s/%s %s, %v\n", namespace, task.Name, spec, err)
		}
		for _, secret := range c.Secrets(namespace) {
			state += fmt.Sprintf("Secret %s/%s\n", namespace, secret.Name)
		}
	}
	c.seen = append(c.seen, state)
}

// end says how the run ended.
func (c *changing) end() string {
	condition := condition(c.World)
	return fmt.Sprintf("%s %s: %s", condition.Status, condition.Reason, condition.Message)
}

// goes has the run being deleted, and somebody hold it.
func (c *changing) goes() {
	r := c.CustomRun(ns, run)
	r.Finalizers, r.DeletionTimestamp = []string{"example.com/held"}, &metav1.Time{Time: c.Clock.Now()}
	c.Update(r)
}

// finishCopy ends the TaskRun in custody well.
func (c *changing) finishCopy() {
	c.Update(reconcilertest.Finish(copyOf(c.World), corev1.ConditionTrue, "Succeeded", ""))
}

// Whatever an attempt does, it does by one configuration, although that is changed as soon as it was read: to one with custody elsewhere,
// to one without, and to one that has results proved.
func TestOneConfigurationAnAttempt(t *testing.T) {
	setting := func(edit func(*config.Config)) *config.Config {
		c := config.Default()
		c.Registry, c.CustodyNamespace, c.InternalRegistries = reconcilertest.Host, custody, []string{internal}
		edit(c)
		return c
	}
	first := setting(func(*config.Config) {})
	laters := map[string]*config.Config{
		"custody elsewhere": setting(func(c *config.Config) { c.CustodyNamespace, c.TeamLabel = "elsewhere", "example.com/team" }),
		"no custody":        setting(func(c *config.Config) { c.CustodyNamespace, c.InternalRegistries = "", nil }),
		"results proved":    setting(func(c *config.Config) { c.VerifyResults = true }),
	}
	for name, test := range map[string]struct {
		objects func() []runtime.Object
		play    func(c *changing)
		end     string
	}{
		"pushes": {inCustody, func(c *changing) {
			c.attempt()
			finish(c.World, corev1.ConditionTrue)
			c.attempt()
		}, "True Succeeded: pushed; log: tkn taskrun logs build-1-push --namespace apps-payments-checkout"},
		"is refused its TaskRun": {inCustody, func(c *changing) {
			c.Faults.Before = func(a reconcilertest.Action) error {
				if a == "create taskruns" {
					return apierrs.NewInvalid(pipelinev1.Kind("TaskRun"), run, nil)
				}
				return nil
			}
			c.attempt()
		}, `False TaskRunRefused: the API server refused TaskRun "build-1-push": TaskRun.tekton.dev "build-1-push" is invalid`},
		"is deleted before it has a TaskRun": {inCustody, func(c *changing) {
			c.goes()
			c.attempt()
		}, `False CustomRunCancelled: CustomRun "build-1-push" is being deleted`},
		"pushes from a registry": {fromRegistry, func(c *changing) {
			c.attempt()
			c.finishCopy()
			c.attempt()
			c.attempt()
		}, "True Succeeded: pushed; the platform team reads the log: tkn taskrun logs push-uid-4 --namespace custody"},
		"is deleted while it pushes from a registry": {fromRegistry, func(c *changing) {
			c.attempt()
			c.goes()
			c.attempt()
			c.attempt()
		}, `False CustomRunCancelled: CustomRun "build-1-push" is being deleted`},
	} {
		stable := newChanging(t, first, first, test.objects()...)
		test.play(stable)
		if got := stable.end(); got != test.end {
			t.Errorf("%s: ended %s, want %s", name, got, test.end)
		}
		if len(stable.Secrets(ns)) > 0 {
			t.Errorf("%s: its own Secret is left", name)
		}
		for change, later := range laters {
			t.Run(name+"/"+change, func(t *testing.T) {
				c := newChanging(t, first, later, test.objects()...)
				test.play(c)
				if diff := cmp.Diff(stable.seen, c.seen); diff != "" {
					t.Errorf("(-while the configuration stays +while it changes):\n%s", diff)
				}
				if got := c.end(); got != test.end {
					t.Errorf("ended %s, want %s", got, test.end)
				}
			})
		}
	}
}

// What a run that is gone left in custody is looked for in one place, too.
func TestOneConfigurationForWhatIsLeft(t *testing.T) {
	c := config.Default()
	c.Registry, c.CustodyNamespace, c.InternalRegistries = reconcilertest.Host, custody, []string{internal}
	elsewhere := *c
	elsewhere.CustodyNamespace = "elsewhere"
	w := newChanging(t, c, &elsewhere, fromRegistry()...)
	w.attempt()
	if len(w.TaskRuns(custody)) != 1 {
		t.Fatalf("no TaskRun was made: %s", w.end())
	}
	w.Delete(w.CustomRun(ns, run))
	w.attempt()
	if left := w.TaskRuns(custody); len(left) > 0 {
		t.Errorf("TaskRun %q is left", left[0].Name)
	}
}
