package pushimage

import (
	"context"
	"errors"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/logging"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/reconciler/provenance"
	"github.com/comptech-lab/quay-push/pkg/reconciler/request"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// How long one question to the registry may take, how long the next one waits, and for how long after the end of the TaskRun
// the registry, or a Secret that is being rotated, may give no answer.
const (
	proofTimeout  = 10 * time.Second
	proofPause    = 5 * time.Second
	proofPatience = 5 * time.Minute
)

// prove asks the registry for the image that the results are about, if the platform wants that or a receipt of it, and returns the results
// with that of the receipt. The error is an end of the run, or a request to come back.
func (r *Reconciler) prove(ctx context.Context, v view, task *pipelinev1.TaskRun, results []v1beta1.CustomRunResult) ([]v1beta1.CustomRunResult, error) {
	_, certified := v.config.Receipts()
	if !v.config.VerifyResults && !certified {
		return results, nil
	}
	image, credential, err := r.ask(ctx, v, task, results)
	var unproven *provenance.Unproven
	if errors.As(err, &unproven) {
		return nil, customrun.Failf(v1alpha1.ReasonResultsUnproven, "%s", message(
			"the TaskRun says that it pushed, the controller does not: "+unproven.Problem, task))
	} else if err != nil {
		return nil, r.later(ctx, task, v1alpha1.ReasonResultsUnproven, "could not make sure that it is there", err)
	}
	if !certified {
		return results, nil
	}
	digest, err := r.certify(ctx, v, image, credential, verdictOf(task, results))
	if err != nil {
		return nil, r.later(ctx, task, v1alpha1.ReasonReceiptNotWritten, "could not write its receipt", err)
	}
	return append(results, v1beta1.CustomRunResult{Name: v1alpha1.ResultReceipt, Value: digest}), nil
}

// later has the controller come back to what failed, until its patience ends: then the run does, with reason and what failed.
func (r *Reconciler) later(ctx context.Context, task *pipelinev1.TaskRun, reason, what string, err error) error {
	if task.Status.CompletionTime == nil || r.clock.Since(task.Status.CompletionTime.Time) > proofPatience {
		return customrun.Failf(reason, "%s", message("the image was pushed, and the controller "+what+": "+err.Error(), task))
	}
	logging.FromContext(ctx).Infow("Asking the registry again", "in", proofPause, "because", err)
	return controller.NewRequeueAfter(proofPause)
}

// ask asks with the tenant's own credential, from where the run has it.
func (r *Reconciler) ask(ctx context.Context, v view, task *pipelinev1.TaskRun, results []v1beta1.CustomRunResult) (provenance.Image, dockerconfig.Credential, error) {
	none := dockerconfig.Credential{}
	ctx, cancel := context.WithTimeout(ctx, proofTimeout)
	defer cancel()
	values := map[string]string{}
	for _, result := range results {
		values[result.Name] = result.Value
	}
	// The TaskRun's spec is the one that was decided on; a CustomRun's can be edited.
	imageRef := ""
	for _, p := range task.Spec.Params {
		if p.Name == v1alpha1.ParamImageRef {
			imageRef = p.Value.StringVal
		}
	}
	image, err := provenance.Pushed(imageRef, values)
	if err != nil {
		return image, none, err
	}
	s, place := v.state, request.Place{Namespace: v.run.Namespace}
	switch {
	case s.ProjectedSecret != "":
		place = request.Lending(v.config)
	case s.TaskRun.Namespace != "":
		place = request.Place{Namespace: v.custody(), Custody: true}
	}
	held, err := place.Holding(ctx, r.cluster, imageRef, tenant.Decision{Team: s.Team, Names: v.config.Names(s.Team)})
	if err != nil {
		return image, none, err
	}
	credential, err := r.credential(ctx, held, v.config)
	if err != nil {
		return image, none, err
	}
	return image, credential, r.verifier.Verify(ctx, image, credential)
}
