package cli

import (
	"strings"

	"github.com/comptech-lab/quay-push/pkg/reference"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// ownRepositories are the names of a tenant's repositories without the organization. They may be given with it, and with the
// registry before it, as images are; one that names another team's organization is refused.
func (c *cluster) ownRepositories(t robot.Tenant, given []string) ([]string, error) {
	names := []string{}
	for _, text := range given {
		name := strings.TrimPrefix(strings.TrimPrefix(text, t.Registry+"/"), t.Organization+"/")
		if !reference.IsRepository(name) {
			return nil, usagef("write --repo app, or --repo "+t.Organization+"/app", "--repo %q is not the name of a repository", text)
		}
		first, _, nested := strings.Cut(name, "/")
		if team, ok := matches(c.config.Organization, first); nested && ok {
			if _, err := c.config.ParseTeam(team); err == nil {
				return nil, usagef("name repositories of organization "+t.Organization+" alone", "--repo %q names the organization of another team", text)
			}
		}
		names = append(names, name)
	}
	return names, nil
}

// matches returns what stands for <team> in text, which is of the form of template.
func matches(template, text string) (team string, ok bool) {
	before, after, _ := strings.Cut(template, "<team>")
	if !strings.HasPrefix(text, before) || !strings.HasSuffix(text, after) || len(text) <= len(before)+len(after) {
		return "", false
	}
	return text[len(before) : len(text)-len(after)], true
}
