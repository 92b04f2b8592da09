package quaytest

import (
	"net/http"
	"slices"
)

// organizationRoutes are quay/quay:endpoints/api/organization.py.
var organizationRoutes = []apiRoute{
	route("POST", "organization/", UserAdmin, apiCall.postOrganization),
	route("GET", "organization/{}", "", apiCall.getOrganization),
}

func (c apiCall) postOrganization() (int, any, *apiError) {
	name := c.text("name")
	switch {
	case len(name) < 2 || len(name) > 255 || !namePattern.MatchString(name):
		return 0, nil, errRequest("Invalid organization name: " + name)
	case c.q.organizations[name] != nil:
		return 0, nil, errRequest("A user or organization with this name already exists")
	}
	c.q.organizations[name] = &organization{email: c.text("email"), teams: map[string]*team{}}
	c.q.organizations[name].team("owners", "admin")
	if len(c.token.organizations) > 0 {
		c.token.organizations = append(c.token.organizations, name)
	}
	return http.StatusCreated, "Created", nil
}

// getOrganization shows teams only to members.
func (c apiCall) getOrganization() (int, any, *apiError) {
	o := c.q.organizations[c.args[0]]
	if o == nil {
		return 0, nil, errNotFound
	}
	admin := c.token.administers(c.q, c.args[0])
	v := map[string]any{"name": c.args[0], "email": "", "is_admin": admin, "is_member": admin}
	if admin {
		teams, ordered := map[string]any{}, []string{}
		for name, t := range o.teams {
			teams[name] = t.view(name)
			ordered = append(ordered, name)
		}
		slices.Sort(ordered)
		v["email"], v["teams"], v["ordered_teams"] = o.email, teams, ordered
	}
	return http.StatusOK, v, nil
}
