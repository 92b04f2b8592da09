package pushimage

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// A CustomRun by hand blames another run; what its TaskRun says is what the PipelineRun says that was proved.
func TestIdentityIsTheOwners(t *testing.T) {
	forge := func(o runtime.Object) {
		switch o := o.(type) {
		case *v1beta1.CustomRun:
			o.Labels = map[string]string{"tekton.dev/pipelineRun": "victims", "tekton.dev/pipelineRunUID": "victims", "tekton.dev/pipelineTask": "build",
				"tekton.dev/pipeline": "victims", "tekton.dev/memberOf": "finally", "tekton.dev/customRun": "victims", "tekton.dev/taskRun": "victims"}
			o.Annotations = map[string]string{childSpanContext: `{"traceparent":"` + traceparent + `"}`, spanContext: strings.Repeat("x", 16<<10)}
		case *pipelinev1.PipelineRun:
			o.Labels = map[string]string{"tekton.dev/pipeline": "build-and-push"}
			o.Status.PipelineSpec = &pipelinev1.PipelineSpec{Tasks: []pipelinev1.PipelineTask{{Name: "push"}}}
		}
	}
	want := map[string]string{"tekton.dev/customRun": run, "tekton.dev/pipelineRun": reconcilertest.Pipeline, "tekton.dev/pipelineRunUID": "uid-of-" + reconcilertest.Pipeline,
		"tekton.dev/pipeline": "build-and-push", "tekton.dev/pipelineTask": "push", "tekton.dev/memberOf": "tasks",
		"quay.comptech-lab.com/managed": "true", "quay.comptech-lab.com/team": "payments"}
	w := newWorld(t, with(forge)...)
	reconcile(t, w)
	objects := fromRegistry()
	for _, o := range objects {
		forge(o)
	}
	copies := newCopying(t, objects...)
	reconcile(t, copies)
	for place, task := range map[string]*pipelinev1.TaskRun{ns: w.TaskRun(ns, run), custody: copyOf(copies)} {
		if diff := cmp.Diff(want, task.Labels); diff != "" {
			t.Errorf("in %s (-want +got):\n%s", place, diff)
		}
		if got := task.Annotations[childSpanContext] + task.Annotations[spanContext]; got != "" {
			t.Errorf("in %s the trace of the CustomRun's own word: %.100s", place, got)
		}
	}
}

// One that nobody made for a PipelineRun, as in a tenant's own namespace, names none.
func TestIdentityWithoutAnOwner(t *testing.T) {
	w := newWorld(t, withRun(func(r *v1beta1.CustomRun) { r.OwnerReferences = nil })...)
	reconcile(t, w)
	for key := range w.TaskRun(ns, run).Labels {
		if strings.HasPrefix(key, "tekton.dev/") && key != labelCustomRun {
			t.Errorf("label %s", key)
		}
	}
}

func TestIdentityOfAFinallyTask(t *testing.T) {
	owner := reconcilertest.NewPipelineRun(ns, reconcilertest.Pipeline, run)
	owner.Status.PipelineSpec = &pipelinev1.PipelineSpec{Finally: []pipelinev1.PipelineTask{{Name: "push"}}}
	if got := identity(&v1beta1.CustomRun{}, owner)["tekton.dev/memberOf"]; got != "" {
		t.Errorf("a run that is not listed is member of %q", got)
	}
	if got := identity(reconcilertest.NewCustomRun(ns, reconcilertest.Pipeline, run, ""), owner)["tekton.dev/memberOf"]; got != "finally" {
		t.Errorf("member of %q, want finally", got)
	}
}

// A trace context is handed on if it is one.
func TestTrace(t *testing.T) {
	long := make([]string, 20)
	for i := range long {
		long[i] = fmt.Sprintf("vendor%d=%s", i, strings.Repeat("x", 40))
	}
	for name, test := range map[string]struct{ annotation, want string }{
		"a trace":            {`{"traceparent":"` + traceparent + `"}`, `{"traceparent":"` + traceparent + `"}`},
		"with a state":       {`{"traceparent":"` + traceparent + `","tracestate":"a=1"}`, `{"traceparent":"` + traceparent + `","tracestate":"a=1"}`},
		"with more":          {`{"traceparent":"` + traceparent + `","baggage":"user=victim"}`, `{"traceparent":"` + traceparent + `"}`},
		"none":               {`{}`, ""},
		"no JSON":            {"x", ""},
		"no map":             {`["traceparent"]`, ""},
		"no trace":           {`{"traceparent":"00-1-2-01"}`, ""},
		"a list":             {`{"traceparent":["` + traceparent + `"]}`, ""},
		"16 KiB":             {`{"traceparent":"` + traceparent + `","x":"` + strings.Repeat("x", 16<<10) + `"}`, ""},
		"a state of 900":     {`{"traceparent":"` + traceparent + `","tracestate":"` + strings.Join(long, ",") + `"}`, ""},
		"a line in between":  {"{\"traceparent\":\"" + traceparent + "\\nx\"}", ""},
		"a state that isn't": {`{"traceparent":"` + traceparent + `","tracestate":"<script>"}`, `{"traceparent":"` + traceparent + `"}`},
	} {
		owner, task := &pipelinev1.PipelineRun{}, &pipelinev1.TaskRun{}
		owner.Annotations, task.Annotations = map[string]string{spanContext: test.annotation}, map[string]string{}
		trace(task, owner)
		if got := task.Annotations[childSpanContext]; got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	owner, task := &pipelinev1.PipelineRun{}, &pipelinev1.TaskRun{}
	owner.Status.SpanContext, task.Annotations = map[string]string{"traceparent": traceparent}, map[string]string{}
	if trace(task, owner); task.Annotations[childSpanContext] != `{"traceparent":"`+traceparent+`"}` {
		t.Errorf("from the status: %q", task.Annotations)
	}
}
