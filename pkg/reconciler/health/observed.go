package health

import (
	"context"
	"fmt"
	"time"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/reconciler/telemetry"
	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
)

// observed is what the gauges show, from the caches alone: a scrape costs the API server nothing. Every replica has the caches,
// so that a run which no leader answers is seen by the others.
type observed struct {
	ready      *Readiness
	cluster    tenancy.Cluster
	config     func() *config.Config
	customRuns cache.Indexer
	clock      clock.PassiveClock
}

var _ telemetry.Cluster = (*observed)(nil)

// PolicyEnforced implements telemetry.Cluster. A namespace that does not exist is left out: nothing runs there.
func (o *observed) PolicyEnforced(ctx context.Context) (map[string]bool, error) {
	if o.ready.Err() != nil {
		return nil, nil
	}
	enforced := map[string]bool{}
	for _, name := range o.config().SharedNamespaces {
		namespace, err := o.cluster.Namespace(ctx, name)
		if apierrs.IsNotFound(err) {
			continue
		} else if err != nil {
			return nil, fmt.Errorf("reading namespace %q: %w", name, err)
		}
		if enforced[name], err = tenancy.Guarded(ctx, o.cluster, namespace); err != nil {
			return nil, err
		}
	}
	return enforced, nil
}

// kinds are those that the controller answers.
var kinds = []string{v1alpha1.KindPushImage, v1alpha1.KindResolveTenant}

// indexUnanswered finds the few runs without an answer among all that are cached.
const indexUnanswered = "unanswered"

func unansweredKind(object any) ([]string, error) {
	run, ok := object.(*v1beta1.CustomRun)
	if !ok || customrun.Done(run) || len(run.Status.Conditions) > 0 || run.DeletionTimestamp != nil {
		return nil, nil
	}
	for _, kind := range kinds {
		if customrun.Is(run, kind) {
			return []string{kind}, nil
		}
	}
	return nil, nil
}

// UnansweredAge implements telemetry.Cluster.
func (o *observed) UnansweredAge(context.Context) (map[string]time.Duration, error) {
	if o.ready.Err() != nil {
		return nil, nil
	}
	ages := map[string]time.Duration{}
	for _, kind := range kinds {
		runs, err := o.customRuns.ByIndex(indexUnanswered, kind)
		if err != nil {
			return nil, fmt.Errorf("listing CustomRuns without an answer: %w", err)
		}
		ages[kind] = 0
		for _, run := range runs {
			ages[kind] = max(ages[kind], o.clock.Since(run.(*v1beta1.CustomRun).CreationTimestamp.Time))
		}
	}
	return ages, nil
}
