package customrun

import (
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	k8sjson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/tools/cache"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
)

func newTaskRun(name string) *pipelinev1.TaskRun {
	task := &pipelinev1.TaskRun{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: strings.Clone("namespace"), UID: types.UID("uid of " + name), ResourceVersion: "7",
			Labels: map[string]string{"l": "l"}, ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "m"}},
			OwnerReferences: []metav1.OwnerReference{{Kind: "CustomRun", Name: name, UID: "u", Controller: new(true)}},
		},
		Spec: pipelinev1.TaskRunSpec{
			Status:  pipelinev1.TaskRunSpecStatusCancelled,
			TaskRef: &pipelinev1.TaskRef{Name: "t"},
			Params: pipelinev1.Params{{Name: v1alpha1.ParamTag, Value: *pipelinev1.NewStructuredValues("v1")},
				{Name: v1alpha1.ParamImageRef, Value: *pipelinev1.NewStructuredValues("host/org/app")}},
		},
	}
	task.Status = newAttempt("Succeeded")
	for _, name := range v1alpha1.Results {
		task.Status.Results = append(task.Status.Results, pipelinev1.TaskRunResult{Name: name, Type: pipelinev1.ResultsTypeString,
			Value: *pipelinev1.NewStructuredValues(strings.Repeat("x", 100))})
	}
	task.Status.RetriesStatus = []pipelinev1.TaskRunStatus{newAttempt("Failed")}
	return task
}

// newAttempt is the status of one, with the Task in it as Tekton writes it.
func newAttempt(reason string) (status pipelinev1.TaskRunStatus) {
	status.Conditions = duckv1.Conditions{{Type: apis.ConditionSucceeded, Status: corev1.ConditionTrue, Reason: reason}}
	status.StartTime, status.CompletionTime = &metav1.Time{Time: time.Unix(1, 0)}, &metav1.Time{Time: time.Unix(2, 0)}
	status.PodName, status.Steps = "pod", []pipelinev1.StepState{{Name: "push"}}
	status.TaskSpec = &pipelinev1.TaskSpec{Description: strings.Repeat("d", 8<<10)}
	return status
}

// What is kept is what the end of a run is made of, and nothing else.
func TestSlimTaskRun(t *testing.T) {
	got, err := Slim(newTaskRun("a"))
	if err != nil {
		t.Fatal(err)
	}
	want := newTaskRun("a")
	want.Labels, want.ManagedFields, want.Spec.TaskRef = nil, nil, nil
	want.Spec.Params = want.Spec.Params[1:]
	for _, status := range []*pipelinev1.TaskRunStatus{&want.Status, &want.Status.RetriesStatus[0]} {
		status.TaskSpec, status.PodName, status.Steps = nil, "", nil
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A cluster has thousands of each, and the controller 96 MiB.
func TestSlimIsSmall(t *testing.T) {
	for name, test := range map[string]struct {
		most int // bytes
		make func(name string) any
	}{
		"foreign CustomRun": {1024, func(name string) any {
			run := newRun("example.dev/v1", strings.Clone("Approval"))
			run.Name, run.UID = name, types.UID(strings.Clone("00000000-0000-0000-0000-000000000000"))
			return run
		}},
		"ended CustomRun": {1024, func(name string) any {
			run := newRun(v1alpha1.APIVersion, v1alpha1.KindPushImage)
			run.Name, run.UID = name, types.UID(strings.Clone("00000000-0000-0000-0000-000000000000"))
			run.Status.CompletionTime = &metav1.Time{Time: time.Unix(1, 0)}
			run.Status.Results = []v1beta1.CustomRunResult{{Name: "n", Value: strings.Repeat("x", 1000)}}
			return run
		}},
		"TaskRun": {3584, func(name string) any {
			task := newTaskRun(name)
			task.Status.RetriesStatus = nil
			return task
		}},
	} {
		const n = 2000
		store := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
		before := live()
		for i := range n {
			object, err := Slim(decoded(t, test.make(fmt.Sprintf("a-run-with-a-name-of-usual-length-%05d", i))))
			if err != nil {
				t.Fatal(err)
			}
			if err := store.Add(object); err != nil {
				t.Fatal(err)
			}
		}
		each := (live() - before) / n
		runtime.KeepAlive(store)
		t.Logf("%s: %d bytes", name, each)
		if each > test.most {
			t.Errorf("%s takes %d bytes of the cache, want at most %d", name, each, test.most)
		}
	}
}

// decoded is the object as it comes from the API server: each string is in memory on its own.
func decoded(t *testing.T, object any) any {
	t.Helper()
	encoded, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	into := reflect.New(reflect.TypeOf(object).Elem()).Interface()
	if err := k8sjson.Unmarshal(encoded, into); err != nil {
		t.Fatal(err)
	}
	return into
}

// live is how many bytes of the heap a collection leaves.
func live() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
