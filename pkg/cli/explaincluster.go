package cli

import (
	"context"
	"errors"
	"fmt"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/reconciler/keyless"
	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
)

// ongoing is a cluster in which the PipelineRun has not ended, and lists one CustomRun more, unless that has no name.
type ongoing struct {
	tenancy.Cluster
	child string
}

// PipelineRun implements tenancy.Cluster.
func (o ongoing) PipelineRun(ctx context.Context, namespace, name string) (*pipelinev1.PipelineRun, error) {
	run, err := o.Cluster.PipelineRun(ctx, namespace, name)
	if err != nil {
		return nil, err
	}
	run = run.DeepCopy()
	run.Status.Conditions = nil
	if o.child != "" {
		reference := pipelinev1.ChildStatusReference{Name: o.child}
		reference.Kind = "CustomRun"
		run.Status.ChildReferences = append(run.Status.ChildReferences, reference)
	}
	return run, nil
}

// rights is a cluster in which the controller's right to a Secret, and to a ServiceAccount, counts, as far as the caller may ask about
// that.
type rights struct {
	tenancy.Cluster
	kube kubernetes.Interface
}

// errNotYours is an object that the caller may not read. The controller may all the same.
var errNotYours = errors.New("you may not read it")

// Secret implements tenancy.Cluster.
func (r rights) Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	return asController(ctx, r.kube, "secrets", namespace, name, r.Cluster.Secret)
}

// ServiceAccount implements tenancy.Cluster.
func (r rights) ServiceAccount(ctx context.Context, namespace, name string) (*corev1.ServiceAccount, error) {
	return asController(ctx, r.kube, "serviceaccounts", namespace, name, r.Cluster.ServiceAccount)
}

// asController reads an object that the controller may read.
func asController[T any](ctx context.Context, kube kubernetes.Interface, resource, namespace, name string,
	read func(context.Context, string, string) (T, error)) (T, error) {
	var none T
	if controllerLacks(ctx, kube, authorizationv1.ResourceAttributes{Verb: "get", Resource: resource, Namespace: namespace, Name: name}) {
		return none, apierrs.NewForbidden(corev1.Resource(resource), name, errors.New("the controller has no right to get it"))
	}
	object, err := read(ctx, namespace, name)
	if apierrs.IsForbidden(err) {
		return none, fmt.Errorf("%w: %v", errNotYours, err)
	}
	return object, err
}

// controllerLacks reports whether the controller has no such right. Where the caller may not ask that, nothing is known to be lacking.
func controllerLacks(ctx context.Context, kube kubernetes.Interface, right authorizationv1.ResourceAttributes) bool {
	allowed, err := may(ctx, kube, controllerUser, right)
	return err == nil && !allowed
}

// withheld is the end of a keyless run for which the controller may have no token made; nil if it may, or nobody says.
func withheld(ctx context.Context, kube kubernetes.Interface, account tenancy.Account) *customrun.Failure {
	if !controllerLacks(ctx, kube, authorizationv1.ResourceAttributes{Verb: "create", Resource: "serviceaccounts", Subresource: "token", Namespace: account.Namespace, Name: account.Name}) {
		return nil
	}
	return &customrun.Failure{Reason: v1alpha1.ReasonTokenRefused, Next: keyless.NextTokenRefused,
		Message: fmt.Sprintf("the controller may have no token of ServiceAccount %q in namespace %q made, which Quay would exchange", account.Name, account.Namespace)}
}
