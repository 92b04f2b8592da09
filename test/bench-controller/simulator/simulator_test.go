package simulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	faketekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned/fake"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	fakekube "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	_ "knative.dev/pkg/reconciler/testing" // The fake client sends no bookmarks: this turns WatchList off.

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
)

var tenant = Tenant{Team: "bench-00", Namespace: "apps-bench-00", Organization: "team-bench-00"}

func newTekton(t *testing.T) (*Tekton, *faketekton.Clientset) {
	t.Helper()
	client := faketekton.NewSimpleClientset()
	simulated, err := New(client, "../../..")
	if err != nil {
		t.Fatal(err)
	}
	return simulated, client
}

// A TaskRun is written eleven times, begins to run on the way, and ends with what PushImage promises, as small as it has to be.
func TestProfile(t *testing.T) {
	simulated, _ := newTekton(t)
	var task pipelinev1.TaskRun
	writes := profile(simulated.task, tenant.repository())
	if len(writes) != 11 {
		t.Errorf("%d writes, want 11", len(writes))
	}
	for i, write := range writes {
		before := task.Status.DeepCopy()
		write(&task.Status, metav1.Now())
		if cmp.Equal(*before, task.Status) {
			t.Errorf("write %d changes nothing", i)
		}
		if ended := task.IsDone(); ended != (i == len(writes)-1) {
			t.Errorf("after write %d it has ended: %v", i, ended)
		}
	}
	if !task.IsSuccessful() || task.Status.CompletionTime == nil {
		t.Errorf("status %+v", task.Status.Conditions)
	}
	size := 0
	for i, name := range v1alpha1.Results {
		result := task.Status.Results[i]
		size += len(result.Name) + len(result.Value.StringVal)
		if result.Name != name || result.Value.StringVal == "" {
			t.Errorf("result %d is %+v, want %q", i, result, name)
		}
	}
	if size > 1<<10 {
		t.Errorf("the results have %d bytes, a push's at most 1 KiB", size)
	}
	if encoded, _ := json.Marshal(task); len(encoded) < 4<<10 {
		t.Errorf("the TaskRun has %d bytes, a real one some KiB", len(encoded))
	}
}

// The PipelineRun lists the CustomRun before that is made, and owns it.
func TestPrepareAndCreate(t *testing.T) {
	simulated, client := newTekton(t)
	run, err := simulated.Prepare(t.Context(), tenant, "build-1")
	if err != nil {
		t.Fatal(err)
	}
	owner, err := client.TektonV1().PipelineRuns(tenant.Namespace).Get(t.Context(), "build-1", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if children := owner.Status.ChildReferences; len(children) != 1 || children[0].Name != "build-1-push" || owner.IsDone() {
		t.Errorf("status %+v", owner.Status)
	}
	if err := simulated.Create(t.Context(), run, PushImage); err != nil {
		t.Fatal(err)
	}
	got, err := client.TektonV1beta1().CustomRuns(tenant.Namespace).Get(t.Context(), run.Child, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !customrun.Is(got, v1alpha1.KindPushImage) || !metav1.IsControlledBy(got, owner) || got.Labels[LabelWatched] != "true" {
		t.Errorf("CustomRun %+v", got)
	}
	if run.Key() != "apps-bench-00/build-1-push" {
		t.Errorf("key %q", run.Key())
	}
}

// Only what is watched is pruned. The fake client deletes nothing, but tells what it was asked for.
func TestPrune(t *testing.T) {
	simulated, client := newTekton(t)
	if err := simulated.Prune(t.Context(), []Tenant{tenant}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, action := range client.Actions() {
		if action, ok := action.(clienttesting.DeleteCollectionAction); ok {
			got = append(got, action.GetResource().Resource+" "+action.GetListRestrictions().Labels.String())
		}
	}
	if diff := cmp.Diff([]string{"customruns " + LabelWatched + "=true", "taskruns " + LabelWatched + "=true"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPast(t *testing.T) {
	simulated, client := newTekton(t)
	if err := errors.Join(simulated.CreateForeign(t.Context(), tenant, "foreign"), simulated.CreateFinished(t.Context(), tenant, "alone", PushImage, false),
		simulated.CreateFinished(t.Context(), tenant, "pair", PushImage, true)); err != nil {
		t.Fatal(err)
	}
	get := func(name string) *v1beta1.CustomRun {
		run, err := client.TektonV1beta1().CustomRuns(tenant.Namespace).Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return run
	}
	if foreign := get("foreign"); customrun.Ours(foreign) || customrun.Done(foreign) {
		t.Errorf("foreign %+v", foreign)
	}
	for _, name := range []string{"alone", "pair"} {
		if run := get(name); !customrun.Ours(run) || !customrun.Done(run) || !run.IsSuccessful() || len(run.Status.Results) != len(v1alpha1.Results) {
			t.Errorf("finished %+v", run)
		}
	}
	tasks, err := client.TektonV1().TaskRuns(tenant.Namespace).List(t.Context(), metav1.ListOptions{LabelSelector: v1alpha1.LabelManaged + "=true"})
	if err != nil {
		t.Fatal(err)
	}
	if len(tasks.Items) != 1 || tasks.Items[0].Name != "pair" || !tasks.Items[0].IsSuccessful() || !metav1.IsControlledBy(&tasks.Items[0], get("pair")) {
		t.Errorf("TaskRuns %+v", tasks.Items)
	}
}

// Only TaskRuns that are watched are brought to their end.
func TestStart(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	simulated, client := newTekton(t)
	if err := simulated.Start(ctx, func(err error) { t.Error(err) }); err != nil {
		t.Fatal(err)
	}
	watched := newTaskRun(tenant, "watched")
	watched.Labels[LabelWatched] = "true"
	watcher, err := client.TektonV1().TaskRuns(tenant.Namespace).Watch(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.TektonV1().TaskRuns(tenant.Namespace).Create(ctx, watched, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for updates := -1; ; updates++ {
		select {
		case <-ctx.Done():
			t.Fatal("it did not end")
		case event := <-watcher.ResultChan():
			if task := event.Object.(*pipelinev1.TaskRun); task.IsDone() {
				if updates+1 != 11 || task.Status.Results[3].Value.StringVal != tenant.repository() {
					t.Errorf("%d updates, results %+v", updates+1, task.Status.Results)
				}
				return
			}
		}
	}
}

// The controller may read the tenant's Secret, and only that.
func TestTenants(t *testing.T) {
	client := fakekube.NewClientset()
	tenants, err := Tenants(t.Context(), client, 2)
	if err != nil {
		t.Fatal(err)
	}
	if len(tenants) != 2 || tenants[0].Namespace == tenants[1].Namespace {
		t.Fatalf("tenants %+v", tenants)
	}
	role, err := client.RbacV1().Roles(tenants[1].Namespace).Get(t.Context(), "quay-push", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"quay-robot-team-bench-01"}, role.Rules[0].ResourceNames); diff != "" || len(role.Rules) != 1 {
		t.Errorf("rules %+v (-want +got):\n%s", role.Rules, diff)
	}
}

func TestEach(t *testing.T) {
	var under, most, calls, told atomic.Int64
	if err := Each(t.Context(), 2500, func(int) { told.Add(1) }, func(context.Context, int) error {
		now := under.Add(1)
		for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
		}
		calls.Add(1)
		under.Add(-1)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if calls.Load() != 2500 || told.Load() != 2 || most.Load() > writers {
		t.Errorf("%d calls, told %d times, %d at a time", calls.Load(), told.Load(), most.Load())
	}
	stop := fmt.Errorf("stop")
	calls.Store(0)
	err := Each(t.Context(), 2500, nil, func(context.Context, int) error {
		calls.Add(1)
		return stop
	})
	if !errors.Is(err, stop) || calls.Load() > writers {
		t.Errorf("after an error: %v, %d calls", err, calls.Load())
	}
}
