package health

import (
	"context"
	"sync/atomic"

	taskruninformer "github.com/tektoncd/pipeline/pkg/client/injection/informers/pipeline/v1/taskrun/filtered"
	customruninformer "github.com/tektoncd/pipeline/pkg/client/injection/informers/pipeline/v1beta1/customrun"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
	policyinformer "knative.dev/pkg/client/injection/kube/informers/admissionregistration/v1/validatingadmissionpolicy"
	bindinginformer "knative.dev/pkg/client/injection/kube/informers/admissionregistration/v1/validatingadmissionpolicybinding"
	namespaceinformer "knative.dev/pkg/client/injection/kube/informers/core/v1/namespace"
	"knative.dev/pkg/configmap"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/injection"

	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
)

// Watch returns the constructor with its caches and its ConfigMap watched: readiness waits for them, and the gauges show what
// is in them. One of the constructors of a program is enough, since they share both.
func (r *Readiness) Watch(constructor injection.ControllerConstructor, now clock.PassiveClock) injection.ControllerConstructor {
	return func(ctx context.Context, watcher configmap.Watcher) *controller.Impl {
		impl := constructor(ctx, watcher)
		customRuns := customruninformer.Get(ctx).Informer()
		for name, informer := range map[string]cache.SharedIndexInformer{
			"customruns":                        customRuns,
			"taskruns":                          taskruninformer.Get(ctx, customrun.TaskRunSelector).Informer(),
			"namespaces":                        namespaceinformer.Get(ctx).Informer(),
			"validatingadmissionpolicies":       policyinformer.Get(ctx).Informer(),
			"validatingadmissionpolicybindings": bindinginformer.Get(ctx).Informer(),
		} {
			r.Need(name, informer.HasSynced)
		}
		customrun.Must(ctx, customRuns.AddIndexers(cache.Indexers{indexUnanswered: unansweredKind}))
		current := config.Watch(ctx, watcher)
		var loaded atomic.Bool
		watcher.Watch(config.Name, func(*corev1.ConfigMap) { loaded.Store(true) })
		r.Need("configmap "+config.Name, loaded.Load)
		customrun.Must(ctx, customrun.Metrics(ctx).Observe(&observed{
			ready: r, cluster: tenancy.FromContext(ctx), config: current, customRuns: customRuns.GetIndexer(), clock: now}))
		return impl
	}
}
