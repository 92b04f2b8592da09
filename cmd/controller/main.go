// Controller answers the CustomRuns of group quay.comptech-lab.com.
package main

import (
	taskruns "github.com/tektoncd/pipeline/pkg/client/injection/informers/factory/filtered"
	"k8s.io/utils/clock"
	"knative.dev/pkg/injection"
	"knative.dev/pkg/injection/sharedmain"
	"knative.dev/pkg/signals"

	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/reconciler/health"
	"github.com/comptech-lab/quay-push/pkg/reconciler/pushimage"
	"github.com/comptech-lab/quay-push/pkg/reconciler/resolvetenant"
)

func main() {
	ctx := taskruns.WithSelectors(signals.NewContext(), customrun.TaskRunSelector)
	ready, now := health.NewReadiness(ctx.Done()), clock.RealClock{}
	sharedmain.MainWithContext(injection.AddReadiness(ctx, ready.ServeHTTP), "quay-push",
		ready.Watch(pushimage.NewController(now), now), resolvetenant.NewController(now))
}
