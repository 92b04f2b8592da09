package pushimage

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

// newReader returns what reads the metrics of the worlds that the test makes from now on.
func newReader(t *testing.T) *sdkmetric.ManualReader {
	t.Helper()
	reader, before := sdkmetric.NewManualReader(), otel.GetMeterProvider()
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	t.Cleanup(func() { otel.SetMeterProvider(before) })
	return reader
}

// counts returns every count as "name{label=value,…}"; of a histogram the number of values and their sum.
func counts(t *testing.T, reader *sdkmetric.ManualReader) map[string]string {
	t.Helper()
	var data metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			name := strings.TrimPrefix(m.Name, "quay_push.")
			switch d := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range d.DataPoints {
					all[name+label(p.Attributes.ToSlice())] = fmt.Sprint(p.Value)
				}
			case metricdata.Histogram[float64]:
				for _, p := range d.DataPoints {
					all[name+label(p.Attributes.ToSlice())] = fmt.Sprintf("%d, %v", p.Count, p.Sum)
				}
			}
		}
	}
	return all
}

func label(attributes []attribute.KeyValue) string {
	var all []string
	for _, a := range attributes {
		all = append(all, string(a.Key)+"="+a.Value.String())
	}
	return "{" + strings.Join(all, ",") + "}"
}

func TestPushIsCounted(t *testing.T) {
	reader := newReader(t)
	w := started(t, payments()...)
	w.Clock.SetTime(w.Clock.Now().Add(7 * time.Second))
	task := reconcilertest.Finish(w.TaskRun(ns, run), corev1.ConditionTrue, "Succeeded", "")
	task.Status.Results = append(task.Status.Results, pipelinev1.TaskRunResult{
		Name: "pushed-bytes", Type: pipelinev1.ResultsTypeString, Value: *pipelinev1.NewStructuredValues("52428800")})
	w.Update(task)
	reconcile(t, w)
	reconcile(t, w) // It has ended, and does not count again.
	want := map[string]string{
		"child_events{outcome=passed}":                   "1",
		"leading{kind=PushImage}":                        "1",
		"decisions{reason=Allowed,rule=namespace-label}": "1",
		"secret_checks{reason=Valid,team=payments}":      "1",
		"push.duration{reason=Succeeded,team=payments}":  "1, 7",
		"pushed{team=payments}":                          "52428800",
	}
	if diff := cmp.Diff(want, counts(t, reader)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A Task that does not say what it sent, or says nonsense, sent nothing.
func TestSent(t *testing.T) {
	for value, want := range map[string]int64{"": 0, "-5": 0, "1e9": 0, "99999999999999999999": 0, "12": 12} {
		custom := &v1beta1.CustomRun{}
		custom.Status.Results = []v1beta1.CustomRunResult{{Name: "image-digest", Value: "7"}, {Name: "pushed-bytes", Value: value}}
		if got := sent(custom); got != want {
			t.Errorf("sent(%q) = %d, want %d", value, got, want)
		}
	}
}

func TestFailedPushIsCounted(t *testing.T) {
	reader := newReader(t)
	w := started(t, payments()...)
	w.Update(reconcilertest.Finish(w.TaskRun(ns, run), corev1.ConditionFalse, "TaskRunTimeout", ""))
	conflict := apierrs.NewConflict(schema.GroupResource{Resource: "customruns"}, run, nil)
	w.Faults.Before = func(a reconcilertest.Action) error {
		if a == "update customruns/status" {
			return conflict
		}
		return nil
	}
	if err := w.Reconcile(ns, run); !apierrs.IsConflict(err) {
		t.Fatalf("error %v, want the conflict", err)
	}
	// What is not written has not happened.
	if got := counts(t, reader)["push.duration{reason=CustomRunTimedOut,team=payments}"]; got != "" {
		t.Errorf("counted %q before it was written", got)
	}
	w.Faults.Before = nil
	reconcile(t, w)
	if got := counts(t, reader)["push.duration{reason=CustomRunTimedOut,team=payments}"]; got != "1, 0" {
		t.Errorf("counted %q, want once", got)
	}
}

// A refusal is no push, and what a refused run claims is in no label.
func TestRefusalIsCounted(t *testing.T) {
	for want, objects := range map[string]func(*v1beta1.CustomRun){
		"decisions{reason=ImageOutsideOrganization,rule=image}": func(r *v1beta1.CustomRun) {
			r.Spec.Params[0].Value = *v1beta1.NewStructuredValues(reconcilertest.Host + "/team-platform/app")
		},
		"decisions{reason=UnprovenOwner,rule=owner}": func(r *v1beta1.CustomRun) { r.OwnerReferences[0].UID = "forged" },
	} {
		reader := newReader(t)
		w := newWorld(t, withRun(objects)...)
		reconcile(t, w)
		if diff := cmp.Diff(map[string]string{want: "1", "leading{kind=PushImage}": "1"}, counts(t, reader)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestSecretCheckIsCounted(t *testing.T) {
	reader := newReader(t)
	w := newWorld(t, with(func(o runtime.Object) {
		if s, ok := o.(*corev1.Secret); ok {
			content("no JSON")(s)
		}
	})...)
	reconcile(t, w)
	if got := counts(t, reader)["secret_checks{reason=SecretInvalid,team=payments}"]; got != "1" {
		t.Errorf("counted %q, want 1", got)
	}
}

func TestChildEventsAreCounted(t *testing.T) {
	var passed, filtered, enqueued int
	var over bool
	handler := passing(func(any) { enqueued++ }, func(*pipelinev1.TaskRun) bool { return over }, func(p bool) {
		if p {
			passed++
		} else {
			filtered++
		}
	})
	running := &pipelinev1.TaskRun{}
	done := reconcilertest.Finish(running, corev1.ConditionTrue, "Succeeded", "")
	handler.OnAdd(running, false)
	handler.OnUpdate(running, running)
	handler.OnUpdate(running, done)
	handler.OnDelete(done)
	if passed != 2 || filtered != 2 || enqueued != passed {
		t.Errorf("%d passed, %d filtered, %d enqueued; want 2, 2, 2", passed, filtered, enqueued)
	}
	over = true // What goes on although its CustomRun has ended is looked at, until it is stopped.
	handler.OnAdd(running, false)
	handler.OnUpdate(running, running)
	stopped := running.DeepCopy()
	stopped.Spec.Status = pipelinev1.TaskRunSpecStatusCancelled
	handler.OnUpdate(running, stopped)
	if passed != 4 || filtered != 3 {
		t.Errorf("%d passed, %d filtered; want 4, 3", passed, filtered)
	}
}

// An author looks at the PipelineRun: it says why. A PipelineRun that a CustomRun only claims as its owner is left alone.
func TestRefusalIsToldToThePipelineRun(t *testing.T) {
	w := newWorld(t, withRun(image(reconcilertest.Host+"/team-platform/app"))...)
	reconcile(t, w)
	events := strings.Join(w.Events(), "\n")
	if !strings.Contains(events, fmt.Sprintf("Warning ImageOutsideOrganization CustomRun %q: image-ref ", run)) || strings.Count(events, "Warning") != 2 {
		t.Errorf("events %q", events)
	}
	w = newWorld(t, withRun(func(r *v1beta1.CustomRun) { r.OwnerReferences[0].UID = "forged" })...)
	reconcile(t, w)
	if events := w.Events(); len(events) != 1 {
		t.Errorf("events %q, want the CustomRun's alone", events)
	}
}

func TestSuccessIsToldOnce(t *testing.T) {
	w := started(t, payments()...)
	w.Events()
	w.Update(reconcilertest.Finish(w.TaskRun(ns, run), corev1.ConditionTrue, "Succeeded", ""))
	reconcile(t, w)
	reconcile(t, w)
	if events := w.Events(); len(events) != 1 || !strings.HasPrefix(events[0], "Normal Succeeded pushed; log: tkn taskrun logs") {
		t.Errorf("events %q", events)
	}
}
