//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	tekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/stage"
)

// enforced says that the API server runs with the admission plugin OwnerReferencesPermissionEnforcement, as OpenShift's does.
var enforced = os.Getenv("OWNER_REFERENCES_ENFORCED") == "true"

const holdFinalizer = "attacker.example.com/hold"

// TestCustodyEnds holds back, in a tenant's own namespace, whatever can be held back of a run. The run ends all the same, and its
// Secret is gone.
func TestCustodyEnds(t *testing.T) {
	ctx := within(t, 10*time.Minute)
	takeIntoCustody(t, ctx, stage.Platform)
	bindCustody(t, ctx, stage.Platform)
	bindTektonEdit(t, stage.Platform.Namespace, insider)
	made := watchSecrets(t, ctx, stage.Platform.Namespace)
	t.Run("TaskRun held", func(t *testing.T) { testHeldTaskRun(t, ctx, made) })
	t.Run("TaskRun stripped", func(t *testing.T) { testStrippedTaskRun(t, ctx, made) })
	t.Run("CustomRun held while it starts", func(t *testing.T) { testHeldWhileItStarts(t, ctx, as(t, insiderName), enforced) })
	t.Run("namespace relabelled", func(t *testing.T) { testRelabelled(t, ctx, made) })
	t.Run("deleted", func(t *testing.T) { testDeletedInEveryMode(t, ctx, made) })
}

// begin starts a push of team platform whose Pod starts nowhere, and waits for its Secret.
func begin(t *testing.T, ctx context.Context, made *secretLog, edit func(*pipelinev1.PipelineRun)) *pipelinev1.PipelineRun {
	t.Helper()
	run := neverStarts(stage.NewPush(stage.Platform, stage.Platform.Repository))
	if edit != nil {
		edit(run)
	}
	run, err := s.Tekton.TektonV1().PipelineRuns(run.Namespace).Create(ctx, run, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.Tekton.TektonV1().PipelineRuns(run.Namespace).Delete(context.Background(), run.Name, metav1.DeleteOptions{})
	})
	made.wait(t, ctx, run)
	waitUntil(t, ctx, "the TaskRun is recorded", func() bool {
		custom, err := s.CustomRunOf(ctx, run)
		return err == nil && len(custom.Status.ExtraFields.Raw) > 0
	})
	return run
}

func cancelPipelineRun(t *testing.T, ctx context.Context, run *pipelinev1.PipelineRun) {
	t.Helper()
	if _, err := s.Tekton.TektonV1().PipelineRuns(run.Namespace).Patch(ctx, run.Name, types.MergePatchType, []byte(`{"spec":{"status":"Cancelled"}}`), metav1.PatchOptions{}); err != nil {
		t.Error(err)
	}
}

// hold puts a finalizer on the TaskRun and deletes it, until the end of the test.
func hold(t *testing.T, ctx context.Context, namespace, name string) {
	t.Helper()
	tasks := s.Tekton.TektonV1().TaskRuns(namespace)
	if _, err := tasks.Patch(ctx, name, types.MergePatchType, []byte(`{"metadata":{"finalizers":["`+holdFinalizer+`"]}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { letGo(namespace, name) })
	if err := tasks.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

func letGo(namespace, name string) {
	_, _ = s.Tekton.TektonV1().TaskRuns(namespace).Patch(context.Background(), name, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
}

// ends waits until the CustomRun of run has ended, and its Secret is gone.
func ends(t *testing.T, ctx context.Context, run *pipelinev1.PipelineRun, reasons ...string) {
	t.Helper()
	short, start := within(t, leftover), time.Now()
	var custom *v1beta1.CustomRun
	waitUntil(t, short, "the CustomRun ends", func() (done bool) {
		var err error
		custom, err = s.CustomRunOf(short, run)
		return err == nil && custom.IsDone()
	})
	outcome := stage.Outcome(custom.Status.Conditions)
	t.Logf("%s after %.1fs", outcome.Reason, time.Since(start).Seconds())
	known := false
	for _, reason := range reasons {
		known = known || outcome.Reason == reason
	}
	if !known {
		t.Errorf("%s: %s, want one of %v", outcome.Reason, outcome.Message, reasons)
	}
	wantGone(t, ctx, run.Namespace)
}

// C1: a TaskRun that is deleted, and that its author does not let go.
func testHeldTaskRun(t *testing.T, ctx context.Context, made *secretLog) {
	t.Run("alone", func(t *testing.T) {
		run := begin(t, ctx, made, nil)
		hold(t, ctx, run.Namespace, run.Name+"-push")
		ends(t, ctx, run, v1alpha1.ReasonTaskRunDeleted)
	})
	t.Run("and cancelled", func(t *testing.T) {
		run := begin(t, ctx, made, nil)
		hold(t, ctx, run.Namespace, run.Name+"-push")
		cancelPipelineRun(t, ctx, run)
		ends(t, ctx, run, v1alpha1.ReasonTaskRunDeleted, v1beta1.CustomRunReasonCancelled.String())
	})
	t.Run("and timed out", func(t *testing.T) {
		run := begin(t, ctx, made, func(r *pipelinev1.PipelineRun) {
			r.Spec.PipelineSpec.Tasks[0].Timeout = &metav1.Duration{Duration: 5 * time.Second}
		})
		hold(t, ctx, run.Namespace, run.Name+"-push")
		ends(t, ctx, run, v1alpha1.ReasonTaskRunDeleted, v1beta1.CustomRunReasonTimedOut.String())
	})
}

// Owner and label are taken off: the end is heard of all the same.
func testStrippedTaskRun(t *testing.T, ctx context.Context, made *secretLog) {
	for _, patch := range []string{`{"metadata":{"ownerReferences":null}}`, `{"metadata":{"ownerReferences":null,"labels":{"quay.comptech-lab.com/managed":null}}}`} {
		run := begin(t, ctx, made, nil)
		tasks := s.Tekton.TektonV1().TaskRuns(run.Namespace)
		if _, err := tasks.Patch(ctx, run.Name+"-push", types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = tasks.Delete(context.Background(), run.Name+"-push", metav1.DeleteOptions{}) })
		if _, err := tasks.Patch(ctx, run.Name+"-push", types.MergePatchType, []byte(`{"spec":{"status":"TaskRunCancelled"}}`), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		waitUntil(t, ctx, "the TaskRun ends", func() bool {
			task, err := tasks.Get(ctx, run.Name+"-push", metav1.GetOptions{})
			return err == nil && task.IsDone()
		})
		ends(t, ctx, run, "TaskRunCancelled")
	}
}

// holder is a TaskRun of the attacker's that Kubernetes waits for where the CustomRun is deleted in the foreground. It reports whether there is one:
// where owner references are enforced nobody may block what he may not delete.
func holder(t *testing.T, ctx context.Context, attacker tekton.Interface, custom *v1beta1.CustomRun, enforced bool) bool {
	t.Helper()
	task := &pipelinev1.TaskRun{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "hold-", Finalizers: []string{holdFinalizer}, OwnerReferences: []metav1.OwnerReference{{
			APIVersion: "tekton.dev/v1beta1", Kind: "CustomRun", Name: custom.Name, UID: custom.UID, BlockOwnerDeletion: new(true)}}},
		Spec: pipelinev1.TaskRunSpec{TaskRef: &pipelinev1.TaskRef{Name: "there-is-none"}},
	}
	made, err := attacker.TektonV1().TaskRuns(custom.Namespace).Create(ctx, task, metav1.CreateOptions{})
	if enforced {
		if !apierrs.IsForbidden(err) {
			t.Errorf("a TaskRun that holds the CustomRun: %v, want Forbidden", err)
		}
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		letGo(made.Namespace, made.Name)
		_ = s.Tekton.TektonV1().TaskRuns(made.Namespace).Delete(context.Background(), made.Name, metav1.DeleteOptions{})
	})
	return true
}

// foreground deletes the CustomRun so that it is there until all is gone that it owns.
func foreground(t *testing.T, ctx context.Context, custom *v1beta1.CustomRun) {
	t.Helper()
	err := s.Tekton.TektonV1beta1().CustomRuns(custom.Namespace).Delete(ctx, custom.Name, metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationForeground)})
	if err != nil && !apierrs.IsNotFound(err) {
		t.Fatal(err)
	}
}

// C3: the CustomRun is deleted in the foreground, and held, at any moment of its start.
func testHeldWhileItStarts(t *testing.T, ctx context.Context, attacker tekton.Interface, enforced bool) {
	for i := range 20 {
		run, err := s.Tekton.TektonV1().PipelineRuns(stage.Platform.Namespace).Create(ctx, neverStarts(stage.NewPush(stage.Platform, stage.Platform.Repository)), metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = s.Tekton.TektonV1().PipelineRuns(run.Namespace).Delete(context.Background(), run.Name, metav1.DeleteOptions{})
		})
		var custom *v1beta1.CustomRun
		waitUntil(t, ctx, "there is a CustomRun", func() bool {
			custom, err = s.CustomRunOf(ctx, run)
			return err == nil
		})
		held := holder(t, ctx, attacker, custom, enforced)
		time.Sleep(time.Duration(i) * 10 * time.Millisecond) // Another moment of the start each time.
		foreground(t, ctx, custom)
		if !held {
			break // What he may not do he need not try twenty times.
		}
	}
	wantGone(t, ctx, stage.Platform.Namespace)
}

// C5: the platform gives the namespace to another team, or to none, while a run has a Secret.
func testRelabelled(t *testing.T, ctx context.Context, made *secretLog) {
	label := func(value string) {
		t.Helper()
		if _, err := s.Kube.CoreV1().Namespaces().Patch(context.Background(), stage.Platform.Namespace, types.MergePatchType,
			[]byte(`{"metadata":{"labels":{"apps.platform/team":`+value+`}}}`), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { label(`"` + stage.Platform.Team + `"`) })
	for _, value := range []string{`"payments"`, "null"} {
		label(`"` + stage.Platform.Team + `"`)
		run := begin(t, ctx, made, nil)
		label(value)
		cancelPipelineRun(t, ctx, run)
		ends(t, ctx, run, v1beta1.CustomRunReasonCancelled.String())
	}
}

func testDeletedInEveryMode(t *testing.T, ctx context.Context, made *secretLog) {
	for _, mode := range []metav1.DeletionPropagation{metav1.DeletePropagationBackground, metav1.DeletePropagationForeground, metav1.DeletePropagationOrphan} {
		run := begin(t, ctx, made, nil)
		if err := s.Tekton.TektonV1().PipelineRuns(run.Namespace).Delete(ctx, run.Name, metav1.DeleteOptions{PropagationPolicy: &mode}); err != nil {
			t.Fatal(err)
		}
		if mode == metav1.DeletePropagationOrphan {
			// The orphan goes on, as its owner wanted, until somebody ends it.
			customs := s.Tekton.TektonV1beta1().CustomRuns(run.Namespace)
			if err := customs.Delete(ctx, run.Name+"-push", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		wantGone(t, ctx, run.Namespace)
	}
}

// TestCopyEnds has in custody a push that is tried again and again. It ends when its CustomRun is deleted, whoever holds that.
func TestCopyEnds(t *testing.T) {
	ctx := within(t, 8*time.Minute)
	own := openCopies(t, ctx, stage.Payments)
	bindTektonEdit(t, stage.Payments.Namespace, insider)
	attacker := as(t, "system:serviceaccount:"+stage.Payments.Namespace+":"+insider)
	push := fromRegistry("docker://"+own+":missing", "held")
	push.Spec.PipelineSpec.Tasks[0].Retries = 10
	run, err := s.Tekton.TektonV1().PipelineRuns(push.Namespace).Create(ctx, push, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.Tekton.TektonV1().PipelineRuns(run.Namespace).Delete(context.Background(), run.Name, metav1.DeleteOptions{})
	})
	waitUntil(t, ctx, "a TaskRun in custody", func() bool { return len(copiesOf(t, ctx, run.Name)) == 1 })
	testImageStays(t, ctx)
	custom, err := s.CustomRunOf(ctx, run)
	if err != nil {
		t.Fatal(err)
	}
	holder(t, ctx, attacker, custom, enforced)
	foreground(t, ctx, custom)
	gone := within(t, leftover)
	waitUntil(t, gone, "its TaskRun to go", func() bool { return len(copiesOf(t, gone, run.Name)) == 0 })
	waitUntil(t, ctx, "its Pods to go", func() bool {
		pods, err := s.Kube.CoreV1().Pods(stage.Custody).List(ctx, metav1.ListOptions{LabelSelector: "tekton.dev/pipelineRun=" + run.Name})
		return err == nil && len(pods.Items) == 0
	})
}

// TestCopiesTakeTurns has eighty pushes of one namespace wait, each tried again as often as may be, and another team's push in between.
// What counts is how many of them begin before it; how long it takes depends on the machine.
func TestCopiesTakeTurns(t *testing.T) {
	ctx := within(t, 15*time.Minute)
	own := openCopies(t, ctx, stage.Payments, stage.Platform)
	begun := watchCopies(t, ctx)
	push := func(tag string) (before int) {
		t.Helper()
		start, already := time.Now(), begun.count(stage.Platform.Namespace)
		run, err := s.Run(ctx, fromRegistry("docker://"+own+":v1", tag))
		if err != nil {
			t.Fatal(err)
		}
		if outcome := stage.Outcome(run.Status.Conditions); outcome.Status != corev1.ConditionTrue {
			t.Errorf("%s: %s", outcome.Reason, outcome.Message)
		}
		t.Logf("%s took %s:\n%s", tag, time.Since(start), begun.story(run.Namespace+"/"+run.Name+"-push"))
		return begun.before(run.Namespace+"/"+run.Name+"-push", stage.Platform.Namespace) - already
	}
	push("alone")
	customs := s.Tekton.TektonV1beta1().CustomRuns(stage.Platform.Namespace)
	t.Cleanup(func() {
		_ = customs.DeleteCollection(context.Background(), metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "crowd"})
	})
	for i := range 80 {
		custom := &v1beta1.CustomRun{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("crowd-%02d", i), Labels: map[string]string{"crowd": ""}},
			Spec: v1beta1.CustomRunSpec{Retries: 10, CustomRef: &v1beta1.TaskRef{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.KindPushImage},
				Params: v1beta1.Params{{Name: v1alpha1.ParamImageRef, Value: *v1beta1.NewStructuredValues(stage.Platform.Repository)},
					{Name: v1alpha1.ParamSource, Value: *v1beta1.NewStructuredValues("docker://" + stage.InternalRegistry + "/" + stage.Platform.Namespace + "/" + stage.Platform.App + ":missing")}}}}
		if _, err := customs.Create(ctx, custom, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	waitUntil(t, ctx, "the first of the eighty", func() bool { return begun.count(stage.Platform.Namespace) > 0 })
	for i := range 3 {
		if before := push(fmt.Sprintf("crowd-%d", i)); before < 0 || before > 8 {
			t.Errorf("%d of the eighty began before another team's push", before)
		}
	}
}

// openCopies lets pushes from the internal registry run, until the end of the test, and returns the repository there of the first tenant, with an
// image v1.
func openCopies(t *testing.T, ctx context.Context, tenants ...stage.Tenant) string {
	t.Helper()
	registry := openInternal(t, ctx)
	own := stage.InternalRegistry + "/" + tenants[0].Namespace + "/" + tenants[0].App
	if err := registry.Write(ctx, smallImage(t), own, "v1"); err != nil {
		t.Fatal(err)
	}
	takeIntoCustody(t, ctx, tenants...)
	allowCopies(t, ctx, registry, "docker://"+own+":v1")
	return own
}

func smallImage(t *testing.T) v1.Image {
	t.Helper()
	image, err := random.Image(100_000, 3)
	if err != nil {
		t.Fatal(err)
	}
	return image
}
