package robot

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// Tenant is everything that names one team's credential.
type Tenant struct {
	Team, Division, App string
	// Names has the team's organization in Quay, the names of its robots, and that of the Secret; the ExternalSecret has the same.
	tenant.Names
	// VaultPath is where the credential is in Vault, without the mount.
	VaultPath string
	// Namespace is where the Secret is in the cluster at hand, Others are where it is in other clusters.
	Namespace string
	Others    []Site
	// Keyless says that the team has a ServiceAccount of that name in the Secret's place, and no stored credential.
	Keyless bool
}

// elementPattern is one element of a Vault path.
var elementPattern = regexp.MustCompile(`^[a-z0-9]+([._-][a-z0-9]+)*$`)

// NewTenant derives the names of a team's credential by the convention c. team may carry the convention's prefix. The error
// says which name cannot be one.
func NewTenant(c tenant.Convention, team, division, app string) (Tenant, error) {
	for key, name := range map[string]string{"division": division, "app": app} {
		if len(name) > 63 || !elementPattern.MatchString(name) {
			return Tenant{}, fmt.Errorf("%s %.80q is not made of lower case letters and digits with single separators", key, name)
		}
	}
	t, err := TenantAt(c, team, "")
	if err != nil {
		return Tenant{}, err
	}
	t.Division, t.App = division, app
	t.VaultPath = strings.NewReplacer("<team>", t.Team, "<division>", division, "<app>", app).Replace(c.VaultPath)
	return t, nil
}

// TenantAt is NewTenant for a team whose path in Vault, without the mount, is known: from its ExternalSecret. Division and
// App stay empty.
func TenantAt(c tenant.Convention, team, path string) (Tenant, error) {
	parsed, err := c.ParseTeam(team)
	if err != nil {
		return Tenant{}, err
	}
	names := c.Names(parsed)
	if strings.Contains(names.Organization, "_") {
		// Quay lists robots with an unescaped LIKE, in which an underscore matches any character.
		return Tenant{}, fmt.Errorf("organization %q has an underscore: Quay would show its administrators the robots of others", names.Organization)
	}
	return Tenant{Team: parsed, Names: names, VaultPath: path, Namespace: c.SecretNamespace}, nil
}
