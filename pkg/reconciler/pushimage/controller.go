package pushimage

import (
	"context"
	"net/http"

	tektonclient "github.com/tektoncd/pipeline/pkg/client/injection/client"
	taskruninformer "github.com/tektoncd/pipeline/pkg/client/injection/informers/pipeline/v1/taskrun/filtered"
	customruninformer "github.com/tektoncd/pipeline/pkg/client/injection/informers/pipeline/v1beta1/customrun"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
	"knative.dev/pkg/configmap"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/injection"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/reconciler/keyless"
	"github.com/comptech-lab/quay-push/pkg/reconciler/provenance"
	"github.com/comptech-lab/quay-push/pkg/reconciler/runsecret"
	"github.com/comptech-lab/quay-push/pkg/reconciler/signing"
	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
	"github.com/comptech-lab/quay-push/pkg/reconciler/turns"
)

// NewController returns what wires the reconciler to Knative, with a clock. The context must carry customrun.TaskRunSelector.
func NewController(now clock.PassiveClock) injection.ControllerConstructor {
	return newController(now, http.DefaultTransport, copyPlaces)
}

// newController reaches registries through transport, and has so many copies at once.
func newController(now clock.PassiveClock, transport http.RoundTripper, places int) injection.ControllerConstructor {
	return func(ctx context.Context, watcher configmap.Watcher) *controller.Impl {
		return newReconciler(ctx, config.Watch(ctx, watcher), now, transport, places).wire(ctx)
	}
}

// newReconciler returns a Reconciler with the clients and caches that Knative put into ctx.
func newReconciler(ctx context.Context, names func() *config.Config, now clock.PassiveClock, transport http.RoundTripper, places int) *Reconciler {
	runs, taskRuns := customruninformer.Get(ctx), taskruninformer.Get(ctx, customrun.TaskRunSelector)
	customrun.Must(ctx, taskRuns.Informer().AddIndexers(cache.Indexers{indexUnderWay: underWay}))
	customrun.Must(ctx, runs.Informer().AddIndexers(cache.Indexers{indexWaiting: waiting}))
	cluster, client := tenancy.FromContext(ctx), tektonclient.Get(ctx)
	return &Reconciler{
		cluster:  cluster,
		owners:   tenancy.NewOwners(cluster, now),
		keyless:  keyless.New(cluster.Kube, transport),
		issuer:   runsecret.Issuer{Client: cluster.Kube},
		verifier: provenance.Verifier{Transport: transport},
		signers:  &signing.Signers{Kube: cluster.Kube},
		tekton:   client,
		taskRuns: taskRuns.Lister(),
		config:   names,
		status:   customrun.Writer{Client: client, Clock: now},
		clock:    now,
		metrics:  customrun.Metrics(ctx),
		turns: &copyTurns{places: places, clock: now, tasks: taskRuns.Informer().GetIndexer(), runs: runs.Informer().GetIndexer(),
			held: map[types.UID]place{}, served: map[string]int{}},
	}
}

// wire has the reconciler asked about every CustomRun that it answers, and about what becomes of their TaskRuns.
func (r *Reconciler) wire(ctx context.Context) *controller.Impl {
	runs, taskRuns := customruninformer.Get(ctx), taskruninformer.Get(ctx, customrun.TaskRunSelector)
	impl := customrun.NewImpl(ctx, r, v1alpha1.KindPushImage, func(inner customrun.Generated) turns.LeaderAware {
		return leaving{inner, runs.Lister(), r.ReconcileKind}
	}, r.orphans)
	_, err := taskRuns.Informer().AddEventHandler(r.childEvents(impl, runs.Lister()))
	customrun.Must(ctx, err)
	_, err = runs.Informer().AddEventHandler(r.runEvents(impl))
	customrun.Must(ctx, err)
	return impl
}
