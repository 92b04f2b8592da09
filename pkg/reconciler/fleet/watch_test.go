package fleet

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	fakekube "k8s.io/client-go/kubernetes/fake"
	clocktesting "k8s.io/utils/clock/testing"
	"knative.dev/pkg/configmap"
	"knative.dev/pkg/configmap/informer"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/system"
	_ "knative.dev/pkg/system/testing" // Names the system namespace.

	"github.com/comptech-lab/quay-push/pkg/fleet"
)

// controllerOf starts the watcher that a program has, over a cluster with the ConfigMaps, and returns what Prometheus reads by
// name and labels.
func controllerOf(t *testing.T, kube *fakekube.Clientset) func(name string) (float64, bool) {
	t.Helper()
	registry, watcher := prometheus.NewPedanticRegistry(), informer.NewInformedWatcher(kube, system.Namespace())
	made := false
	construct := Watch(func(context.Context, configmap.Watcher) *controller.Impl { made = true; return nil }, registry, clocktesting.NewFakePassiveClock(noon))
	if construct(t.Context(), watcher); !made {
		t.Error("the controller is not made")
	}
	if err := watcher.Start(t.Context().Done()); err != nil {
		t.Fatal(err)
	}
	return func(run string) (float64, bool) {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				if f.GetName() == "quay_push_fleet_last_success_timestamp_seconds" && m.GetLabel()[0].GetValue() == run {
					return m.GetGauge().GetValue(), true
				}
			}
		}
		return 0, false
	}
}

// configMap is a record as config/fleet/ or a run leaves it.
func configMap(name, text string) *corev1.ConfigMap {
	c := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: system.Namespace(), Name: name, UID: "1", ResourceVersion: "1"}}
	if text != "" {
		c.Data = map[string]string{fleet.Key: text}
	}
	return c
}

// eventually waits for what comes by a watch.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 500 {
		if is() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("it never comes that %s", what)
}

// Without config/fleet/ the controller starts, and says nothing of runs; with it, each run is told as it comes, and what is taken away
// or cannot be read is told no more.
func TestWatch(t *testing.T) {
	t.Parallel()
	kube := fakekube.NewClientset()
	last := controllerOf(t, kube)
	if at, told := last("verify"); told {
		t.Errorf("without a record: %v", at)
	}
	maps := kube.CoreV1().ConfigMaps(system.Namespace())
	if _, err := maps.Create(t.Context(), configMap(fleet.VerifyConfigMap, ""), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "no run has been", func() bool { at, told := last("verify"); return told && at == 0 })
	for _, step := range []struct {
		text string
		at   float64
		told bool
	}{
		{`{"ended":"2026-11-24T11:00:00Z"}`, float64(noon.Unix() - 3600), true},
		{`{"ended":"2026-11-24T12:00:00Z"}`, float64(noon.Unix()), true},
		{`{"ended":`, 0, false},
	} {
		if _, err := maps.Update(t.Context(), configMap(fleet.VerifyConfigMap, step.text), metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		eventually(t, step.text, func() bool { at, told := last("verify"); return told == step.told && at == step.at })
	}
	if _, told := last("rotate"); told {
		t.Error("rotate has no record")
	}
	if _, err := maps.Create(t.Context(), configMap(fleet.RotateConfigMap, `{"good":"2026-11-24T11:00:00Z"}`), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a good run", func() bool { at, told := last("rotate"); return told && at == float64(noon.Unix()-3600) })
	if err := maps.Delete(t.Context(), fleet.RotateConfigMap, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the record is gone", func() bool { _, told := last("rotate"); return !told })
}

// What is there at the start is told from the start.
func TestWatchFromTheStart(t *testing.T) {
	t.Parallel()
	last := controllerOf(t, fakekube.NewClientset(configMap(fleet.RotateConfigMap, `{"good":"2026-11-24T11:00:00Z"}`)))
	eventually(t, "a good run", func() bool { at, told := last("rotate"); return told && at == float64(noon.Unix()-3600) })
}

// A watcher that knows no defaults, and a registry that has the metrics already, keep no controller from being made.
func TestWatchIsNoConditionForAController(t *testing.T) {
	registry, made := prometheus.NewRegistry(), 0
	construct := Watch(func(context.Context, configmap.Watcher) *controller.Impl { made++; return nil }, registry, clocktesting.NewFakePassiveClock(noon))
	for range 2 {
		construct(t.Context(), configmap.NewStaticWatcher())
	}
	if made != 2 {
		t.Errorf("made %d times", made)
	}
}
