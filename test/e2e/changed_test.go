//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/comptech-lab/quay-push/test/stage"
)

// Patches at random, in both versions, of another team's run and of its own: nothing of the one changes, and the other stays what it is.
func TestGeneratedChanges(t *testing.T) {
	seed, n := number(t, "E2E_SEED", uint64(time.Now().UnixNano())), number(t, "E2E_GENERATE", 5000)/10
	t.Logf("E2E_SEED=%d", seed)
	ctx := within(t, 10*time.Minute)
	battlefield(t)
	served, err := readSchemas(ctx, s.Config)
	if err != nil {
		t.Fatal(err)
	}
	admin, err := dynamic.NewForConfig(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	attacker := dynamicAs(t, "system:serviceaccount:"+stage.SharedNamespace+":"+attackerAccount)
	m := maker{rand.New(rand.NewPCG(seed, 1))}
	for _, team := range []string{"payments", "platform"} {
		name := finishedRun(t, ctx, admin, team)
		changed, refused := 0, 0
		for range n {
			kind := schema.GroupVersionKind{Group: "tekton.dev", Version: pick(m, []string{"v1", "v1beta1"}), Kind: "PipelineRun"}
			runs := kind.GroupVersion().WithResource("pipelineruns")
			before, err := admin.Resource(runs).Namespace(stage.SharedNamespace).Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			patch := m.patch(served[kind])
			after, err := attacker.Resource(runs).Namespace(stage.SharedNamespace).Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}}, pick(m, [][]string{nil, nil, {"status"}})...)
			if err != nil {
				refused++
				continue
			}
			if reflect.DeepEqual(kept(before), kept(after)) {
				continue
			}
			changed++
			if team == "payments" {
				t.Errorf("another team's run is changed by %s", patch)
			} else if !reflect.DeepEqual(fixed(before), fixed(after)) {
				t.Errorf("a run is made another one by %s", patch)
			}
		}
		t.Logf("%s: %d patches, %d refused, %d change something", team, n, refused, changed)
		if refused < int(n)/2 || team == "platform" && changed == 0 {
			t.Errorf("%s: too few refused, or of those that are one's own admitted, to show something", team)
		}
	}
}

// patch makes a merge patch with one to three fields at random.
func (m maker) patch(f *field) []byte {
	object := map[string]any{}
	for range 1 + m.IntN(3) {
		part := pick(m, []string{"metadata", "metadata", "spec", "status"})
		object[part] = m.put(object[part], f.Properties[part], m.somewhere(f.Properties[part]), []string{part})
	}
	document, err := json.Marshal(object)
	if err != nil {
		panic(err)
	}
	return document
}

// kept is what of a run anybody reads.
func kept(run *unstructured.Unstructured) map[string]any {
	object := runtime.DeepCopyJSON(run.Object)
	for _, field := range []string{"resourceVersion", "generation", "managedFields"} {
		delete(object["metadata"].(map[string]any), field)
	}
	return object
}

// fixed is what never changes in a run, also not by its own team.
func fixed(run *unstructured.Unstructured) map[string]any {
	object := kept(run)
	metadata := at(object, "metadata")
	maps.DeleteFunc(at(metadata, "annotations"), func(key string, _ any) bool { return !reserved.MatchString(key) })
	if len(at(metadata, "annotations")) == 0 {
		delete(metadata, "annotations")
	}
	delete(metadata, "generateName")
	delete(metadata, "selfLink")
	delete(at(object, "spec"), "status")
	return object
}

// finishedRun makes a run of the team's that fails at once, for want of its Pipeline, and waits for that.
func finishedRun(t *testing.T, ctx context.Context, admin dynamic.Interface, team string) string {
	t.Helper()
	run := edited(t, honestRun, `{"metadata":{"name":null,"generateName":"`+team+`--changed-","labels":{"apps.platform/team":"`+team+`"}},"spec":{"pipelineRef":{"name":"nowhere"}}}`)
	runs := admin.Resource(kindOf(run)).Namespace(stage.SharedNamespace)
	run, err := runs.Create(ctx, run, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	name := run.GetName()
	t.Cleanup(func() { _ = runs.Delete(context.Background(), name, metav1.DeleteOptions{}) })
	waitUntil(t, within(t, time.Minute), name+" has failed", func() bool {
		run, err := runs.Get(ctx, name, metav1.GetOptions{})
		return err == nil && at(run.Object, "status")["completionTime"] != nil
	})
	return name
}
