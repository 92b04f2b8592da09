package fleet

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"knative.dev/pkg/configmap"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/injection"
	"knative.dev/pkg/logging"
	"knative.dev/pkg/system"

	"github.com/comptech-lab/quay-push/pkg/fleet"
)

// Watch returns the constructor with the records watched, and told by registry. One of the constructors of a program is enough.
func Watch(constructor injection.ControllerConstructor, registry prometheus.Registerer, now clock.PassiveClock) injection.ControllerConstructor {
	return func(ctx context.Context, watcher configmap.Watcher) *controller.Impl {
		c := NewCollector(now)
		if err := registry.Register(c); err != nil && !errors.As(err, new(prometheus.AlreadyRegisteredError)) {
			// Without these metrics pushes go on.
			logging.FromContext(ctx).Errorw("Registering the metrics of the fleet", "error", err)
		}
		// Without a default the controller would not start where config/fleet/ is not applied.
		if optional, ok := watcher.(configmap.DefaultingWatcher); ok {
			watch(ctx, optional, fleet.VerifyConfigMap, c.SetVerification)
			watch(ctx, optional, fleet.RotateConfigMap, c.SetRotation)
		}
		return constructor(ctx, watcher)
	}
}

// watch hands set the record of a ConfigMap as it is now; nil while there is none, or one that cannot be read.
func watch[R fleet.Verification | fleet.Rotation](ctx context.Context, watcher configmap.DefaultingWatcher, name string, set func(*R)) {
	// Of another namespace it would be passed over when the ConfigMap is deleted.
	absent := corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: system.Namespace(), Name: name}}
	watcher.WatchWithDefault(absent, func(found *corev1.ConfigMap) {
		if found.UID == "" && found.ResourceVersion == "" {
			set(nil)
			return
		}
		record, err := fleet.Decode[R](found.Data[fleet.Key])
		if err != nil {
			logging.FromContext(ctx).Errorw("Reading ConfigMap "+name, "error", err)
			set(nil)
			return
		}
		set(&record)
	})
}
