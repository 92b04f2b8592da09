package pushimage

import (
	"strings"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

// asks adds params to the scene's CustomRun, name=value each.
func asks(objects []runtime.Object, timeout time.Duration, params ...string) []runtime.Object {
	for _, o := range objects {
		r, ok := o.(*v1beta1.CustomRun)
		if !ok {
			continue
		}
		if timeout > 0 {
			r.Spec.Timeout = &metav1.Duration{Duration: timeout}
		}
		for _, p := range params {
			name, value, _ := strings.Cut(p, "=")
			r.Spec.Params = append(r.Spec.Params, v1beta1.Param{Name: name, Value: *v1beta1.NewStructuredValues(value)})
		}
	}
	return objects
}

// gateOf are the params of the gate that the TaskRun has, in the order in which they are written.
func gateOf(task *pipelinev1.TaskRun) string {
	var text []string
	for _, p := range task.Spec.Params {
		if strings.HasPrefix(p.Name, "gate") {
			text = append(text, p.Name+"="+p.Value.StringVal)
		}
	}
	return strings.Join(text, " ")
}

// The team's floor holds whatever the run says, and the run's own words where they are stricter.
func TestGate(t *testing.T) {
	for _, test := range []struct {
		config  map[string]string
		timeout time.Duration
		params  []string
		want    string
	}{
		{nil, 0, nil, ""},
		{nil, 0, []string{"gate=", "gate-fixable-only=false", "gate-timeout=5m"}, ""},
		{nil, 0, []string{"gate=medium", "gate-unsupported=pass"}, "gate=medium gate-fixable-only=false gate-timeout=45m0s gate-unsupported=pass"},
		{map[string]string{"gate": "high"}, 0, nil, "gate=high gate-fixable-only=false gate-timeout=45m0s gate-unsupported=fail"},
		{map[string]string{"gate": "high"}, time.Hour, []string{"gate=critical", "gate-fixable-only=true", "gate-unsupported=pass", "gate-timeout=2h"},
			"gate=high gate-fixable-only=false gate-timeout=45m0s gate-unsupported=fail"},
		{map[string]string{"gate": "high", "team-gates": "payments=critical+fixable-only"}, 20 * time.Minute, nil,
			"gate=critical gate-fixable-only=true gate-timeout=15m0s gate-unsupported=fail"},
		{map[string]string{"gate": "high", "team-gates": "payments=none"}, 0, nil, ""},
		{map[string]string{"team-gates": "orders=low"}, 0, nil, ""},
	} {
		w := reconcilertest.New(t, NewController, test.config, asks(payments(), test.timeout, test.params...)...)
		reconcile(t, w)
		task := w.TaskRun(ns, run)
		if task == nil {
			t.Fatalf("%v: no TaskRun: %+v", test, condition(w))
		}
		if got := gateOf(task); got != test.want {
			t.Errorf("%v with %v: %s, want %s", test.config, test.params, got, test.want)
		}
		if n := len(task.Spec.Params); test.want == "" && n != 2 {
			t.Errorf("%v with %v: %d params", test.config, test.params, n)
		}
	}
}

// What is pushed from a registry is looked into as well, and Tekton's time there is an hour at most.
func TestGateOfACopy(t *testing.T) {
	w := reconcilertest.New(t, NewController, map[string]string{"custody-namespace": custody, "internal-registries": internal, "gate": "high"},
		asks(fromRegistry(), 5*time.Hour, "gate-timeout=3h")...)
	reconcile(t, w)
	if got := gateOf(copyOf(w)); got != "gate=high gate-fixable-only=false gate-timeout=45m0s gate-unsupported=fail" {
		t.Errorf("the copy has %s", got)
	}
}

// A param that nobody can mean ends the run before anything is made.
func TestGateIsRefused(t *testing.T) {
	for param, says := range map[string]string{"gate=severe": `"severe" is no severity of a gate`, "gate-fixable-only=true": "are for a gate, and there is none"} {
		w := newWorld(t, asks(payments(), 0, param)...)
		reconcile(t, w)
		wantEnd(t, w, corev1.ConditionFalse, v1alpha1.ReasonInvalidParams, says)
		if w.TaskRun(ns, run) != nil {
			t.Errorf("%s: a TaskRun was made", param)
		}
	}
}

// A Task that knows no gate has looked into nothing, and says nothing of it: its push is no success. What one found is handed on,
// of an image that was refused, too.
func TestGateResults(t *testing.T) {
	result := func(name, value string) pipelinev1.TaskRunResult {
		return pipelinev1.TaskRunResult{Name: name, Type: pipelinev1.ResultsTypeString, Value: *pipelinev1.NewStructuredValues(value)}
	}
	begin := func() *reconcilertest.World { return started(t, asks(payments(), 0, "gate=high")...) }
	w := begin()
	if s, err := stateOf(w.CustomRun(ns, run)); err != nil || s.Gate != "high" {
		t.Errorf("the gate that is recorded is %q, %v", s.Gate, err)
	}
	w.Update(reconcilertest.Finish(w.TaskRun(ns, run), corev1.ConditionTrue, "Succeeded", ""))
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionFalse, v1alpha1.ReasonResultsMissing, `succeeded without result "vulnerabilities"`)

	w = begin()
	task := reconcilertest.Finish(w.TaskRun(ns, run), corev1.ConditionTrue, "Succeeded", "")
	task.Status.Results = append(task.Status.Results, result("vulnerabilities", `{"high":0}`))
	w.Update(task)
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionTrue, "Succeeded")

	w = begin()
	task = reconcilertest.Finish(w.TaskRun(ns, run), corev1.ConditionFalse, "Failed", "exited with code 70")
	task.Status.Results = []pipelinev1.TaskRunResult{result("failure", "QP501 vulnerable: openssl 1.1.1k has CVE-1, fixed by 1.1.1l"), result("vulnerabilities", `{"critical":1}`), result("vulnerabilities-worst", `[{"package":"openssl"}]`)}
	w.Update(task)
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionFalse, "Failed", "openssl 1.1.1k has CVE-1, fixed by 1.1.1l", "code 70")
	if got := w.CustomRun(ns, run).Status.Results; len(got) != 3 || got[1].Value != `{"critical":1}` || got[2].Value != `[{"package":"openssl"}]` {
		t.Errorf("results are %+v", got)
	}
}

// A Task that does not know of the gate would tag first: it is not started. One that is not there is Tekton's to miss, and without a gate
// nobody looks.
func TestGateOfAnOldTask(t *testing.T) {
	task := func(params ...string) *pipelinev1.Task {
		made := &pipelinev1.Task{ObjectMeta: metav1.ObjectMeta{Namespace: config.Default().TaskNamespace, Name: config.Default().Task}}
		for _, p := range params {
			made.Spec.Params = append(made.Spec.Params, pipelinev1.ParamSpec{Name: p})
		}
		return made
	}
	for name, test := range map[string]struct {
		task  *pipelinev1.Task
		param string
		says  string
	}{
		"one that has them": {task("image-ref", "gate", "gate-fixable-only", "gate-timeout", "gate-unsupported"), "gate=high", ""},
		"an older one":      {task("image-ref", "tag"), "gate=high", "has no param gate, gate-fixable-only, gate-timeout, gate-unsupported, and would tag the image before it was scanned; let the platform team install the Task of this version"},
		"half a one":        {task("gate", "gate-timeout", "gate-unsupported"), "gate=high", "has no param gate-fixable-only, and"},
		"none":              {nil, "gate=high", ""},
		"without a gate":    {task("image-ref"), "gate=", ""},
	} {
		objects := asks(payments(), 0, test.param)
		if test.task != nil {
			objects = append(objects, test.task)
		}
		w := newWorld(t, objects...)
		reconcile(t, w)
		if (w.TaskRun(ns, run) == nil) != (test.says != "") {
			t.Errorf("%s: TaskRun %v", name, w.TaskRun(ns, run))
		}
		if test.says != "" {
			wantEnd(t, w, corev1.ConditionFalse, v1alpha1.ReasonTaskOutdated, test.says)
		}
	}
}
