// Controller answers the CustomRuns of group quay.comptech-lab.com.
package main

import (
	"log"
	"os"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	taskruns "github.com/tektoncd/pipeline/pkg/client/injection/informers/factory/filtered"
	"k8s.io/utils/clock"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/injection"
	"knative.dev/pkg/injection/sharedmain"
	"knative.dev/pkg/signals"

	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/reconciler/fleet"
	"github.com/comptech-lab/quay-push/pkg/reconciler/health"
	"github.com/comptech-lab/quay-push/pkg/reconciler/pushimage"
	"github.com/comptech-lab/quay-push/pkg/reconciler/resolvetenant"
	"github.com/comptech-lab/quay-push/pkg/reconciler/scrape"
	"github.com/comptech-lab/quay-push/pkg/reconciler/turns"
)

func main() {
	ctx := taskruns.WithSelectors(signals.NewContext(), customrun.TaskRunSelector)
	ready, now := health.NewReadiness(ctx.Done()), clock.RealClock{}
	// As sharedmain.MainWithContext reads it, which would make the config itself.
	if threads, given := os.LookupEnv("K_THREADS_PER_CONTROLLER"); given {
		n, err := strconv.Atoi(threads)
		if err != nil {
			log.Fatalf("reading K_THREADS_PER_CONTROLLER: %v", err)
		}
		controller.DefaultThreadsPerController = n
	}
	config := injection.ParseAndGetRESTConfigOrDie()
	turns.Limit(config)
	sharedmain.MainWithConfig(injection.AddReadiness(ctx, ready.ServeHTTP), "quay-push", config,
		scrape.With(ready.Watch(fleet.Watch(pushimage.NewController(now), prometheus.DefaultRegisterer, now), now), now), resolvetenant.NewController(now))
}
