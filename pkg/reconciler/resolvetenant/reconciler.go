// Package resolvetenant answers CustomRuns of kind ResolveTenant: it decides the tenant, checks that tenant's Secret, asks the registry
// whether its push could begin, if that is wished, and answers with names. It makes no TaskRun: the pipeline pushes with a task of its own.
package resolvetenant

import (
	"context"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	customrunreconciler "github.com/tektoncd/pipeline/pkg/client/injection/reconciler/pipeline/v1beta1/customrun"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/reconciler"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/reconciler/keyless"
	"github.com/comptech-lab/quay-push/pkg/reconciler/preflight"
	"github.com/comptech-lab/quay-push/pkg/reconciler/request"
	"github.com/comptech-lab/quay-push/pkg/reconciler/telemetry"
	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// chainsCost is what an author should know of this kind and would not find out but from a missing attestation.
const chainsCost = "Tekton Chains does not attest a PipelineRun with a custom task that has no TaskRun of its name " +
	"(tektoncd/chains#1210), as this one; with " + v1alpha1.KindPushImage + " it does"

// Reconciler answers one CustomRun at a time. It is safe for concurrent use.
type Reconciler struct {
	cluster  tenancy.Cluster
	owners   *tenancy.Owners
	keyless  *keyless.Exchanger
	registry *preflight.Asker
	config   func() *config.Config
	status   customrun.Writer
	clock    clock.PassiveClock
	metrics  *telemetry.Metrics
}

var _ customrunreconciler.Interface = (*Reconciler)(nil)

// ReconcileKind answers the CustomRun with one write. An error is worth another try; what no try can mend becomes
// Succeeded=False.
func (r *Reconciler) ReconcileKind(ctx context.Context, run *v1beta1.CustomRun) reconciler.Event {
	ctx, cancel := context.WithTimeout(ctx, reconciler.DefaultTimeout)
	defer cancel()
	if !customrun.Is(run, v1alpha1.KindResolveTenant) || customrun.Done(run) || run.DeletionTimestamp != nil {
		return nil
	}
	q, d, err := r.resolve(ctx, run)
	if failure := tenancy.FailureOf(err); failure != nil {
		return r.status.Fail(ctx, run, failure)
	} else if err != nil {
		return err
	}
	message := "team " + d.Team + ": " + d.Evidence
	switch q.Preflight() {
	case v1alpha1.PreflightTrue:
		message += "; a push to " + q.Image() + " could begin now"
	case v1alpha1.PreflightAllowNew:
		message += "; a push to " + q.Image() + " could begin now, if that is there or the robot may create it"
	}
	if err := r.status.Succeed(ctx, run, resultsOf(d, q.Place(r.config(), d.Rule)), message); err != nil {
		return err
	}
	controller.GetEventRecorder(ctx).Event(run, corev1.EventTypeNormal, "NotAttested", chainsCost)
	return nil
}

func (r *Reconciler) resolve(ctx context.Context, run *v1beta1.CustomRun) (request.Request, tenant.Decision, error) {
	q, err := request.Read(run)
	if err != nil {
		return q, tenant.Decision{}, err
	}
	c := r.config()
	d, _, err := tenancy.Resolve(ctx, r.owners, c, run, q.Params, r.clock.Now())
	tenancy.RecordDecision(ctx, r.metrics, d, err)
	if err != nil {
		return q, d, err
	}
	held, err := q.Place(c, d.Rule).Holding(ctx, r.cluster, q.Image(), d)
	tenancy.RecordCheck(ctx, r.metrics, d, err)
	if err == nil && q.Preflight() != "" {
		err = r.ask(ctx, q, d, held, c)
	}
	return q, d, err
}

func resultsOf(d tenant.Decision, place request.Place) []v1beta1.CustomRunResult {
	results := []v1beta1.CustomRunResult{
		{Name: v1alpha1.ResultDockerconfigSecret, Value: d.Secret},
		{Name: v1alpha1.ResultTeam, Value: d.Team},
		{Name: v1alpha1.ResultOrganization, Value: d.Organization},
		{Name: v1alpha1.ResultRegistry, Value: d.Registry},
	}
	if place.Custody {
		// A Pod that mounted a Secret of that name would wait for it in vain.
		return results[1:]
	}
	return results
}
