package resolvetenant

import (
	"context"
	"net/http"

	tektonclient "github.com/tektoncd/pipeline/pkg/client/injection/client"
	"k8s.io/utils/clock"
	"knative.dev/pkg/configmap"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/injection"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/reconciler/keyless"
	"github.com/comptech-lab/quay-push/pkg/reconciler/preflight"
	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
)

// NewController returns what wires the reconciler to Knative, with a clock.
func NewController(now clock.PassiveClock) injection.ControllerConstructor {
	return newController(now, http.DefaultTransport, "")
}

// newController reaches Quay's exchange of tokens through transport, and trusts the authorities in caFile, if that is not empty, where it
// asks whether a push could begin.
func newController(now clock.PassiveClock, transport http.RoundTripper, caFile string) injection.ControllerConstructor {
	return func(ctx context.Context, watcher configmap.Watcher) *controller.Impl {
		cluster := tenancy.FromContext(ctx)
		r := &Reconciler{
			cluster:  cluster,
			owners:   tenancy.NewOwners(cluster, now),
			keyless:  keyless.New(cluster.Kube, transport),
			registry: preflight.New(caFile),
			config:   config.Watch(ctx, watcher),
			status:   customrun.Writer{Client: tektonclient.Get(ctx), Clock: now},
			clock:    now,
			metrics:  customrun.Metrics(ctx),
		}
		return customrun.NewImpl(ctx, r, v1alpha1.KindResolveTenant, nil, nil)
	}
}
