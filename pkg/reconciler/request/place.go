package request

import (
	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// Place is where the tenant's Secret is for one run.
type Place struct {
	// Namespace has the Secret.
	Namespace string
	// Lent reports whether the run pushes with a copy of it, in its own namespace.
	Lent bool
}

// Place returns where the tenant's Secret is once rule has decided whose the run is.
func (r Request) Place(c *config.Config, rule tenant.Rule) Place {
	switch {
	case r.Kind == v1alpha1.KindResolveTenant: // Whoever gets the name mounts it there.
		return Place{Namespace: r.Run.Namespace}
	case r.Copies():
		return Place{Namespace: c.CustodyNamespace}
	case Projects(c, r.Run.Namespace, rule):
		return Place{Namespace: c.CustodyNamespace, Lent: true}
	}
	return Place{Namespace: r.Run.Namespace}
}

// Projects reports whether a push in namespace gets a Secret of its own: where robots are in custody, and the namespace is a tenant's.
// In a shared namespace, where others' runs are, the tenants' Secrets are guarded by name.
func Projects(c *config.Config, namespace string, rule tenant.Rule) bool {
	return c.CustodyNamespace != "" && c.CustodyNamespace != namespace && rule == tenant.RuleNamespace
}
