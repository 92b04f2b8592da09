package robot

import (
	"context"
	"errors"
	"fmt"

	"github.com/comptech-lab/quay-push/pkg/shown"
)

// Site is where a cluster has a team's ExternalSecret and Secret.
type Site struct {
	// Cluster is its name in Services.Clusters, Namespace is the namespace there.
	Cluster, Namespace string
}

// site is a Site that can be asked.
type site struct {
	Cluster
	// cluster is the cluster's name; empty where there is one alone.
	cluster           string
	namespace, secret string
}

// sites are where the credential of t is rendered from Vault: in the cluster at hand, and in the others.
func (s Services) sites(t Tenant) []site {
	sites := []site{{s.Cluster, s.Name, t.Namespace, t.Secret}}
	for _, other := range t.Others {
		sites = append(sites, site{s.Clusters[other.Cluster], other.Cluster, other.Namespace, t.Secret})
	}
	return sites
}

// String names the object there, as both ExternalSecret and Secret are called.
func (x site) String() string {
	name := fmt.Sprintf("%q", x.namespace+"/"+x.secret)
	if x.cluster != "" {
		name += fmt.Sprintf(" of cluster %q", x.cluster)
	}
	return name
}

// named adds to err which cluster it is of.
func (x site) named(err error) error {
	if err == nil || x.cluster == "" {
		return err
	}
	return fmt.Errorf("cluster %q: %w", x.cluster, err)
}

func (x site) readSecret(ctx context.Context) (Secret, error) {
	found, err := x.Secret(ctx, x.namespace, x.secret)
	return found, x.named(err)
}

func (x site) readExternalSecret(ctx context.Context) (ExternalSecret, error) {
	found, err := x.ExternalSecret(ctx, x.namespace, x.secret)
	return found, x.named(err)
}

// checkRefresh fails if the Secret never takes over what is written to Vault.
func (x site) checkRefresh(ctx context.Context, t Tenant) error {
	e, err := x.readExternalSecret(ctx)
	switch {
	case errors.Is(err, ErrNotFound):
		return &Error{Reason: ReasonMissing, Problem: fmt.Sprintf("there is no ExternalSecret %s, which would take over a new token", x), Next: "make it with onboard"}
	case err != nil:
		return err
	case x.cluster != "" && e.Path != t.VaultPath:
		return &Error{Reason: ReasonRefused, Problem: fmt.Sprintf("ExternalSecret %s reads %q and not %q, and a team has one credential", x, e.Path, t.VaultPath),
			Next: "render it again with onboard, by the same --division and --app as in the other cluster"}
	case e.Frozen != "":
		return &Error{Reason: ReasonRefused, Problem: fmt.Sprintf("ExternalSecret %s never takes over a new token: %s", x, e.Frozen), Next: nextOfFrozen(e.Frozen)}
	}
	secret, err := x.readSecret(ctx)
	if err == nil && secret.Immutable {
		return &Error{Reason: ReasonRefused, Problem: fmt.Sprintf("Secret %s is immutable, and never takes over a new token", x), Next: nextImmutable}
	} else if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// has looks whether the Secret carries c, a credential of t, and says what it has instead.
func (x site) has(ctx context.Context, t Tenant, c credential) (bool, string, error) {
	secret, err := x.readSecret(ctx)
	if errors.Is(err, ErrNotFound) {
		return false, fmt.Sprintf("there is no Secret %s", x), nil
	} else if err != nil {
		return false, "", err
	}
	found, err := t.carried(secret)
	switch {
	case err != nil:
		return false, fmt.Sprintf("Secret %s cannot be used: %v", x, err), nil
	case c.same(found):
		return true, fmt.Sprintf("Secret %s has the token of %q", x, c.username), nil
	case found.Username != c.username:
		return false, fmt.Sprintf("Secret %s has %s, Vault has %q", x, shown.User(found.Username), c.username), nil
	}
	return false, fmt.Sprintf("Secret %s has an older token of %q", x, c.username), nil
}
