package pushimage

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/pkg/apis"
	"knative.dev/pkg/controller"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

var (
	firstSeed = flag.Uint64("seed", 1, "first seed of TestChaos")
	seeds     = flag.Uint64("seeds", 1000, "how many seeds TestChaos tries, from -seed on; 1 replays one")
)

// Everything that can happen to runs does, in an order that a seed gives, between any two requests of two leaders with caches of
// their own. When it is over no run was lost, none pushed twice, none changed its end, none goes on after it, none told a token. Every
// second seed has the robots in custody: then none left its Secret, either.
func TestChaos(t *testing.T) {
	var modes [][]*reconcilertest.World
	for _, custodyNamespace := range []string{"", custody} {
		world := reconcilertest.New(quiet{t}, NewController, map[string]string{"custody-namespace": custodyNamespace},
			reconcilertest.NewNamespace(ns, map[string]string{"apps.platform/team": "payments"}))
		modes = append(modes, []*reconcilertest.World{world, world.Replica()})
	}
	happened, ends := map[string]int{}, map[string]int{}
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		c := newChaos(t, seed, modes[seed%2], happened)
		if seed%2 == 1 {
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

// faults are what a run of 1,000 seeds must have met.
var faults = []string{"killed before create taskruns", "killed after create taskruns", "killed before update customruns/status",
	"killed after update customruns/status", "killed before patch taskruns", "killed after patch taskruns", "killed before get secrets",
	"killed between", "two leaders at once", "conflict", "answer lost of create taskruns", "answer lost of update customruns/status",
	"killed before create secrets", "killed after create secrets", "killed before delete secrets", "killed after delete secrets",
	"API server down", "TaskRun deleted", "TaskRun deleted before it was recorded", "label removed", "PipelineRun deleted", "PipelineRun ended",
	"Secret rotated", "Secret missing", "cancelled", "cancelled after its end", "evicted", "came back"}

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
	home     string
	calm     bool
	depth    int
	down     time.Time
	observed int
	log      []string
}

// leader is one replica, and when it looks at what again.
type leader struct {
	*reconcilertest.World
	name string
	due  map[types.NamespacedName]time.Time
	busy string
}

// history is what the API server had of one CustomRun.
type history struct {
	// tasks are all TaskRuns there ever were, allowed how many there may be.
	tasks   map[types.UID]*pipelinev1.TaskRun
	allowed int
	// back says that Tekton brought the TaskRun back from an eviction.
	back bool
	end  *v1beta1.CustomRunStatus
}

func newChaos(t *testing.T, seed uint64, leaders []*reconcilertest.World, happened map[string]int) *chaos {
	c := &chaos{t: t, random: rand.New(rand.NewPCG(seed, 0)), world: leaders[0], history: map[string]*history{}, happened: happened, home: ns}
	for i := range 1 + c.random.IntN(3) {
		c.names = append(c.names, fmt.Sprintf("%s-%d", run, i))
		custom := reconcilertest.NewCustomRun(ns, reconcilertest.Pipeline, c.names[i], v1alpha1.KindPushImage)
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

// work has the leader look at one run that is due, as Knative's queue would.
func (c *chaos) work(l *leader) {
	if l.busy != "" {
		return
	}
	now := c.world.Clock.Now()
	for _, key := range l.Queued() {
		l.due[key] = now
	}
	keys := slices.SortedFunc(maps.Keys(l.due), func(a, b types.NamespacedName) int { return strings.Compare(a.Name, b.Name) })
	keys = slices.DeleteFunc(keys, func(k types.NamespacedName) bool { return l.due[k].After(now) })
	if len(keys) == 0 {
		return
	}
	key := keys[c.random.IntN(len(keys))]
	delete(l.due, key)
	l.busy = key.Name
	err, killed := reconcileOrDie(l.World, key)
	l.busy = ""
	c.logf("%s looked at %s: %v", l.name, key.Name, err)
	again, wait := controller.IsRequeueKey(err)
	switch {
	case killed:
		l.Restart()
		l.due = map[types.NamespacedName]time.Time{}
	case again:
		l.due[key] = now.Add(wait)
	case err != nil && !controller.IsPermanentError(err) && !controller.IsSkipKey(err):
		l.due[key] = now.Add(time.Second)
	}
}

// kill is thrown where a process dies.
type kill struct{}

func reconcileOrDie(w *reconcilertest.World, key types.NamespacedName) (err error, killed bool) {
	defer func() {
		if p := recover(); p != nil {
			if _, killed = p.(kill); !killed {
				panic(p)
			}
		}
	}()
	return w.ReconcileStale(key.Namespace, key.Name), false
}

// before is what can happen when a request is on its way.
func (c *chaos) before(l *leader, a reconcilertest.Action) error {
	if err := c.webhook(l, a); err != nil || c.calm {
		return err
	}
	if c.world.Clock.Now().Before(c.down) {
		return apierrs.NewServiceUnavailable("the API server is down")
	}
	switch n := c.random.IntN(100); {
	case n < 3 || n < 15 && a == "patch taskruns":
		c.die(l, "killed before ", a)
	case n < 6:
		return apierrs.NewInternalError(errors.New("etcd is slow"))
	case n < 12 && a == "update customruns/status":
		c.count("conflict")
		if custom := c.customRun(l.busy); custom != nil {
			custom.Annotations = map[string]string{"somebody": fmt.Sprint(c.random.IntN(1000))}
			c.world.Update(custom)
		}
	case n < 30:
		c.meanwhile(l)
	}
	return nil
}

// after is what can happen when the answer of a request that took effect is on its way.
func (c *chaos) after(l *leader, a reconcilertest.Action) error {
	c.observe()
	c.logf("%s did %s for %s", l.name, a, l.busy)
	if c.calm {
		return nil
	}
	switch n := c.random.IntN(100); {
	case n < 3 || n < 15 && a == "patch taskruns":
		c.die(l, "killed after ", a)
	case n < 8:
		c.count("answer lost of " + string(a))
		return apierrs.NewTimeoutError("the webhook took too long", 0)
	case n < 25:
		c.meanwhile(l)
	}
	return nil
}

func (c *chaos) die(l *leader, when string, a reconcilertest.Action) {
	c.count(when + string(a))
	c.logf("%s %s %s", l.name, when, a)
	panic(kill{})
}

// meanwhile lets the rest of the world go on between two requests of one leader.
func (c *chaos) meanwhile(l *leader) {
	if c.depth++; c.depth <= 3 {
		for _, other := range c.leaders {
			if other != l && other.busy == "" {
				c.count("two leaders at once")
			}
		}
		for range c.random.IntN(4) {
			c.step()
		}
	}
	c.depth--
}

// webhook is Tekton's: a TaskRun that ended is not changed.
func (c *chaos) webhook(l *leader, a reconcilertest.Action) error {
	if task := c.world.TaskRun(ns, l.busy); a == "patch taskruns" && task != nil && task.IsDone() {
		return apierrs.NewBadRequest("once the TaskRun is complete, no updates are allowed")
	}
	return nil
}

// tekton lets Tekton's controllers or the garbage collector do one thing.
func (c *chaos) tekton() {
	if c.random.IntN(3) == 0 && c.world.CollectGarbage() {
		return
	}
	if c.random.IntN(4) == 0 {
		c.list()
	}
	name := c.names[c.random.IntN(len(c.names))]
	if task := c.world.TaskRun(ns, name); task != nil {
		c.advance(task)
	}
}

func (c *chaos) advance(task *pipelinev1.TaskRun) bool {
	next := reconcilertest.Advance(task, c.random, c.world.Clock.Now())
	if next == nil {
		return false
	}
	if next.Status.GetCondition(apis.ConditionSucceeded).Reason == "PodEvicted" {
		c.count("evicted")
	}
	if task.IsDone() {
		c.count("came back")
		c.history[task.Name].back = true
	}
	c.world.Update(next)
	c.logf("Tekton: TaskRun %s is %v", task.Name, next.Status.GetCondition(apis.ConditionSucceeded))
	return true
}

// list writes the CustomRuns into the PipelineRun's status.
func (c *chaos) list() {
	if pr := c.pipelineRun(); pr != nil && len(pr.Status.ChildReferences) == 0 {
		pr.Status.ChildReferences = reconcilertest.NewPipelineRun(ns, "", c.names...).Status.ChildReferences
		c.world.Update(pr)
	}
}

// disturb does one thing that a person or the platform could do.
func (c *chaos) disturb(l *leader) {
	name := c.names[c.random.IntN(len(c.names))]
	custom, task := c.customRun(name), c.world.TaskRun(ns, name)
	switch c.random.IntN(16) {
	case 0:
		c.cancel(custom, v1beta1.CustomRunCancelledByPipelineMsg)
	case 2, 3:
		if task != nil {
			c.deleteTaskRun(custom, task)
		}
	case 4, 5:
		if task != nil && task.Labels[v1alpha1.LabelManaged] != "" {
			c.count("label removed")
			c.logf("TaskRun %s loses its label", name)
			delete(task.Labels, v1alpha1.LabelManaged)
			c.world.Update(task)
		}
	case 1, 6, 7, 8:
		c.count("Secret rotated")
		c.secret(true)
	case 9:
		if c.random.IntN(2) == 0 {
			c.count("Secret missing")
			c.secret(false)
		}
	case 10, 11:
		c.count("API server down")
		c.down = c.world.Clock.Now().Add(time.Minute)
	case 12, 13:
		if l.busy == "" {
			c.count("killed between")
			l.Restart()
			l.due = map[types.NamespacedName]time.Time{}
		}
	case 14:
		if pr := c.pipelineRun(); pr != nil && c.random.IntN(2) == 0 {
			c.count("PipelineRun deleted")
			c.world.Delete(pr)
		}
	case 15:
		if c.random.IntN(2) == 0 {
			c.end()
		}
	}
}

func (c *chaos) cancel(custom *v1beta1.CustomRun, why v1beta1.CustomRunSpecStatusMessage) {
	if custom == nil || custom.IsCancelled() {
		return
	}
	c.count("cancelled")
	if custom.IsDone() {
		c.count("cancelled after its end")
	}
	custom.Spec.Status, custom.Spec.StatusMessage = v1beta1.CustomRunSpecStatusCancelled, why
	custom.Generation++
	c.world.Update(custom)
	c.logf("%s is cancelled", custom.Name)
}

// end is the end of the PipelineRun by its timeout: it does not wait for its children.
func (c *chaos) end() {
	pr := c.pipelineRun()
	if pr == nil || pr.IsDone() {
		return
	}
	c.count("PipelineRun ended")
	for _, name := range c.names {
		c.cancel(c.customRun(name), v1beta1.CustomRunCancelledByPipelineTimeoutMsg)
	}
	pr.Status.SetCondition(&apis.Condition{Type: apis.ConditionSucceeded, Status: corev1.ConditionFalse, Reason: "PipelineRunTimeout"})
	c.world.Update(pr)
}

// deleteTaskRun is somebody's kubectl delete. Until the CustomRun's status names the TaskRun nothing else does, and who deletes
// it before, or in the moment between a leader's last look and its create, gets another one.
func (c *chaos) deleteTaskRun(custom *v1beta1.CustomRun, task *pipelinev1.TaskRun) {
	if custom == nil {
		return
	}
	busy := slices.ContainsFunc(c.leaders, func(l *leader) bool { return l.busy == task.Name })
	if s, err := stateOf(custom); err != nil || s.TaskRun.UID != task.UID || busy {
		c.count("TaskRun deleted before it was recorded")
		c.history[task.Name].allowed++
	}
	c.count("TaskRun deleted")
	c.logf("TaskRun %s is deleted", task.Name)
	c.world.Delete(task)
}

// secret gives the tenant's Secret a new token, or takes it away.
func (c *chaos) secret(there bool) {
	secret := reconcilertest.NewSecret(c.home, reconcilertest.Secret, "team-payments+ci-b")
	_, err := c.world.Kube.Tracker().Get(corev1.SchemeGroupVersion.WithResource("secrets"), c.home, reconcilertest.Secret)
	switch {
	case err == nil && there:
		c.world.Update(secret)
	case err == nil:
		c.world.Delete(secret)
	case there:
		c.world.Add(secret)
	}
}

func (c *chaos) pass(d time.Duration) { c.world.Clock.SetTime(c.world.Clock.Now().Add(d)) }

func (c *chaos) count(what string) { c.happened[what]++ }

func (c *chaos) logf(format string, args ...any) {
	c.log = append(c.log, c.world.Clock.Now().Format("04:05.0 ")+strings.Repeat("  ", c.depth)+fmt.Sprintf(format, args...))
}

// observe compares what there is now with what was.
func (c *chaos) observe() {
	if c.observed == c.world.Version() {
		return
	}
	c.observed = c.world.Version()
	for _, name := range c.names {
		h, custom, task := c.history[name], c.customRun(name), c.world.TaskRun(ns, name)
		if task != nil {
			h.tasks[task.UID] = task
		}
		if len(h.tasks) > h.allowed {
			c.failf("CustomRun %s: %d TaskRuns were made, want at most %d", name, len(h.tasks), h.allowed)
		}
		if custom == nil {
			continue
		}
		switch {
		case h.end == nil && custom.IsDone():
			h.end = custom.Status.DeepCopy()
			c.logf("%s ended: %+v", name, custom.Status.Conditions)
			c.ended(custom, task)
		case h.end != nil:
			if !equality.Semantic.DeepEqual(h.end, &custom.Status) {
				c.failf("CustomRun %s: its end changed (-was +is):\n%s", name, cmp.Diff(h.end, &custom.Status))
			}
		}
	}
}

// ended checks the end of a run in the moment in which it was written.
func (c *chaos) ended(custom *v1beta1.CustomRun, task *pipelinev1.TaskRun) {
	s := custom.Status
	if len(s.Conditions) != 1 || s.StartTime == nil || s.CompletionTime == nil || s.CompletionTime.Before(s.StartTime) {
		c.failf("CustomRun %s ended as %+v", custom.Name, s)
	}
	why := s.Conditions[0]
	if why.IsTrue() && len(s.Results) != len(v1alpha1.Results) {
		c.failf("CustomRun %s succeeded with the results %v", custom.Name, s.Results)
	}
	if why.IsTrue() && !c.succeeded(custom.Name) {
		c.failf("CustomRun %s succeeded, no TaskRun of it did", custom.Name)
	}
	// What comes back from an eviction in this very moment, or was made because the first was deleted, is stopped when it is seen.
	if task != nil && task.Status.StartTime != nil && !task.IsDone() && !task.IsCancelled() && !c.history[custom.Name].back && len(c.history[custom.Name].tasks) == 1 {
		c.failf("CustomRun %s ended with %s while TaskRun %s runs: %+v", custom.Name, why.Reason, task.Name, task.Status.Conditions)
	}
	if why.Reason == v1beta1.CustomRunReasonTimedOut.String() && task != nil && len(task.Status.RetriesStatus) > 0 && !task.IsDone() {
		c.failf("CustomRun %s timed out between two attempts", custom.Name)
	}
}

func (c *chaos) succeeded(name string) bool {
	for _, task := range c.history[name].tasks {
		if task.Status.GetCondition(apis.ConditionSucceeded).IsTrue() {
			return true
		}
	}
	return false
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
			task, custom := c.world.TaskRun(ns, name), c.customRun(name)
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

// judge looks at what is left.
func (c *chaos) judge(ends map[string]int) {
	for _, name := range c.names {
		custom, task := c.customRun(name), c.world.TaskRun(ns, name)
		if custom == nil {
			ends["deleted"]++
			continue
		}
		if !custom.IsDone() {
			c.failf("CustomRun %s is lost: %+v; its TaskRun: %+v", name, custom.Status, task)
			continue
		}
		ends[custom.Status.Conditions[0].Reason]++
		// Who takes the label off an evicted TaskRun that then comes back hides it: nobody looks for what ended.
		hidden := task != nil && task.Labels[v1alpha1.LabelManaged] == "" && c.history[name].back
		if task != nil && !task.IsDone() && !task.IsCancelled() && !hidden {
			c.failf("CustomRun %s ended with %s, and TaskRun %s goes on", name, custom.Status.Conditions[0].Reason, task.Name)
		}
		if encoded, err := json.Marshal(custom); err != nil || strings.Contains(string(encoded), reconcilertest.Token) {
			c.failf("CustomRun %s tells the token (%v)", name, err)
		}
	}
	for _, secret := range c.world.Secrets(ns) {
		if secret.Name != reconcilertest.Secret {
			c.failf("Secret %s is left behind", secret.Name)
		}
	}
	if foreign := c.customRun("foreign"); foreign != nil && (len(foreign.Status.Conditions) > 0 || foreign.Status.StartTime != nil) {
		c.failf("another's CustomRun was answered: %+v", foreign.Status)
	}
	if events := strings.Join(c.world.Events(), "\n"); strings.Contains(events, reconcilertest.Token) {
		c.failf("an event tells the token")
	}
}

// failf fails the test by the first thing that goes wrong; the rest follows from it.
func (c *chaos) failf(format string, args ...any) {
	c.t.Helper()
	if !c.t.Failed() {
		c.logf("FAIL: "+format, args...)
		c.t.Errorf(format, args...)
	}
}

// clear leaves nothing for the next seed.
func (c *chaos) clear() {
	if pr := c.pipelineRun(); pr != nil {
		c.world.Delete(pr)
	}
	for c.world.CollectGarbage() {
	}
	c.secret(true)
	c.secret(false)
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
