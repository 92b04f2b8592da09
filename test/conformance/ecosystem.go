package conformance

import (
	"os/exec"
	"slices"
	"strings"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
	"github.com/comptech-lab/quay-push/test/stage"
)

var ecosystem = []Check{
	{ID: "C90", Sentence: "matrix, when and finally work as with a Task, and the runs of a matrix do not mix", OnCluster: func(t *T, c *Cluster) {
		pr := c.end(c.create("C90"))
		c.wantOutcome(pr.Status.Conditions, corev1.ConditionTrue, "Completed")
		for name, tag := range map[string]string{"push-0": "conformance-a", "push-1": "conformance-b", "last": "conformance-last"} {
			results := map[string]string{}
			for _, r := range c.custom(pr, name).Status.Results {
				results[r.Name] = r.Value
			}
			if want := stage.Payments.Repository + ":" + tag; results[v1alpha1.ResultImageURL] != want {
				t.Errorf("%s pushed %q, want %q", name, results[v1alpha1.ResultImageURL], want)
			}
		}
		if got := c.custom(pr, "last").Labels["tekton.dev/memberOf"]; got != "finally" || c.task(pr, "last").Labels["tekton.dev/memberOf"] != got {
			t.Errorf("memberOf %q", got)
		}
		for _, tag := range []string{"conformance-a", "conformance-b", "conformance-last"} {
			if served, err := c.Quay.TagDigest(c.ctx, stage.Payments.Repository, tag); err != nil || served == "" {
				t.Errorf("tag %s: %q, %v", tag, served, err)
			}
		}
		if _, err := c.Tekton.TektonV1beta1().CustomRuns(pr.Namespace).Get(c.ctx, pr.Name+"-never", metav1.GetOptions{}); !apierrs.IsNotFound(err) {
			t.Errorf("the task that when leaves out: %v", err)
		}
	}},
	{ID: "C91", Sentence: "A pipeline's result that refers to the push has the digest that the registry serves", OnCluster: func(t *T, c *Cluster) {
		pr := c.end(c.create("C91"))
		c.wantOutcome(pr.Status.Conditions, corev1.ConditionTrue, "Succeeded")
		served, err := c.Quay.TagDigest(c.ctx, stage.Payments.Repository, "conformance")
		if got := stage.Results(pr)["digest"]; err != nil || got == "" || got != served {
			t.Errorf("result %q, Quay serves %q, %v", got, served, err)
		}
	}},
	{ID: "C92", Sentence: "No CloudEvents from us, and for Tekton's one change each: the condition is written twice, Running and the end", Once: true, InProcess: func(t *T) {
		list := exec.CommandContext(t.Context(), "go", "list", "-deps", "../../cmd/controller")
		packages, err := list.Output()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(packages), "github.com/cloudevents/sdk-go/v2/client") {
			t.Error("the controller can send CloudEvents")
		}
		s := set(t)
		s.look()
		s.finish(corev1.ConditionTrue, "Succeeded", "")
		updates := slices.DeleteFunc(s.writes(), func(a reconcilertest.Action) bool { return a != "update customruns/status" })
		if len(updates) != 2 {
			t.Errorf("%d writes of the condition", len(updates))
		}
	}},
	{ID: "C93", Sentence: "Chains attests the TaskRun and the PipelineRun", ByHand: "with Chains v0.22.0, docs/conformance.md"},
	{ID: "C94", Sentence: "The TaskRun's spans are of the PipelineRun's trace", InProcess: func(t *T) {
		const carrier = `{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}`
		for name, edit := range map[string]func(*pipelinev1.PipelineRun){
			"status": func(pr *pipelinev1.PipelineRun) {
				pr.Status.SpanContext = map[string]string{"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
			},
			"annotation": func(pr *pipelinev1.PipelineRun) {
				pr.Annotations = map[string]string{"tekton.dev/pipelinerunSpanContext": carrier}
			},
		} {
			if got := pushing(t, on(edit)).task().Annotations["tekton.dev/taskrunSpanContext"]; got != carrier {
				t.Errorf("%s: span context %q", name, got)
			}
		}
	}},
	{ID: "C95", Sentence: "The condition's message says how to see the log, while it runs and after", InProcess: func(t *T) {
		const log = "tkn taskrun logs " + run + " --namespace " + ns
		s := pushing(t)
		s.want(corev1.ConditionUnknown, "Running", log)
		s.finish(corev1.ConditionFalse, "Failed", "")
		s.want(corev1.ConditionFalse, "Failed", log)
		pushed(t).want(corev1.ConditionTrue, "Succeeded", log)
	}},
}
