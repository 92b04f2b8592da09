package customrun

import (
	"context"
	"testing"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	_ "github.com/tektoncd/pipeline/pkg/client/injection/client/fake"
	filtered "github.com/tektoncd/pipeline/pkg/client/injection/informers/factory/filtered"
	_ "github.com/tektoncd/pipeline/pkg/client/injection/informers/pipeline/v1beta1/customrun/fake"
	"k8s.io/client-go/tools/record"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/reconciler"
	knativetesting "knative.dev/pkg/reconciler/testing"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/turns"
)

type idle struct{}

func (*idle) ReconcileKind(context.Context, *v1beta1.CustomRun) reconciler.Event { return nil }

// The controller that Knative runs is the one in which namespaces take turns.
func TestNamespacesTakeTurns(t *testing.T) {
	ctx, _ := knativetesting.SetupFakeContext(t, func(ctx context.Context) context.Context { return filtered.WithSelectors(ctx, TaskRunSelector) })
	impl := NewImpl(controller.WithEventRecorder(ctx, record.NewFakeRecorder(1)), &idle{}, v1alpha1.KindPushImage, nil, nil)
	if _, ok := impl.Reconciler.(*turns.Keys); !ok {
		t.Errorf("the reconciler is a %T", impl.Reconciler)
	}
}
