package request

import (
	"context"
	"fmt"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// Place is where the tenant's Secret is for one run.
type Place struct {
	// Namespace has the Secret.
	Namespace string
	// Custody reports whether that is the custody namespace, in which a keyless team has a ServiceAccount in the Secret's place.
	Custody bool
	// Lent reports whether the run pushes with a Secret of its own, in its own namespace.
	Lent bool
}

// Place returns where the tenant's Secret is once rule has decided whose the run is.
func (r Request) Place(c *config.Config, rule tenant.Rule) Place {
	switch {
	case r.Kind == v1alpha1.KindResolveTenant && r.Preflight() == "": // Whoever gets the name mounts it there.
		return Place{Namespace: r.Run.Namespace}
	case r.Copies():
		return Place{Namespace: c.CustodyNamespace, Custody: true}
	case Projects(c, r.Run.Namespace, rule):
		return Lending(c)
	}
	return Place{Namespace: r.Run.Namespace}
}

// Lending is the place of a run that has a Secret of its own.
func Lending(c *config.Config) Place {
	return Place{Namespace: c.CustodyNamespace, Custody: true, Lent: true}
}

// Projects reports whether a push in namespace gets a Secret of its own: where robots are in custody, and the namespace is a tenant's.
// In a shared namespace, where others' runs are, the tenants' Secrets are guarded by name.
func Projects(c *config.Config, namespace string, rule tenant.Rule) bool {
	return c.CustodyNamespace != "" && c.CustodyNamespace != namespace && rule == tenant.RuleNamespace
}

// Holding returns what the tenant pushes to image with, and makes sure that a run of this place can. The error is tenancy.Held's.
func (p Place) Holding(ctx context.Context, cluster tenancy.Cluster, image string, d tenant.Decision) (tenancy.Holding, error) {
	if !p.Custody {
		entry, err := tenancy.Credential(ctx, cluster, p.Namespace, image, d)
		return tenancy.Holding{Match: entry}, err
	}
	held, err := tenancy.Held(ctx, cluster, p.Namespace, image, d)
	if err == nil && held.Account != nil && !p.Lent {
		return tenancy.Holding{}, &tenancy.SecretError{
			Reason:  v1alpha1.ReasonKeylessUnsupported,
			Problem: fmt.Sprintf("team %q is keyless, by ServiceAccount %q in namespace %q, and a push from a registry mounts a Secret there", d.Team, d.Secret, p.Namespace),
			Next:    "push from a workspace, or give the team a Secret there in the ServiceAccount's place, see docs/custody.md",
		}
	}
	return held, err
}
