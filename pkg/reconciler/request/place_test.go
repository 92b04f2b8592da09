package request

import (
	"testing"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// The Secret is where the robots are, and comes to the run only where the namespace is one tenant's.
func TestPlace(t *testing.T) {
	push := Request{Run: newRun(v1alpha1.KindPushImage), Kind: v1alpha1.KindPushImage}
	copied := push
	copied.Params = map[string]string{v1alpha1.ParamSource: "docker://registry/apps/app"}
	resolve := Request{Run: newRun(v1alpha1.KindResolveTenant), Kind: v1alpha1.KindResolveTenant}
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
	} {
		c := config.Default()
		c.CustodyNamespace = test.custody
		if got := test.request.Place(c, test.rule); got != test.want {
			t.Errorf("%s in custody %q by rule %s: %+v, want %+v", test.request.Kind, test.custody, test.rule, got, test.want)
		}
	}
}
