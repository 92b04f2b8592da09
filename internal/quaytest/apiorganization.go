package quaytest

import (
	"net/http"
	"slices"
	"strings"
)

// organizationRoutes are quay/quay:endpoints/api/organization.py.
var organizationRoutes = []apiRoute{
	route("POST", "organization/", userAdmin, apiCall.postOrganization).takes(
		field{name: "name", kind: "string", required: true}, field{name: "email", kind: "string"}),
	route("GET", "organization/{}", anybody, apiCall.getOrganization),
}

// postOrganization makes the user of the token its owner, with every token of the user.
func (c apiCall) postOrganization() (int, any, *apiError) {
	name, email := c.text("name"), c.text("email")
	switch {
	case c.q.organizations[name] != nil:
		return 0, nil, errRequest("A user or organization with this name already exists")
	case email != "" && !validEmail(email):
		return 0, nil, errRequest("Invalid email address")
	case nameProblem("Namespace", name) != "":
		return 0, nil, errRequest("Invalid namespace " + name + ": " + nameProblem("Namespace", name))
	}
	c.q.organizations[name] = newOrganization(email, c.token.user.name)
	c.record("org_create", map[string]any{"email": c.body["email"], "namespace": name}, name)
	return http.StatusCreated, "Created", nil
}

func validEmail(email string) bool {
	local, domain, _ := strings.Cut(email, "@")
	labels := strings.Split(domain, ".")
	return local != "" && !strings.Contains(domain, "@") && len(labels) >= 2 && !slices.Contains(labels, "")
}

// getOrganization shows teams only to members, and some settings only to administrators.
func (c apiCall) getOrganization() (int, any, *apiError) {
	name := c.args[0]
	o := c.q.organizations[name]
	if o == nil || o.ofUser {
		return 0, nil, errNotFound
	}
	role := c.token.orgRole(c.q, name)
	admin := role == "admin"
	v := map[string]any{"name": name, "email": "", "is_admin": admin, "is_member": role != ""}
	if role != "" {
		v["teams"], v["ordered_teams"] = c.teams(name, o, admin)
	}
	if admin {
		v["email"], v["invoice_email"], v["invoice_email_address"] = o.email, false, nil
		v["tag_expiration_s"], v["is_free_account"] = int(o.removed.Seconds()), true
	}
	return http.StatusOK, v, nil
}

// teams are the teams of an organization with what they have, the oldest first.
func (c apiCall) teams(org string, o *organization, admin bool) (teams map[string]any, ordered []string) {
	teams = map[string]any{}
	for name, t := range o.teams {
		v := t.view(name)
		v["can_view"] = admin || t.members[c.token.user.name]
		v["member_count"], v["repo_count"], v["is_synced"] = len(t.members), 0, false
		for _, r := range c.q.repositories {
			if r.org == org && r.teamRoles[name] != "" {
				v["repo_count"] = v["repo_count"].(int) + 1
			}
		}
		teams[name] = v
		ordered = append(ordered, name)
	}
	slices.SortFunc(ordered, func(a, b string) int { return o.teams[a].serial - o.teams[b].serial })
	return teams, ordered
}
