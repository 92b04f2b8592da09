package pushimage

import (
	"context"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	listers "github.com/tektoncd/pipeline/pkg/client/listers/pipeline/v1beta1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/reconciler"

	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
)

// leaving reconciles a CustomRun that is being deleted, too. The generated one calls nobody for it but a Finalizer, which would put
// a finalizer, one more write, on every run. Somebody else's can hold a run in that state for as long as he likes.
type leaving struct {
	customrun.Generated
	runs      listers.CustomRunLister
	reconcile func(context.Context, *v1beta1.CustomRun) reconciler.Event
}

// Reconcile implements controller.Reconciler.
func (l leaving) Reconcile(ctx context.Context, key string) error {
	namespace, name, err := cache.SplitMetaNamespaceKey(key)
	if err != nil {
		return l.Generated.Reconcile(ctx, key)
	}
	run, err := l.runs.CustomRuns(namespace).Get(name)
	if err != nil || run.DeletionTimestamp == nil || !l.IsLeaderFor(types.NamespacedName{Namespace: namespace, Name: name}) {
		return l.Generated.Reconcile(ctx, key)
	}
	// Who deletes a run needs no Event of its end, which a recorder without a channel drops.
	return l.reconcile(controller.WithEventRecorder(ctx, &record.FakeRecorder{}), run.DeepCopy())
}

// takeBack takes from a run that is being deleted what it has, before it ends: its Secret, and its TaskRun in custody with the Pods. Who holds the
// run in that state must not keep either.
func (r *Reconciler) takeBack(ctx context.Context, v view) error {
	namespace := v.state.TaskRun.Namespace
	if v.state.TaskRun.UID == "" && len(v.config.InternalRegistries) > 0 {
		namespace = v.custody() // One may be there that was not recorded.
	}
	if namespace != "" {
		if err := r.deleteCopy(ctx, namespace, copyName(v.run.UID)); err != nil {
			return err
		}
	}
	return r.withdraw(ctx, v)
}
