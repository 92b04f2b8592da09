package quaytest

import (
	"net/http"
	"slices"
	"strings"
)

// teamRoutes are quay/quay:endpoints/api/team.py.
var teamRoutes = []apiRoute{
	route("PUT", "organization/{}/team/{}", orgAdmin, apiCall.putTeam).takes(
		field{name: "role", kind: "string", required: true, enum: teamRoles[1:]}, field{name: "description", kind: "string"}),
	route("DELETE", "organization/{}/team/{}", orgAdmin, apiCall.deleteTeam),
	route("GET", "organization/{}/team/{}/members", teamMember, apiCall.listMembers),
	route("PUT", "organization/{}/team/{}/members/{}", orgAdmin, apiCall.putMember),
	route("DELETE", "organization/{}/team/{}/members/{}", orgAdmin, apiCall.deleteMember),
}

// teamMember is the right to see who else is in the team that the path names.
var teamMember = need{late: true, has: func(c apiCall) bool {
	if c.token.administers(c.q, c.args[0]) {
		return true
	}
	o := c.q.organizations[c.args[0]]
	return o != nil && c.token.orgRole(c.q, c.args[0]) != "" && o.teams[c.args[1]] != nil && o.teams[c.args[1]].members[c.token.user.name]
}}

func (t *team) view(name string) map[string]any {
	return map[string]any{"name": name, "description": t.description, "role": t.role, "can_view": true}
}

func (c apiCall) putTeam() (int, any, *apiError) {
	o, name, role := c.q.organizations[c.args[0]], c.args[1], c.text("role")
	old := o.teams[name]
	if problem := nameProblem("Team", name); old == nil && problem != "" {
		return 0, nil, errModel("Invalid team name " + name + ": " + problem)
	}
	t := o.team(name, role)
	description, described := c.body["description"].(string)
	switch {
	case old == nil:
		t.description = description
		c.record("org_create_team", map[string]any{"team": name})
	case described && description != t.description:
		t.description = description
		c.record("org_set_team_description", map[string]any{"team": name, "description": description})
	}
	if t.role != role {
		t.role = role
		c.record("org_set_team_role", map[string]any{"team": name, "role": role})
	}
	v := t.view(name)
	v["new_team"] = old == nil
	return http.StatusOK, v, nil
}

func (c apiCall) deleteTeam() (int, any, *apiError) {
	o, name := c.q.organizations[c.args[0]], c.args[1]
	if o.teams[name] == nil {
		return 0, nil, errModel("Team '" + name + "' is not a team in org '" + c.args[0] + "'")
	}
	delete(o.teams, name)
	for _, r := range c.q.repositories {
		if r.org == c.args[0] {
			delete(r.teamRoles, name)
		}
	}
	o.prototypes = slices.DeleteFunc(o.prototypes, func(p *prototype) bool { return p.kind == "team" && p.delegate == name })
	c.record("org_delete_team", map[string]any{"team": name})
	return http.StatusNoContent, nil, nil
}

func memberView(name string) map[string]any {
	return map[string]any{"name": name, "kind": "user", "is_robot": strings.Contains(name, "+"), "invited": false}
}

func (c apiCall) listMembers() (int, any, *apiError) {
	t := c.q.organizations[c.args[0]].teams[c.args[1]]
	if t == nil {
		return 0, nil, errNotFound
	}
	list := []any{}
	for name := range t.members {
		list = append(list, memberView(name))
	}
	return http.StatusOK, map[string]any{"name": c.args[1], "members": list, "can_edit": c.token.administers(c.q, c.args[0])}, nil
}

// putMember refuses a member a second time, and takes a robot of another organization.
func (c apiCall) putMember() (int, any, *apiError) {
	t, name := c.q.organizations[c.args[0]].teams[c.args[1]], c.args[2]
	switch {
	case t == nil:
		return 0, nil, errNotFound
	case !c.q.exists(name):
		return 0, nil, errRequest("Unknown user")
	case t.members[name]:
		return 0, nil, errModel("User " + name + " is already a member of team " + c.args[1])
	}
	t.members[name] = true
	c.record("org_add_team_member", map[string]any{"member": name, "team": c.args[1]})
	return http.StatusOK, memberView(name), nil
}

func (c apiCall) deleteMember() (int, any, *apiError) {
	t, name := c.q.organizations[c.args[0]].teams[c.args[1]], c.args[2]
	switch {
	case t == nil || !c.q.exists(name):
		return 0, nil, errNotFound
	case !t.members[name]:
		return 0, nil, errModel("User " + name + " does not belong to team " + c.args[1])
	}
	delete(t.members, name)
	c.record("org_remove_team_member", map[string]any{"member": name, "team": c.args[1]})
	return http.StatusNoContent, nil, nil
}
