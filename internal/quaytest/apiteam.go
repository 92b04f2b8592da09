package quaytest

import (
	"net/http"
	"slices"
	"strings"
)

// teamRoutes are quay/quay:endpoints/api/team.py.
var teamRoutes = []apiRoute{
	route("PUT", "organization/{}/team/{}", OrgAdmin, apiCall.putTeam),
	route("DELETE", "organization/{}/team/{}", OrgAdmin, apiCall.deleteTeam),
	route("GET", "organization/{}/team/{}/members", OrgAdmin, apiCall.listMembers),
	route("PUT", "organization/{}/team/{}/members/{}", OrgAdmin, apiCall.putMember),
	route("DELETE", "organization/{}/team/{}/members/{}", OrgAdmin, apiCall.deleteMember),
}

func (t *team) view(name string) map[string]any {
	return map[string]any{"name": name, "description": t.description, "role": t.role, "can_view": true}
}

func (c apiCall) putTeam() (int, any, *apiError) {
	o, name, role := c.q.organizations[c.args[0]], c.args[1], c.text("role")
	if !slices.Contains([]string{"member", "creator", "admin"}, role) {
		return 0, nil, errRequest("'" + role + "' is not one of ['member', 'creator', 'admin']")
	}
	isNew := o.teams[name] == nil
	t := o.team(name, role)
	t.role = role
	if description, ok := c.body["description"].(string); ok {
		t.description = description
	}
	v := t.view(name)
	v["new_team"] = isNew
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
	return http.StatusNoContent, nil, nil
}

func member(name string) map[string]any {
	return map[string]any{"name": name, "kind": "user", "is_robot": strings.Contains(name, "+"), "invited": false}
}

func (c apiCall) listMembers() (int, any, *apiError) {
	t := c.q.organizations[c.args[0]].teams[c.args[1]]
	if t == nil {
		return 0, nil, errNotFound
	}
	list := []any{}
	for name := range t.members {
		list = append(list, member(name))
	}
	return http.StatusOK, map[string]any{"name": c.args[1], "members": list, "can_edit": true}, nil
}

// putMember refuses a member a second time, and takes a robot of another organization.
func (c apiCall) putMember() (int, any, *apiError) {
	t, name := c.q.organizations[c.args[0]].teams[c.args[1]], c.args[2]
	switch {
	case t == nil:
		return 0, nil, errNotFound
	case c.q.robots[name] == nil:
		return 0, nil, errRequest("Unknown user")
	case t.members[name]:
		return 0, nil, errModel("User '" + name + "' is already a member of team '" + c.args[1] + "'")
	}
	t.members[name] = true
	return http.StatusOK, member(name), nil
}

func (c apiCall) deleteMember() (int, any, *apiError) {
	t, name := c.q.organizations[c.args[0]].teams[c.args[1]], c.args[2]
	switch {
	case t == nil || c.q.robots[name] == nil:
		return 0, nil, errNotFound
	case !t.members[name]:
		return 0, nil, errModel("User " + name + " does not belong to team " + c.args[1])
	}
	delete(t.members, name)
	return http.StatusNoContent, nil, nil
}
