package health

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	faketektonclient "github.com/tektoncd/pipeline/pkg/client/injection/client/fake"
	filtered "github.com/tektoncd/pipeline/pkg/client/injection/informers/factory/filtered"
	customruninformer "github.com/tektoncd/pipeline/pkg/client/injection/informers/pipeline/v1beta1/customrun"
	"go.opentelemetry.io/otel"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clocktesting "k8s.io/utils/clock/testing"
	"knative.dev/pkg/apis"
	fakekubeclient "knative.dev/pkg/client/injection/kube/client/fake"
	"knative.dev/pkg/configmap"
	fakedynamicclient "knative.dev/pkg/injection/clients/dynamicclient/fake"
	knativetesting "knative.dev/pkg/reconciler/testing"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/reconciler/pushimage"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

const shared = "openshift-pipelines"

// gauges returns the values of the two that look at the cluster, by label value.
func gauges(t *testing.T, reader sdkmetric.Reader) map[string]float64 {
	t.Helper()
	var data metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch d := m.Data.(type) {
			case metricdata.Gauge[int64]:
				for _, p := range d.DataPoints {
					values[p.Attributes.ToSlice()[0].Value.AsString()] = float64(p.Value)
				}
			case metricdata.Gauge[float64]:
				for _, p := range d.DataPoints {
					values[p.Attributes.ToSlice()[0].Value.AsString()] = p.Value
				}
			}
		}
	}
	return values
}

// start runs the informers of a program that Watch set up over objects. It returns what it sees before and after they synced.
func start(t *testing.T, objects ...runtime.Object) (r *Readiness, before, after map[string]float64) {
	t.Helper()
	reader, provider := sdkmetric.NewManualReader(), otel.GetMeterProvider()
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	t.Cleanup(func() { otel.SetMeterProvider(provider) })
	ctx, cancel, informers := knativetesting.SetupFakeContextWithCancel(t,
		func(ctx context.Context) context.Context {
			return filtered.WithSelectors(ctx, customrun.TaskRunSelector)
		})
	ctx, _ = fakedynamicclient.With(ctx, runtime.NewScheme())
	now := clocktesting.NewFakePassiveClock(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC))
	for _, o := range objects {
		tracker := fakekubeclient.Get(ctx).Tracker()
		if run, ok := o.(*v1beta1.CustomRun); ok {
			tracker = faketektonclient.Get(ctx).Tracker()
			run.CreationTimestamp = metav1.Time{Time: now.Now().Add(-time.Minute)}
		}
		if err := tracker.Add(o); err != nil {
			t.Fatal(err)
		}
	}
	r = NewReadiness(ctx.Done())
	r.Watch(pushimage.NewController(now), now)(ctx, configmap.NewStaticWatcher(&corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: config.Name, Namespace: "knative-testing"}}))
	if r.Err() == nil {
		t.Error("ready before the caches have anything")
	}
	before = gauges(t, reader)
	wait, err := knativetesting.RunAndSyncInformers(ctx, informers...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); wait() })
	if err := r.Err(); err != nil {
		t.Errorf("after the caches have synced: %v", err)
	}
	// The index is what keeps a scrape cheap: it must be in the informer's own store.
	if _, err := customruninformer.Get(ctx).Informer().GetIndexer().ByIndex(indexUnanswered, v1alpha1.KindPushImage); err != nil {
		t.Error(err)
	}
	return r, before, gauges(t, reader)
}

func newRun(name, kind string, conditions ...apis.Condition) *v1beta1.CustomRun {
	run := reconcilertest.NewCustomRun(reconcilertest.Namespace, "pipeline", name, kind)
	for _, c := range conditions {
		run.Status.SetCondition(&c)
	}
	return run
}

// Nothing is reported before it is known, and then what is old, unguarded or of another kind is told apart.
func TestGauges(t *testing.T) {
	unknown := apis.Condition{Type: apis.ConditionSucceeded, Status: corev1.ConditionUnknown}
	r, before, got := start(t,
		reconcilertest.NewNamespace(shared, nil),
		newRun("waits", v1alpha1.KindPushImage),
		newRun("answered", v1alpha1.KindResolveTenant, unknown),
		newRun("foreign", "Approval"))
	if len(before) > 0 {
		t.Errorf("before the caches have anything: %v", before)
	}
	if diff := cmp.Diff(map[string]float64{shared: 0, v1alpha1.KindPushImage: 60, v1alpha1.KindResolveTenant: 0}, got); diff != "" {
		t.Errorf("unguarded (-want +got):\n%s", diff)
	}
	if code, body := probe(r); code != 200 {
		t.Errorf("readiness %d %q", code, body)
	}
	_, _, got = start(t, append(reconcilertest.NewGuards(shared), reconcilertest.NewNamespace(shared, nil))...)
	if diff := cmp.Diff(map[string]float64{shared: 1, v1alpha1.KindPushImage: 0, v1alpha1.KindResolveTenant: 0}, got); diff != "" {
		t.Errorf("guarded (-want +got):\n%s", diff)
	}
	// Where the shared namespace is not there, nothing is said of it.
	if _, _, got = start(t); len(got) != len(kinds) {
		t.Errorf("no namespace: %v", got)
	}
}

func TestUnansweredKind(t *testing.T) {
	done := newRun("done", v1alpha1.KindPushImage)
	done.Status.CompletionTime = &metav1.Time{Time: time.Unix(1, 0)}
	going := newRun("deleted", v1alpha1.KindPushImage)
	going.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	other := newRun("other version", v1alpha1.KindPushImage)
	other.Spec.CustomRef.APIVersion = "example.dev/v1"
	for _, object := range []any{done, going, other, "a tombstone"} {
		if got, err := unansweredKind(object); err != nil || got != nil {
			t.Errorf("%+v is unanswered: %v, %v", object, got, err)
		}
	}
}
