package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// everyCluster marks a command that works on a team's credential wherever it is rendered.
const everyCluster = "every-cluster"

// otherCluster is a cluster that may render the same credentials from Vault as the cluster at hand.
type otherCluster struct {
	robot.Cluster
	name string
	view *cluster
	// tenants are the teams that have an ExternalSecret there, once they were listed.
	tenants []robot.Tenant
	listed  bool
	// lost is why it cannot be asked.
	lost error
}

// checkContexts refuses several contexts for a command that looks at one cluster.
func (c *connection) checkContexts(cmd *cobra.Command) error {
	_, c.every = cmd.Annotations[everyCluster]
	if len(c.contexts) > 1 && !c.every {
		return usagef("name one", "--context is given %d times, and %s looks at one cluster", len(c.contexts), cmd.CommandPath())
	}
	for i, name := range c.contexts {
		if slices.Contains(c.contexts[:i], name) {
			return usagef("name each once", "--context %q is given twice", name)
		}
	}
	return nil
}

// context is the context of the cluster at hand; empty: the kubeconfig's current one.
func (c *connection) context() string {
	if len(c.contexts) == 0 {
		return ""
	}
	return c.contexts[0]
}

// others opens the clusters that names and the flags tell of, besides the one at hand, of context own. One that cannot be opened is lost,
// which is for the command to judge.
func (c *connection) others(ctx context.Context, names *config.Config, own string) (map[string]*otherCluster, error) {
	if len(names.Clusters) > 0 && !slices.Contains(names.Clusters, own) {
		return nil, usagef("choose one of them with --context; in a Pod that takes a kubeconfig with these contexts",
			"ConfigMap config-tenancy has the clusters %s, and the context %q is none of them: their credentials would be ended unseen", strings.Join(names.Clusters, ", "), own)
	}
	found := map[string]*otherCluster{}
	for next := slices.Concat(c.contexts, names.Clusters); len(next) > 0; next = next[1:] {
		name := next[0]
		if name == own || found[name] != nil {
			continue
		}
		found[name] = c.openOther(ctx, name)
		if view := found[name].view; view != nil {
			// What one of them names counts for all: the one at hand may not have been told yet.
			next = append(next, view.config.Clusters...)
		}
	}
	return found, nil
}

// leaseCluster is the one of the clusters that has the Leases of teams: the first by name, so that everybody finds it. It is nil where that
// is the one at hand, of context own.
func leaseCluster(others map[string]*otherCluster, own string) *otherCluster {
	if first := slices.Min(append(slices.Collect(maps.Keys(others)), own)); first != own {
		return others[first]
	}
	return nil
}

// openOther opens the cluster of a context, with its own names.
func (c *connection) openOther(ctx context.Context, name string) *otherCluster {
	other := &connection{program: c.program, configFile: c.configFile, kubeconfig: c.kubeconfig, contexts: []string{name}}
	clients, err := other.cluster()
	if err != nil {
		return (&otherCluster{name: name}).lose(err)
	}
	names, err := other.tenancy(ctx)
	if err != nil {
		return (&otherCluster{name: name}).lose(err)
	}
	view := &cluster{clients, names}
	return &otherCluster{Cluster: view, name: name, view: view}
}

// lose notes why the cluster cannot be asked, and has everything that is asked of it fail with that.
func (o *otherCluster) lose(err error) *otherCluster {
	o.lost, o.Cluster = err, lostCluster{err}
	return o
}

// located returns the team's tenants there.
func (o *otherCluster) located(ctx context.Context, team string) []robot.Tenant {
	if !o.listed && o.lost == nil {
		var err error
		if o.tenants, err = o.view.tenants(ctx); err != nil {
			o.lose(err)
		}
		o.listed = true
	}
	return slices.DeleteFunc(slices.Clone(o.tenants), func(t robot.Tenant) bool { return t.Team != team })
}

// everywhere returns t with the other clusters in which its credential is rendered. One that cannot be asked counts as such, since nobody
// knows.
func (s services) everywhere(ctx context.Context, t robot.Tenant) (robot.Tenant, error) {
	for _, name := range slices.Sorted(maps.Keys(s.others)) {
		o := s.others[name]
		found := o.located(ctx, t.Team)
		if s.Clusters[name] = o.Cluster; o.lost != nil {
			t.Others = append(t.Others, robot.Site{Cluster: name, Namespace: t.Namespace})
			continue
		}
		if len(found) > 1 {
			return t, &robot.Error{Reason: robot.ReasonRefused,
				Problem: fmt.Sprintf("team %q has ExternalSecrets in the namespaces %q and %q of cluster %q", t.Team, found[0].Namespace, found[1].Namespace, name),
				Next:    "a team has one Secret: delete one of them"}
		}
		for _, there := range found {
			t.Others = append(t.Others, robot.Site{Cluster: name, Namespace: there.Namespace})
		}
	}
	return t, nil
}

// tenants lists the teams of the cluster at hand, each with every cluster in which its credential is rendered.
func (s services) tenants(ctx context.Context) ([]robot.Tenant, error) {
	all, err := s.cluster.tenants(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i], err = s.everywhere(ctx, all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// lostCluster is a cluster that cannot be asked.
type lostCluster struct{ error }

func (c lostCluster) Secret(context.Context, string, string) (robot.Secret, error) {
	return robot.Secret{}, c.error
}

func (c lostCluster) ExternalSecret(context.Context, string, string) (robot.ExternalSecret, error) {
	return robot.ExternalSecret{}, c.error
}

func (c lostCluster) ServiceAccount(context.Context, string, string) (robot.ServiceAccount, error) {
	return robot.ServiceAccount{}, c.error
}

func (c lostCluster) ServiceAccountToken(context.Context, string, string) (secret.Value, error) {
	return secret.Value{}, c.error
}

func (c lostCluster) NameRobot(context.Context, string, string, string, string, bool) error {
	return c.error
}

func (c lostCluster) Refresh(context.Context, string, string) error { return c.error }

func (c lostCluster) Runs(context.Context, string) ([]string, error) { return nil, c.error }
