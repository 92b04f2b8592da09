package scrape

import (
	"context"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"k8s.io/utils/clock"
	kubeclient "knative.dev/pkg/client/injection/kube/client"
	"knative.dev/pkg/configmap"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/injection"
	"knative.dev/pkg/logging"
)

// With returns the constructor with the metrics served from when it is called, those of Prometheus' default registry, where Knative puts
// them. One of the constructors of a program is enough.
func With(constructor injection.ControllerConstructor, now clock.PassiveClock) injection.ControllerConstructor {
	return func(ctx context.Context, watcher configmap.Watcher) *controller.Impl {
		handler := NewAuthorizer(kubeclient.Get(ctx), now, promhttp.Handler())
		go func() {
			// Without metrics pushes go on, and an alert tells.
			if err := Serve(ctx, Address, handler); err != nil {
				logging.FromContext(ctx).Errorw("Serving the metrics", "error", err)
			}
		}()
		return constructor(ctx, watcher)
	}
}
