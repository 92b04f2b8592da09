package cli

import (
	"context"
	"fmt"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
)

// externalSecretPolicy keeps who writes ExternalSecrets to the path of the tenant that they name.
const externalSecretPolicy = "external-secret." + v1alpha1.Group

// lookAtPolicies asks what the controller asks before it believes a label.
func (d *doctor) lookAtPolicies(ctx context.Context) {
	const next = "ko apply -f config/, and label the namespace " + v1alpha1.LabelGuarded + "=true, see docs/install.md"
	view := newLive(d.clients)
	for _, name := range d.config.SharedNamespaces {
		namespace, err := view.Namespace(ctx, name)
		if apierrs.IsNotFound(err) {
			d.addAs(warning, "guards", "take it out of shared-namespaces", "shared namespace %q does not exist", name)
			continue
		} else if err != nil {
			d.cannot("guards", err)
			continue
		}
		guarded, err := tenancy.Guarded(ctx, view, namespace)
		if err != nil {
			d.cannot("guards", err)
			continue
		}
		d.add("guards", guarded, next, "all of %d policies deny in shared namespace %q: %t", len(tenancy.Guards), name, guarded)
	}
	_, err := view.Policy(ctx, externalSecretPolicy)
	if err != nil && !apierrs.IsNotFound(err) {
		d.cannot("external-secret-policy", err)
		return
	}
	d.add("external-secret-policy", err == nil, next, "policy %q is there: %t", externalSecretPolicy, err == nil)
}

// Users that doctor asks about: the controller, and somebody who is known to the cluster and has no right of its own.
var (
	controllerUser = authorizationv1.SubjectAccessReviewSpec{User: "system:serviceaccount:" + systemNamespace + ":controller",
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + systemNamespace, "system:authenticated"}}
	anybody = authorizationv1.SubjectAccessReviewSpec{User: "tkn-quay-doctor:anybody", Groups: []string{"system:authenticated"}}
)

// lookAtRights asks for what must be allowed, and for what must not.
func (d *doctor) lookAtRights(ctx context.Context) {
	review := func(id string, who authorizationv1.SubjectAccessReviewSpec, want bool, next string, what authorizationv1.ResourceAttributes) {
		who.ResourceAttributes = &what
		answer, err := d.clients.Kube.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{Spec: who}, metav1.CreateOptions{})
		if err != nil {
			d.cannot(id, err)
			return
		}
		name := what.Verb + " " + what.Resource + " in every namespace"
		if what.Name != "" {
			name = fmt.Sprintf("%s %s/%s in namespace %q", what.Verb, what.Resource, what.Name, what.Namespace)
		}
		d.add(id, answer.Status.Allowed == want, next, "%s may %s: %t", who.User, name, answer.Status.Allowed)
	}
	review("controller-lists-secrets", controllerUser, false, "take the right away: it reads Secrets by name alone, see config/200-rbac.yaml",
		authorizationv1.ResourceAttributes{Verb: "list", Resource: "secrets"})
	review("controller-creates-taskruns", controllerUser, true, "ko apply -f config/",
		authorizationv1.ResourceAttributes{Verb: "create", Group: "tekton.dev", Resource: "taskruns"})
	if len(d.tenants) == 0 {
		return
	}
	t := d.tenants[0]
	review("controller-reads-secret", controllerUser, true, "render the Role with tkn quay onboard",
		authorizationv1.ResourceAttributes{Verb: "get", Resource: "secrets", Namespace: t.Namespace, Name: t.Secret})
	review("everybody-reads", anybody, false, "take the right away from the group system:authenticated",
		authorizationv1.ResourceAttributes{Verb: "get", Resource: "secrets", Namespace: t.Namespace, Name: t.Secret})
	review("everybody-uses", anybody, false, "take the right away from the group system:authenticated",
		authorizationv1.ResourceAttributes{Verb: "use", Group: v1alpha1.Group, Resource: v1alpha1.TenantsResource, Namespace: t.Namespace, Name: t.Team})
}
