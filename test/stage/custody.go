package stage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
)

// Custody is the namespace of the robots in custody mode, docs/custody.md.
const Custody = "quay-push-custody"

const (
	custodyRole = "quay-push-custody-copy"
	// settles is how long the controller and the API server may take to know of the mode.
	settles = time.Minute
)

// TakeIntoCustody switches custody mode on, and moves the tenants' Secrets to the locked namespace. It returns when the controller
// looks for them there. Release undoes it, also what was done before an error.
func (s *Stage) TakeIntoCustody(ctx context.Context, tenants ...Tenant) error {
	if err := s.kubectl(ctx, nil, "apply", "--filename=config/custody/"); err != nil {
		return err
	}
	if err := s.setCustody(ctx, Custody); err != nil {
		return err
	}
	if err := s.guardsAccounts(ctx); err != nil {
		return err
	}
	for _, t := range tenants {
		if err := s.Kube.CoreV1().Secrets(t.Namespace).Delete(ctx, t.Secret, metav1.DeleteOptions{}); err != nil {
			return err
		}
	}
	if err := s.missesSecret(ctx, tenants[0]); err != nil {
		return err
	}
	for _, t := range tenants {
		locked := Tenant{Namespace: Custody}
		if err := s.PutSecret(ctx, locked, t.Secret, corev1.SecretTypeDockerConfigJson, s.Quay.Dockerconfig(t.Team)); err != nil {
			return err
		}
	}
	return nil
}

// Release makes the tenants' Secrets and the controller's settings what they were.
func (s *Stage) Release(ctx context.Context, tenants ...Tenant) error {
	errs := []error{s.setCustody(ctx, "")}
	for _, t := range tenants {
		errs = append(errs, s.PutSecret(ctx, t, t.Secret, corev1.SecretTypeDockerConfigJson, s.Quay.Dockerconfig(t.Team)))
		err := s.Kube.RbacV1().RoleBindings(t.Namespace).Delete(ctx, custodyRole, metav1.DeleteOptions{})
		if !apierrs.IsNotFound(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, s.kubectl(ctx, nil, "delete", "--ignore-not-found", "--filename=config/custody/"))...)
}

// BindCustody gives the controller its right to make copies in the tenant's namespace, and waits until it has it.
func (s *Stage) BindCustody(ctx context.Context, t Tenant) error {
	if _, err := s.Kube.RbacV1().RoleBindings(t.Namespace).Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: custodyRole},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: custodyRole},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Name: "controller", Namespace: "quay-push"}},
	}, metav1.CreateOptions{}); err != nil {
		return err
	}
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User:               "system:serviceaccount:quay-push:controller",
		ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: t.Namespace, Verb: "create", Resource: "secrets"}}}
	return wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, settles, true, func(ctx context.Context) (bool, error) {
		got, err := s.Kube.AuthorizationV1().SubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		return err == nil && got.Status.Allowed, err
	})
}

func (s *Stage) setCustody(ctx context.Context, namespace string) error {
	return s.kubectl(ctx, nil, "patch", "configmap", "config-tenancy", "--namespace=quay-push", fmt.Sprintf(`--patch={"data":{"custody-namespace":%q}}`, namespace))
}

// guardsAccounts waits until the policy of accounts in custody, which was made a moment ago, is enforced: a loaded API server takes seconds
// to know of it, and who attacks meanwhile is let through.
func (s *Stage) guardsAccounts(ctx context.Context) error {
	stranger := NewKeyless(Payments)
	stranger.Name, stranger.Annotations[v1alpha1.AnnotationRobot] = "quay-robot-team-nobody", "another+ci"
	return wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, settles, true, func(ctx context.Context) (bool, error) {
		_, err := s.Kube.CoreV1().ServiceAccounts(Custody).Create(ctx, stranger, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err == nil {
			return false, nil
		} else if apierrs.IsInvalid(err) && strings.Contains(err.Error(), "custody-account.quay.comptech-lab.com") {
			return true, nil
		}
		return false, err
	})
}

// missesSecret waits until the controller misses the tenant's Secret in custody.
func (s *Stage) missesSecret(ctx context.Context, t Tenant) error {
	return wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, settles, true, func(ctx context.Context) (bool, error) {
		run, err := s.Run(ctx, NewPush(t, t.Repository))
		if err != nil {
			return false, err
		}
		custom, err := s.CustomRunOf(ctx, run)
		if err != nil {
			return false, err
		}
		outcome := Outcome(custom.Status.Conditions)
		return outcome.Reason == v1alpha1.ReasonSecretMissing && strings.Contains(outcome.Message, Custody), nil
	})
}
