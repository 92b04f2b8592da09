package request

import (
	"context"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// The Secret is where the robots are, and comes to the run only where the namespace is one tenant's.
func TestPlace(t *testing.T) {
	push := Request{Run: newRun(v1alpha1.KindPushImage), Kind: v1alpha1.KindPushImage}
	copied := push
	copied.Params = map[string]string{v1alpha1.ParamSource: "docker://registry/apps/app"}
	resolve := Request{Run: newRun(v1alpha1.KindResolveTenant), Kind: v1alpha1.KindResolveTenant}
	asking := resolve
	asking.Params = map[string]string{v1alpha1.ParamPreflight: v1alpha1.PreflightTrue}
	for _, test := range []struct {
		request Request
		custody string
		rule    tenant.Rule
		want    Place
	}{
		{push, "", tenant.RuleNamespace, Place{Namespace: "apps"}},
		{push, "", tenant.RuleSharedNamespace, Place{Namespace: "apps"}},
		{push, "custody", tenant.RuleNamespace, Place{Namespace: "custody", Custody: true, Lent: true}},
		{push, "custody", tenant.RuleSharedNamespace, Place{Namespace: "apps"}},
		{push, "apps", tenant.RuleNamespace, Place{Namespace: "apps"}},
		{copied, "custody", tenant.RuleNamespace, Place{Namespace: "custody", Custody: true}},
		{resolve, "", tenant.RuleNamespace, Place{Namespace: "apps"}},
		{resolve, "custody", tenant.RuleNamespace, Place{Namespace: "apps"}},
		{resolve, "custody", tenant.RuleSharedNamespace, Place{Namespace: "apps"}},
		// Where the push will have it.
		{asking, "", tenant.RuleNamespace, Place{Namespace: "apps"}},
		{asking, "custody", tenant.RuleNamespace, Place{Namespace: "custody", Custody: true, Lent: true}},
		{asking, "custody", tenant.RuleSharedNamespace, Place{Namespace: "apps"}},
	} {
		c := config.Default()
		c.CustodyNamespace = test.custody
		if got := test.request.Place(c, test.rule); got != test.want {
			t.Errorf("%s in custody %q by rule %s: %+v, want %+v", test.request.Kind, test.custody, test.rule, got, test.want)
		}
	}
}

// keyless is a cluster in which team payments has a ServiceAccount in custody, and no Secret anywhere.
type keyless struct{ tenancy.Cluster }

func (keyless) ServiceAccount(_ context.Context, namespace, name string) (*corev1.ServiceAccount, error) {
	if namespace != "custody" || name != "quay-robot-team-payments" {
		return nil, apierrs.NewNotFound(corev1.Resource("serviceaccounts"), name)
	}
	return &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{v1alpha1.AnnotationRobot: "team-payments+ci"}}}, nil
}

func (keyless) Secret(_ context.Context, _, name string) (*corev1.Secret, error) {
	return nil, apierrs.NewNotFound(corev1.Resource("secrets"), name)
}

func (keyless) ExternalSecretReady(context.Context, string, string) (string, error) { return "", nil }

// A ServiceAccount is taken where the run gets a Secret of its own, and nowhere else.
func TestHolding(t *testing.T) {
	c := config.Default()
	c.Registry, c.CustodyNamespace = "quay.example.com", "custody"
	d := tenant.Decision{Team: "payments", Names: c.Names("payments")}
	for place, reason := range map[Place]string{
		Lending(c):                            "",
		{Namespace: "custody", Custody: true}: v1alpha1.ReasonKeylessUnsupported,
		{Namespace: "custody"}:                v1alpha1.ReasonSecretMissing,
		{Namespace: "apps"}:                   v1alpha1.ReasonSecretMissing,
	} {
		got, err := place.Holding(t.Context(), keyless{}, image, d)
		var refused *tenancy.SecretError
		switch {
		case reason == "" && (err != nil || got.Account == nil || got.Account.Robot != "team-payments+ci"):
			t.Errorf("%+v: %+v, %v", place, got, err)
		case reason != "" && (!errors.As(err, &refused) || refused.Reason != reason || got.Account != nil):
			t.Errorf("%+v: %+v, %v, want %s", place, got, err, reason)
		}
	}
}
