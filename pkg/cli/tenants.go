package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/comptech-lab/quay-push/pkg/externalsecret"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// place says where a team's credential is, for a team without an ExternalSecret.
type place struct {
	division, app, namespace string
	// orElse is the next step, besides giving division and app, for a team without an ExternalSecret.
	orElse string
}

// addPlaceFlags defines the flags of a command on one team.
func (c *connection) addPlaceFlags(cmd *cobra.Command, p *place) {
	cmd.Flags().StringVar(&p.division, "division", "", "`division` in the path in Vault, for a team without an ExternalSecret")
	cmd.Flags().StringVar(&p.app, "app", "", "`app` in the path in Vault; goes with --division")
	cmd.Flags().StringVarP(&p.namespace, "namespace", "n", "", "`namespace` with the team's ExternalSecret (default every one in which a team may have it)")
	complete(cmd, "namespace", c.completeNamespace)
}

// given reports whether the place is told; half of it is an error.
func (p *place) given() (bool, error) {
	if (p.division == "") != (p.app == "") {
		return false, usagef("give both, or none for a team that has an ExternalSecret", "--division and --app go together")
	}
	return p.division != "", nil
}

// home is where the Secret of a team goes: in custody if there is one, else where its runs are.
func (c *cluster) home(namespace string) string {
	switch {
	case c.config.CustodyNamespace != "":
		return c.config.CustodyNamespace
	case namespace != "":
		return namespace
	}
	return c.config.SecretNamespace
}

// newTenant returns a tenant by its names; its path in Vault is that of its ExternalSecret if it has one already, and so is its
// namespace, unless another is asked for, which is refused.
func (c *connection) newTenant(ctx context.Context, s services, team string, p place) (robot.Tenant, bool, error) {
	view := s.cluster
	t, err := robot.NewTenant(view.config.Convention, team, p.division, p.app)
	if err != nil {
		return robot.Tenant{}, false, usagef("correct the name", "%v", err)
	}
	t.Namespace = view.home(p.namespace)
	others, err := view.located(ctx, t.Team)
	if err != nil {
		return robot.Tenant{}, false, err
	}
	if len(others) == 1 && p.namespace == "" {
		t.Namespace = others[0].Namespace
	}
	if err := checkOneKind(others); err != nil {
		return robot.Tenant{}, false, err
	}
	t.Keyless = len(others) == 1 && others[0].Keyless
	for _, other := range others {
		if other.Namespace != t.Namespace {
			return robot.Tenant{}, false, view.elsewhere(t.Team, other.Namespace, t.Namespace)
		}
	}
	return robot.AdoptPath(ctx, s.Services, t)
}

// checkOneKind fails for a team that has an ExternalSecret and is keyless in the same namespace: nobody could say with what it pushes.
func checkOneKind(found []robot.Tenant) error {
	if len(found) != 2 || found[0].Namespace != found[1].Namespace {
		return nil
	}
	return &robot.Error{Reason: robot.ReasonRefused,
		Problem: fmt.Sprintf("team %q has both an ExternalSecret and a ServiceAccount %q in namespace %q", found[0].Team, found[0].Secret, found[0].Namespace),
		Next:    "delete the ExternalSecret if the team is keyless, else the ServiceAccount, from Git first"}
}

// elsewhere is the error for a team that has its ExternalSecret in another namespace than it would get one in.
func (c *cluster) elsewhere(team, has, wants string) error {
	use := "use --namespace " + has
	if c.usedBy(has) != "" {
		use = "leave --namespace out"
	}
	return &robot.Error{Reason: robot.ReasonRefused, Problem: fmt.Sprintf("team %q has its ExternalSecret in namespace %q already, not in %q", team, has, wants),
		Next: "a team has one Secret: " + use + ", or have custody for several namespaces (docs/custody.md)"}
}

// serve connects to what holds the credential of one team, and returns the team's tenant, see tenant.
func (c *connection) serve(ctx context.Context, team string, p place) (s services, t robot.Tenant, err error) {
	if s, err = c.services(ctx, false); err == nil {
		t, err = c.tenant(ctx, s, team, p)
	}
	return s, t, err
}

// tenant returns the tenant of a team, with every cluster that the command works on: by its place if that is given, else by its
// ExternalSecret.
func (c *connection) tenant(ctx context.Context, s services, team string, p place) (robot.Tenant, error) {
	t, err := c.tenantAtHand(ctx, s, team, p)
	if err != nil {
		return t, err
	}
	return s.everywhere(ctx, t)
}

// tenantAtHand returns the tenant of a team by the cluster at hand.
func (c *connection) tenantAtHand(ctx context.Context, s services, team string, p place) (robot.Tenant, error) {
	if given, err := p.given(); given || err != nil {
		if err != nil {
			return robot.Tenant{}, err
		}
		t, _, err := c.newTenant(ctx, s, team, p)
		return t, err
	}
	view := s.cluster
	parsed, err := view.config.ParseTeam(team)
	if err != nil {
		return robot.Tenant{}, usagef("correct the name", "%v", err)
	}
	found, err := view.located(ctx, parsed)
	if err != nil {
		return robot.Tenant{}, err
	}
	found = slices.DeleteFunc(found, func(t robot.Tenant) bool { return p.namespace != "" && t.Namespace != view.home(p.namespace) })
	switch len(found) {
	case 0:
		if p.namespace != "" {
			return robot.Tenant{}, &robot.Error{Reason: robot.ReasonMissing, Problem: fmt.Sprintf("team %q has no ExternalSecret in namespace %q", parsed, view.home(p.namespace)),
				Next: "leave -n out to look in every namespace in which it may have one"}
		}
		return robot.Tenant{}, &robot.Error{Reason: robot.ReasonMissing, Problem: fmt.Sprintf("team %q has no ExternalSecret %q", parsed, view.config.Names(parsed).Secret),
			Next: "give --division and --app, " + cmp.Or(p.orElse, "or make it with onboard")}
	case 1:
		return found[0], nil
	}
	if err := checkOneKind(found); err != nil {
		return robot.Tenant{}, err
	}
	return robot.Tenant{}, &robot.Error{Reason: robot.ReasonRefused,
		Problem: fmt.Sprintf("team %q has ExternalSecrets in the namespaces %q and %q", parsed, found[0].Namespace, found[1].Namespace),
		Next:    "a team has one Secret: delete one of them"}
}

// located returns the tenants of one team.
func (c *cluster) located(ctx context.Context, team string) ([]robot.Tenant, error) {
	all, err := c.tenants(ctx)
	return slices.DeleteFunc(all, func(t robot.Tenant) bool { return t.Team != team }), err
}

// tenants lists the teams that have an ExternalSecret, or are keyless, by team. An ExternalSecret counts where only the platform, or the team
// itself, can have made it: in the namespaces of the convention, and in the team's own.
func (c *cluster) tenants(ctx context.Context) ([]robot.Tenant, error) {
	namespaces, err := c.namespaces(ctx)
	if err != nil {
		return nil, err
	}
	owners := map[string]string{}
	for _, n := range namespaces {
		owners[n.Name] = c.owner(n)
	}
	common := append([]string{c.config.SecretNamespace, c.config.CustodyNamespace}, c.config.SharedNamespaces...)
	found := []robot.Tenant{}
	var odd error
	err = eachPage(ctx, func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) {
		return c.Dynamic.Resource(externalsecret.Resource).List(ctx, opts)
	}, func(o runtime.Object) {
		object := o.(*unstructured.Unstructured)
		team, ok := c.teamOf(object.GetName())
		if !ok || !slices.Contains(common, object.GetNamespace()) && owners[object.GetNamespace()] != team {
			return
		}
		e := readExternalSecret(object, c.config.VaultMount)
		if e.Odd != "" {
			// There is no path that could be asked for: what is wrong is for verify to say.
			e.Path = ""
		}
		t, err := robot.TenantAt(c.config.Convention, team, e.Path)
		t.Namespace = object.GetNamespace()
		t.Division, t.App = object.GetLabels()[c.config.DivisionLabel], object.GetLabels()[c.config.AppLabel]
		found, odd = append(found, t), errors.Join(odd, err)
	})
	if apierrs.IsNotFound(err) {
		return nil, &failure{ExitMissing, "the cluster has no ExternalSecrets of " + externalsecret.Resource.GroupVersion().String(), "install External Secrets v0.17 or newer"}
	}
	if err = errors.Join(err, odd); err != nil {
		return nil, fmt.Errorf("listing ExternalSecrets: %w", err)
	}
	keyless, err := c.keyless(ctx)
	if err != nil {
		return nil, err
	}
	found = append(found, keyless...)
	slices.SortFunc(found, func(a, b robot.Tenant) int {
		return strings.Compare(a.Team+" "+a.Namespace, b.Team+" "+b.Namespace)
	})
	return found, nil
}

// teamOf returns the team whose Secret has the name.
func (c *cluster) teamOf(secret string) (string, bool) {
	name, ok := matches(c.config.Secret, secret)
	if !ok {
		return "", false
	}
	team, err := c.config.ParseTeam(name)
	return team, err == nil && team == name
}

// foreign returns one repository each of a few other teams, to prove that a robot may not push there.
func (c *cluster) foreign(ctx context.Context, q robot.Quay, team string) ([]string, error) {
	const most = 10
	all, err := c.tenants(ctx)
	if err != nil {
		return nil, err
	}
	found, seen := []string{}, map[string]bool{team: true}
	for _, t := range all {
		if seen[t.Team] || len(found) == most {
			continue
		}
		seen[t.Team] = true
		repositories, err := q.Repositories(ctx, t.Organization)
		if err != nil {
			return nil, err
		}
		if len(repositories) > 0 {
			found = append(found, repositories[0].Path())
		}
	}
	return found, nil
}
