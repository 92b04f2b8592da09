// Package tenancy gathers what a tenant decision looks at from the cluster, and asks package tenant for the decision.
// Which team a run belongs to is decided there, in decide.go; here is only where the facts come from.
package tenancy

import (
	"context"
	"errors"
	"fmt"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// Cluster is what the decision reads. PipelineRun and the Secret's check must be live reads, the others may be cached: of
// those a tenant can write nothing.
type Cluster interface {
	Namespace(ctx context.Context, name string) (*corev1.Namespace, error)
	PipelineRun(ctx context.Context, namespace, name string) (*pipelinev1.PipelineRun, error)
	Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error)
	ServiceAccount(ctx context.Context, namespace, name string) (*corev1.ServiceAccount, error)
	// ExternalSecretReady returns what the condition Ready of the ExternalSecret says; "" if there is none.
	ExternalSecretReady(ctx context.Context, namespace, name string) (string, error)
	Policy(ctx context.Context, name string) (*admissionv1.ValidatingAdmissionPolicy, error)
	PolicyBindings(ctx context.Context) ([]*admissionv1.ValidatingAdmissionPolicyBinding, error)
}

// ErrUnlisted is a CustomRun that its PipelineRun does not list yet: Tekton writes childReferences after it created the
// CustomRun, so that asking again can help.
var ErrUnlisted = errors.New("not listed in the PipelineRun's status.childReferences yet")

// facts are what a decision about a CustomRun looks at besides its PipelineRun. They are read once, whichever view of that is taken.
type facts struct {
	request tenant.Request
	// claim is the PipelineRun that the CustomRun says it is of; empty if none.
	claim string
}

// gather reads the facts about the CustomRun, whose params are given by name.
func gather(ctx context.Context, cluster Cluster, c *config.Config, run *v1beta1.CustomRun, params map[string]string) (facts, error) {
	f := facts{request: tenant.Request{Name: run.Name, Namespace: run.Namespace,
		Image: params[v1alpha1.ParamImageRef], Source: params[v1alpha1.ParamSource]}}
	namespace, err := cluster.Namespace(ctx, run.Namespace)
	if err != nil {
		return f, fmt.Errorf("reading namespace %q: %w", run.Namespace, err)
	}
	f.request.NamespaceLabels = namespace.Labels
	if f.request.Guarded, err = Guarded(ctx, cluster, namespace); err != nil {
		return f, err
	}
	claim := metav1.GetControllerOf(run)
	if claim == nil {
		return f, nil
	}
	f.request.Owner = &tenant.Owner{Name: claim.Name, UID: string(claim.UID)}
	version, err := schema.ParseGroupVersion(claim.APIVersion)
	if err == nil && version.Group == pipelinev1.SchemeGroupVersion.Group && claim.Kind == "PipelineRun" {
		f.claim = claim.Name
	}
	return f, nil
}

// decide returns the tenant by the facts and the PipelineRun, nil if there is none. The error is a *tenant.Refusal, which is final; or
// wraps ErrUnlisted, while patient.
func (f facts) decide(c *config.Config, owner *pipelinev1.PipelineRun, patient bool) (tenant.Decision, error) {
	r := f.request
	if owner != nil {
		r.Run = runOf(owner)
	}
	// A PipelineRun that has ended lists no more children.
	if patient && r.Unlisted() && !owner.IsDone() {
		return tenant.Decision{}, fmt.Errorf("CustomRun %q is %w", r.Name, ErrUnlisted)
	}
	return c.Decide(r)
}

func runOf(owner *pipelinev1.PipelineRun) *tenant.Run {
	run := &tenant.Run{UID: string(owner.UID), Labels: owner.Labels}
	for _, child := range owner.Status.ChildReferences {
		if child.Kind == "CustomRun" {
			run.Children = append(run.Children, child.Name)
		}
	}
	return run
}
