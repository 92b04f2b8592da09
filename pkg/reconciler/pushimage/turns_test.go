package pushimage

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"knative.dev/pkg/apis"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/injection"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

// crowd is a cluster whose teams push from the internal registry, each in the namespace apps-<team>.
type crowd struct {
	*reconcilertest.World
	t *testing.T
	// started are the CustomRuns in the order in which they got a TaskRun.
	started []string
}

func newCrowd(t *testing.T, places int, teams ...string) *crowd {
	t.Helper()
	constructor := func(now clock.PassiveClock) injection.ControllerConstructor {
		return newController(now, http.DefaultTransport, places)
	}
	c := &crowd{t: t, World: reconcilertest.New(quiet{t}, constructor, map[string]string{"custody-namespace": custody, "internal-registries": internal})}
	for _, team := range teams {
		c.Add(reconcilertest.NewNamespace("apps-"+team, map[string]string{"apps.platform/team": team}),
			reconcilertest.NewSecret(custody, "quay-robot-team-"+team, "team-"+team+"+ci"))
	}
	return c
}

// come makes a CustomRun of team by hand, a second after the last.
func (c *crowd) come(team, name string) {
	c.t.Helper()
	c.add(team, name)
	c.work()
}

func (c *crowd) add(team, name string) {
	c.t.Helper()
	c.Clock.SetTime(c.Clock.Now().Add(time.Second))
	custom := reconcilertest.NewCustomRun("apps-"+team, "none", name, v1alpha1.KindPushImage)
	custom.OwnerReferences, custom.Spec.Workspaces = nil, nil
	custom.Spec.Timeout = &metav1.Duration{Duration: time.Minute}
	custom.Spec.Params = v1beta1.Params{{Name: v1alpha1.ParamImageRef, Value: *v1beta1.NewStructuredValues(reconcilertest.Host + "/team-" + team + "/app")},
		{Name: v1alpha1.ParamSource, Value: *v1beta1.NewStructuredValues("docker://" + internal + "/apps-" + team + "/app:v1")}}
	c.Add(custom)
}

// work has the controller look at all that it is told to look at, until that is nothing.
func (c *crowd) work() {
	c.t.Helper()
	for range 1000 {
		c.Refresh()
		keys := c.Queued()
		if len(keys) == 0 {
			return
		}
		for _, key := range keys {
			if err := c.ReconcileStale(key.Namespace, key.Name); err != nil {
				if again, _ := controller.IsRequeueKey(err); !again {
					c.t.Fatalf("reconciling %s: %v", key, err)
				}
			}
			for _, task := range c.underWay() {
				if name := runOf(task); !slices.Contains(c.started, name) {
					c.started = append(c.started, name)
				}
			}
		}
	}
	c.t.Fatal("the controller never comes to rest")
}

func (c *crowd) underWay() (tasks []*pipelinev1.TaskRun) {
	for _, task := range c.TaskRuns(custody) {
		if !task.IsDone() {
			tasks = append(tasks, task)
		}
	}
	return tasks
}

func (c *crowd) count(team string) (n int) {
	for _, task := range c.underWay() {
		if task.Labels[v1alpha1.LabelTeam] == team {
			n++
		}
	}
	return n
}

// finish ends the TaskRun of the CustomRun, after a while.
func (c *crowd) finish(name string) {
	c.t.Helper()
	c.Clock.SetTime(c.Clock.Now().Add(2 * time.Minute))
	for _, task := range c.underWay() {
		if runOf(task) == name {
			c.Update(reconcilertest.Finish(task, corev1.ConditionTrue, "Succeeded", ""))
			c.work()
			return
		}
	}
	c.t.Fatalf("%s is not under way, but %v started", name, c.started)
}

// A team starts eighty at once. It has its share, in the order in which they came; another's push starts as if it were alone; and
// all end well, though the last waits far longer than its timeout.
func TestCrowdOfOneNamespace(t *testing.T) {
	c := newCrowd(t, copyPlaces, "hostile", "payments")
	var want []string
	for i := range 80 {
		name := fmt.Sprintf("run-%02d", 99-i) // Later ones have earlier names.
		want = append(want, name)
		c.come("hostile", name)
	}
	if n := c.count("hostile"); n != 4 {
		t.Errorf("%d pushes of the one namespace are under way, want 4 of %d", n, copyPlaces)
	}
	c.Actions()
	c.come("payments", "victim")
	if c.count("payments") != 1 {
		t.Error("the other team's push waits")
	}
	if actions := c.Actions(); countOf(actions, "get") > 3 || countOf(actions, "create", "update", "patch", "delete") > 2 {
		t.Errorf("its start cost %v", actions)
	}
	c.finish("victim")
	for len(c.underWay()) > 0 {
		if n := c.count("hostile"); n > 4 {
			t.Fatalf("%d are under way", n)
		}
		c.finish(runOf(c.underWay()[0]))
	}
	if diff := cmp.Diff(append(slices.Clone(want[:4]), append([]string{"victim"}, want[4:]...)...), c.started); diff != "" {
		t.Errorf("started (-want +got):\n%s", diff)
	}
	for _, name := range want {
		custom := c.CustomRun("apps-hostile", name)
		task := c.TaskRun(custody, copyName(custom.UID))
		if !custom.Status.GetCondition(apis.ConditionSucceeded).IsTrue() || !custom.Status.StartTime.Equal(&task.CreationTimestamp) {
			t.Fatalf("%s: its TaskRun was made at %s, and it says %+v", name, task.CreationTimestamp, custom.Status)
		}
	}
}

// Twenty namespaces want all places: each has some or waits, and no place stays free.
func TestCrowdOfManyNamespaces(t *testing.T) {
	if testing.Short() {
		t.Skip("a hundred runs come and go")
	}
	var teams []string
	for i := range 20 {
		teams = append(teams, fmt.Sprintf("t%02d", i))
	}
	c := newCrowd(t, copyPlaces, teams...)
	for _, team := range teams {
		for i := range 5 {
			c.come(team, fmt.Sprintf("%s-%d", team, i))
		}
	}
	if n := len(c.underWay()); n != copyPlaces {
		t.Errorf("%d of %d places are taken", n, copyPlaces)
	}
	for len(c.underWay()) > 0 {
		c.finish(runOf(c.underWay()[0]))
		if n := len(c.underWay()); n > copyPlaces {
			t.Fatalf("%d are under way", n)
		}
	}
	if len(c.started) != 100 {
		t.Errorf("%d of 100 started", len(c.started))
	}
	// The last namespace to come had its first turn before the first one had its last.
	if a, b := slices.Index(c.started, "t19-0"), slices.Index(c.started, "t00-4"); a > b+20 {
		t.Errorf("the last that came started as number %d", a)
	}
}

// One place: the namespaces take turns, whoever came with how many. A new leader knows who waits and in which order, and not whose turn
// was last.
func TestNamespacesTakeTurns(t *testing.T) {
	for restart, want := range map[int]string{-1: "a1 b1 c1 a2 b2 a3 a4", 3: "a1 b1 c1 a2 a3 b2 a4"} {
		c := newCrowd(t, 1, "a", "b", "c")
		for _, name := range []string{"a1", "a2", "a3", "a4", "b1", "b2", "c1"} {
			c.come(name[:1], name)
		}
		for i := 0; len(c.underWay()) > 0; i++ {
			if i == restart {
				c.Restart()
				c.work()
			}
			if n := len(c.underWay()); n != 1 {
				t.Fatalf("%d are under way", n)
			}
			c.finish(c.started[len(c.started)-1])
		}
		if got := strings.Join(c.started, " "); got != want {
			t.Errorf("started %s, want %s", got, want)
		}
	}
}

// Who waits is told so, costs the API server nothing, and ends at once when it is cancelled or deleted.
func TestWaiting(t *testing.T) {
	c := newCrowd(t, 1, "payments")
	for _, name := range []string{"first", "second", "third", "fourth"} {
		c.come("payments", name)
	}
	for _, name := range []string{"second", "third", "fourth"} {
		if s := c.CustomRun("apps-payments", name).Status; s.GetCondition(apis.ConditionSucceeded).Status != corev1.ConditionUnknown ||
			!strings.Contains(s.GetCondition(apis.ConditionSucceeded).Message, "waiting for its turn") {
			t.Errorf("%s: %+v", name, s.Conditions)
		}
	}
	c.Actions()
	if again, wait := controller.IsRequeueKey(c.ReconcileStale("apps-payments", "second")); !again || wait != unseen {
		t.Errorf("again %v after %s: nobody may tell of its turn", again, wait)
	}
	if actions := c.Actions(); len(actions) > 0 {
		t.Errorf("looking again costs %v", actions)
	}
	second := c.CustomRun("apps-payments", "second")
	second.Spec.Status = v1beta1.CustomRunSpecStatusCancelled
	c.Update(second)
	c.work()
	if got := c.CustomRun("apps-payments", "second").Status; got.CompletionTime == nil || got.Conditions[0].Reason != "CustomRunCancelled" {
		t.Errorf("cancelled: %+v", got)
	}
	c.Delete(c.CustomRun("apps-payments", "third"))
	c.work()
	c.finish("first")
	if got := strings.Join(c.started, " "); got != "first fourth" {
		t.Errorf("started %s", got)
	}
}

// A place is free, and one that has just come is looked at before the one that waits for it.
func TestNobodyOvertakes(t *testing.T) {
	c := newCrowd(t, 1, "payments", "platform")
	c.come("payments", "first")
	c.come("payments", "second")
	c.Update(reconcilertest.Finish(c.underWay()[0], corev1.ConditionTrue, "Succeeded", ""))
	for _, team := range []string{"payments", "platform"} {
		c.add(team, team+"-late")
		if again, _ := controller.IsRequeueKey(c.Reconcile("apps-"+team, team+"-late")); !again && team == "payments" {
			t.Error("nobody comes back")
		}
	}
	if n := c.count("payments"); n > 0 {
		t.Error("one that came later overtook one of its own namespace")
	}
	if n := c.count("platform"); n != 1 {
		t.Error("the namespace that had no turn yet did not get the place")
	}
}

// A place is kept while nobody knows whether the TaskRun was made, and not for ever; what is refused gives it back.
func TestPlaceIsGivenBack(t *testing.T) {
	c := newCrowd(t, 1, "a", "b")
	c.Faults.Before = func(a reconcilertest.Action) error {
		if a == "create taskruns" {
			return errLost
		}
		return nil
	}
	c.add("a", "a1")
	if err := c.Reconcile("apps-a", "a1"); !errors.Is(err, errLost) {
		t.Fatal(err)
	}
	c.Queued()
	c.Faults.Before = nil
	c.come("b", "b1")
	if len(c.underWay()) > 0 {
		t.Error("two could be under way")
	}
	c.Clock.SetTime(c.Clock.Now().Add(heldFor + time.Second))
	if err := c.Reconcile("apps-b", "b1"); err != nil {
		if again, _ := controller.IsRequeueKey(err); !again {
			t.Fatal(err)
		}
	}
	if c.count("b") != 1 {
		t.Error("the place of a TaskRun that never came is lost")
	}
}

// A tenant's TaskRun that looks like one in custody takes no place.
func TestForgedCopyTakesNoPlace(t *testing.T) {
	c := newCrowd(t, 1, "payments")
	forged := &pipelinev1.TaskRun{}
	forged.Name, forged.Namespace = "push-x", "apps-payments"
	forged.Labels, forged.Annotations = map[string]string{v1alpha1.LabelManaged: "true"}, map[string]string{v1alpha1.AnnotationCustomRun: "apps-payments/victim"}
	c.Add(forged)
	c.come("payments", "victim")
	if len(c.underWay()) != 1 {
		t.Error("the push waits for a TaskRun that is not in custody")
	}
}

// The quota of config/copy has room for every place, and for Pods that are on their way out.
func TestPlacesFitTheQuota(t *testing.T) {
	text, err := os.ReadFile("../../../config/copy/100-account.yaml")
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(`pods: "(\d+)"`).FindSubmatch(text)
	if match == nil {
		t.Fatal("no quota of Pods")
	}
	if pods, err := strconv.Atoi(string(match[1])); err != nil || pods < copyPlaces+copyPlaces/4 {
		t.Errorf("quota of %s Pods for %d places, %v", match[1], copyPlaces, err)
	}
}

// No attempt in custody is without an end, whatever the PipelineRun's timeout is.
func TestCopyTimeout(t *testing.T) {
	for given, want := range map[time.Duration]time.Duration{0: time.Hour, time.Minute: time.Minute, 100 * time.Hour: time.Hour} {
		custom := &v1beta1.CustomRun{}
		custom.Spec.Timeout = &metav1.Duration{Duration: given}
		if got := copyTimeout(custom); got != want {
			t.Errorf("copyTimeout of %s = %s, want %s", given, got, want)
		}
	}
	if got := copyTimeout(&v1beta1.CustomRun{}); got != longestCopy {
		t.Errorf("copyTimeout of none = %s", got)
	}
}
