package pushimage

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"knative.dev/pkg/injection"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

var (
	firstSeed = flag.Uint64("seed", 1, "first seed of TestChaos")
	seeds     = flag.Uint64("seeds", 1000, "how many seeds TestChaos tries, from -seed on, or 90 with -short; 1 replays one")
)

// Everything that can happen to runs does, in an order that a seed gives, between any two requests of two leaders with caches of
// their own. When it is over no run was lost, none pushed twice, none changed its end, none goes on after it, none told a token. Of
// three seeds one has the robots in custody: then none left its Secret, either; and one pushes from a registry: then no TaskRun is
// left in custody whose run is gone.
func TestChaos(t *testing.T) {
	var modes [][]*reconcilertest.World
	for _, settings := range []map[string]string{nil, {"custody-namespace": custody}, {"custody-namespace": custody, "internal-registries": internal}} {
		world := reconcilertest.New(quiet{t}, twoPlaces, settings, reconcilertest.NewNamespace(ns, map[string]string{"apps.platform/team": "payments"}))
		modes = append(modes, []*reconcilertest.World{world, world.Replica()})
	}
	if testing.Short() {
		*seeds = min(*seeds, 90)
	}
	for _, leaders := range modes {
		leaders[0].Tektons = tektons(t)
	}
	happened, ends := map[string]int{}, map[string]int{}
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		mode := seed % uint64(len(modes))
		c := newChaos(t, seed, modes[mode], happened, mode == 2)
		if mode > 0 {
			c.home = custody
		}
		c.secret(true)
		c.play()
		c.settle()
		c.judge(ends)
		c.clear()
		if t.Failed() {
			t.Fatalf("replay with: go test ./pkg/reconciler/pushimage -run TestChaos -seed %d -seeds 1\n%s", seed, strings.Join(c.log, "\n"))
		}
	}
	t.Logf("seeds %d to %d; ends: %v; happened: %v", *firstSeed, *firstSeed+*seeds-1, ends, happened)
	for _, name := range faults {
		if *seeds >= 1000 && happened[name] < 5 {
			t.Errorf("%s happened %d times: the test does not try it", name, happened[name])
		}
	}
}

// faults are what a run of 1,000 seeds must have met. The default is as many.
var faults = []string{"killed before create taskruns", "killed after create taskruns", "killed before update customruns/status",
	"killed after update customruns/status", "killed before patch taskruns", "killed after patch taskruns", "killed before get secrets",
	"killed between", "two leaders at once", "conflict", "answer lost of create taskruns", "answer lost of update customruns/status",
	"killed before create secrets", "killed after create secrets", "killed before delete secrets", "killed after delete secrets",
	"killed before delete taskruns", "killed after delete taskruns",
	"TaskRun held", "CustomRun held", "owner stripped", "namespace relabelled", "waited",
	"API server down", "TaskRun deleted", "TaskRun deleted before it was recorded", "label removed", "PipelineRun deleted", "PipelineRun ended",
	"Secret rotated", "Secret missing", "cancelled", "cancelled after its end", "evicted", "came back"}

// twoPlaces makes a controller with too few places in custody for all runs of a seed.
func twoPlaces(now clock.PassiveClock) injection.ControllerConstructor {
	return newController(now, http.DefaultTransport, 2)
}

// quiet keeps a million lines of the controller's log out of the test's.
type quiet struct{ testing.TB }

func (quiet) Logf(string, ...any) {}

// chaos is one seed's run.
type chaos struct {
	t        *testing.T
	random   *rand.Rand
	world    *reconcilertest.World
	leaders  []*leader
	names    []string
	history  map[string]*history
	happened map[string]int
	// home is where the tenant's Secret is.
	home string
	// copies says that the runs push from a registry.
	copies bool
	// relabelled says that the namespace has been another team's, or is.
	relabelled bool
	calm       bool
	depth      int
	down       time.Time
	observed   int
	log        []string
}

func newChaos(t *testing.T, seed uint64, leaders []*reconcilertest.World, happened map[string]int, copies bool) *chaos {
	c := &chaos{t: t, copies: copies, random: rand.New(rand.NewPCG(seed, 0)), world: leaders[0], history: map[string]*history{}, happened: happened, home: ns}
	for i := range 1 + c.random.IntN(3) {
		c.names = append(c.names, fmt.Sprintf("%s-%d", run, i))
		custom := reconcilertest.NewCustomRun(ns, reconcilertest.Pipeline, c.names[i], v1alpha1.KindPushImage)
		if copies {
			custom.Spec.Workspaces = nil
			custom.Spec.Params = append(custom.Spec.Params, v1beta1.Param{Name: v1alpha1.ParamSource, Value: *v1beta1.NewStructuredValues(source)})
		}
		custom.Spec.Retries = c.random.IntN(3)
		if c.random.IntN(2) == 0 {
			custom.Spec.Timeout = &metav1.Duration{Duration: time.Minute}
		}
		c.world.Add(custom)
		c.history[c.names[i]] = &history{tasks: map[types.UID]*pipelinev1.TaskRun{}, allowed: 1}
	}
	foreign := reconcilertest.NewCustomRun(ns, reconcilertest.Pipeline, "foreign", "Approval")
	foreign.Spec.CustomRef.APIVersion = "example.dev/v1"
	c.world.Add(reconcilertest.NewPipelineRun(ns, reconcilertest.Pipeline), foreign)
	for i, w := range leaders {
		l := &leader{World: w, name: fmt.Sprint("leader ", i), due: map[types.NamespacedName]time.Time{}}
		l.Faults = reconcilertest.Faults{
			Before: func(a reconcilertest.Action) error { return c.before(l, a) },
			After:  func(a reconcilertest.Action) error { return c.after(l, a) },
		}
		l.Restart()
		c.leaders = append(c.leaders, l)
	}
	if c.random.IntN(4) > 0 {
		c.list()
	}
	return c
}

func (c *chaos) play() {
	for range 40 + c.random.IntN(80) {
		c.step()
	}
}

func (c *chaos) step() {
	l := c.leaders[c.random.IntN(len(c.leaders))]
	switch n := c.random.IntN(100); {
	case n < 40:
		c.work(l)
	case n < 52:
		l.RefreshCustomRuns()
	case n < 62:
		l.RefreshTaskRuns()
	case n < 66:
		l.Refresh()
	case n < 84:
		c.tekton()
	case n < 94:
		c.pass(time.Duration(c.random.IntN(15_000)) * time.Millisecond)
	default:
		c.disturb(l)
	}
	c.observe()
}

// settle ends all faults, and lets everybody finish. Nobody looks at a run but for a reason.
func (c *chaos) settle() {
	c.calm = true
	c.logf("the faults stop")
	for still := 0; still < 3; still++ {
		c.pass(3 * time.Second)
		c.list()
		for c.world.CollectGarbage() {
		}
		for _, name := range c.names {
			// A TaskRun whose CustomRun has ended would go on for ever: judge looks for one.
			task, custom := c.task(name), c.customRun(name)
			if task != nil && (custom == nil || !custom.IsDone() || task.IsCancelled()) && c.advance(task) {
				still = 0
			}
		}
		for _, l := range c.leaders {
			l.Refresh()
			c.work(l)
			if len(l.due) > 0 {
				still = 0
			}
		}
		c.observe()
	}
}

func (c *chaos) pass(d time.Duration) { c.world.Clock.SetTime(c.world.Clock.Now().Add(d)) }

func (c *chaos) count(what string) { c.happened[what]++ }

func (c *chaos) logf(format string, args ...any) {
	c.log = append(c.log, c.world.Clock.Now().Format("04:05.0 ")+strings.Repeat("  ", c.depth)+fmt.Sprintf(format, args...))
}

// clear leaves nothing for the next seed.
func (c *chaos) clear() {
	if pr := c.pipelineRun(); pr != nil {
		c.world.Delete(pr)
	}
	for c.world.CollectGarbage() {
	}
	for _, task := range append(c.world.TaskRuns(custody), c.world.TaskRuns(ns)...) {
		c.world.Delete(task) // In custody, or stripped of its owner.
	}
	c.secret(true)
	c.secret(false)
	c.world.Update(reconcilertest.NewNamespace(ns, map[string]string{"apps.platform/team": "payments"}))
}

// task is the TaskRun of the CustomRun of that name, where it is now; nil if there is none.
func (c *chaos) task(name string) *pipelinev1.TaskRun {
	if !c.copies {
		return c.world.TaskRun(ns, name)
	}
	for _, task := range c.world.TaskRuns(custody) {
		if runOf(task) == name {
			return task
		}
	}
	return nil
}

// runOf is the name of the CustomRun that the TaskRun is of.
func runOf(task *pipelinev1.TaskRun) string {
	if key, ok := customRunOf(task); ok {
		return key.Name
	}
	return task.Name
}

func (c *chaos) customRun(name string) *v1beta1.CustomRun {
	object := c.stored(v1beta1.SchemeGroupVersion.WithResource("customruns"), name)
	custom, _ := object.(*v1beta1.CustomRun)
	return custom.DeepCopy()
}

func (c *chaos) pipelineRun() *pipelinev1.PipelineRun {
	object := c.stored(pipelinev1.SchemeGroupVersion.WithResource("pipelineruns"), reconcilertest.Pipeline)
	pr, _ := object.(*pipelinev1.PipelineRun)
	return pr.DeepCopy()
}

func (c *chaos) stored(resource schema.GroupVersionResource, name string) any {
	object, err := c.world.Tekton.Tracker().Get(resource, ns, name)
	if err != nil {
		return nil
	}
	return object
}
