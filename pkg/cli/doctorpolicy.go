package cli

import (
	"context"
	"fmt"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
)

// externalSecretPolicy keeps who writes ExternalSecrets to the path of the tenant that they name.
const externalSecretPolicy = "external-secret." + v1alpha1.Group

// lookAtPolicies asks what the controller asks before it believes a label.
func (d *doctor) lookAtPolicies(ctx context.Context) {
	const next = "apply config/, or release.yaml, and label the namespace " + v1alpha1.LabelGuarded + "=true, see docs/install.md"
	view := newLive(d.clients)
	if len(d.config.SharedNamespaces) == 0 {
		d.addAs(healthy, "guards", "", "there is no shared namespace to guard")
	}
	for _, name := range d.config.SharedNamespaces {
		namespace, err := view.Namespace(ctx, name)
		guarded := false
		if err == nil {
			guarded, err = tenancy.Guarded(ctx, view, namespace)
		}
		switch {
		case apierrs.IsNotFound(err):
			d.addAs(warning, "guards", "take it out of shared-namespaces", fmt.Sprintf("shared namespace %q does not exist", name))
		case err != nil:
			d.cannot(fmt.Errorf("looking at the policies for namespace %q: %w", name, err), "guards")
		default:
			d.add("guards", guarded, next, fmt.Sprintf("each of the %d policies denies in shared namespace %q", len(tenancy.Guards), name),
				fmt.Sprintf("not each of the %d policies denies in shared namespace %q", len(tenancy.Guards), name))
		}
	}
	_, err := view.Policy(ctx, externalSecretPolicy)
	if err != nil && !apierrs.IsNotFound(err) {
		d.cannot(fmt.Errorf("reading policy %q: %w", externalSecretPolicy, err), "external-secret-policy")
		return
	}
	d.add("external-secret-policy", err == nil, next, fmt.Sprintf("policy %q is there", externalSecretPolicy), fmt.Sprintf("there is no policy %q", externalSecretPolicy))
}

// Users that doctor asks about: the controller, and somebody who is known to the cluster and has no right of its own.
var (
	controllerUser = authorizationv1.SubjectAccessReviewSpec{User: "system:serviceaccount:" + systemNamespace + ":controller",
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + systemNamespace, "system:authenticated"}}
	anybody = authorizationv1.SubjectAccessReviewSpec{User: "tkn-quay-doctor:anybody", Groups: []string{"system:authenticated"}}
)

// may reports whether somebody has a right in the cluster.
func may(ctx context.Context, kube kubernetes.Interface, who authorizationv1.SubjectAccessReviewSpec, right authorizationv1.ResourceAttributes) (bool, error) {
	who.ResourceAttributes = &right
	answer, err := kube.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{Spec: who}, metav1.CreateOptions{})
	return err == nil && answer.Status.Allowed, err
}

// lookAtRights asks for what is to be allowed, and for what is not.
func (d *doctor) lookAtRights(ctx context.Context) {
	review := func(id, whom string, who authorizationv1.SubjectAccessReviewSpec, want bool, next, which string, what authorizationv1.ResourceAttributes) {
		allowed, err := may(ctx, d.clients.Kube, who, what)
		if err != nil {
			d.cannot(fmt.Errorf("asking whether %s can %s %s: %w", whom, what.Verb, which, err), id)
			return
		}
		can := "cannot"
		if allowed {
			can = "can"
		}
		detail := fmt.Sprintf("%s %s %s %s", whom, can, what.Verb, which)
		d.add(id, allowed == want, next, detail, detail)
	}
	const controller, everybody = "the controller", "an account without rights of its own"
	review("controller-lists-secrets", controller, controllerUser, false, "take the right away: it reads Secrets by name alone, see config/200-rbac.yaml",
		"Secrets in every namespace", authorizationv1.ResourceAttributes{Verb: "list", Resource: "secrets"})
	review("controller-creates-taskruns", controller, controllerUser, true, "apply config/, or release.yaml",
		"TaskRuns in every namespace", authorizationv1.ResourceAttributes{Verb: "create", Group: "tekton.dev", Resource: "taskruns"})
	if d.noTenant(tenantLooks...) {
		return
	}
	t := d.tenants[0]
	secret := fmt.Sprintf("Secret %s/%s", t.Namespace, t.Secret)
	review("controller-reads-secret", controller, controllerUser, true, "render the Role with tkn quay onboard",
		secret, authorizationv1.ResourceAttributes{Verb: "get", Resource: "secrets", Namespace: t.Namespace, Name: t.Secret})
	review("everybody-reads", everybody, anybody, false, "take the right away from the group system:authenticated",
		secret, authorizationv1.ResourceAttributes{Verb: "get", Resource: "secrets", Namespace: t.Namespace, Name: t.Secret})
	review("everybody-uses", everybody, anybody, false, "take the right away from the group system:authenticated",
		fmt.Sprintf("tenant %s in namespace %s", t.Team, t.Namespace),
		authorizationv1.ResourceAttributes{Verb: "use", Group: v1alpha1.Group, Resource: v1alpha1.TenantsResource, Namespace: t.Namespace, Name: t.Team})
}
