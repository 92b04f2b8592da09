package quaytest

import (
	"net/http"
	"strings"
)

// permissionRoutes are quay/quay:endpoints/api/permission.py.
var permissionRoutes = []apiRoute{
	route("GET", "repository/{...}/permissions/user/", RepoAdmin, apiCall.listPermissions),
	route("GET", "repository/{...}/permissions/user/{}/transitive", RepoAdmin, apiCall.transitivePermissions),
	route("GET", "repository/{...}/permissions/user/{}", RepoAdmin, apiCall.getPermission),
	route("PUT", "repository/{...}/permissions/user/{}", RepoAdmin, apiCall.putPermission),
	route("DELETE", "repository/{...}/permissions/user/{}", RepoAdmin, apiCall.deletePermission),
	route("PUT", "repository/{...}/permissions/team/{}", RepoAdmin, apiCall.putTeamPermission),
}

// grant is a permission of a user as an answer shows it.
func grant(name string, role Role) map[string]any {
	return map[string]any{"role": role, "name": name, "is_robot": strings.Contains(name, "+"), "is_org_member": true}
}

func (c apiCall) listPermissions() (int, any, *apiError) {
	r := c.q.repositories[c.args[0]]
	if r == nil {
		return 0, nil, errNotFound
	}
	list := map[string]any{}
	for name, role := range r.roles {
		list[name] = grant(name, role)
	}
	return http.StatusOK, map[string]any{"permissions": list}, nil
}

// transitivePermissions counts what comes through teams, and calls it not found if there is nothing.
func (c apiCall) transitivePermissions() (int, any, *apiError) {
	r := c.q.repositories[c.args[0]]
	if r == nil || c.q.robots[c.args[1]] == nil {
		return 0, nil, errNotFound
	}
	list := []any{}
	for _, role := range c.q.organizations[r.org].grants(r, c.args[1]) {
		list = append(list, map[string]any{"role": role})
	}
	if len(list) == 0 {
		return 0, nil, errNotFound
	}
	return http.StatusOK, map[string]any{"permissions": list}, nil
}

func (c apiCall) getPermission() (int, any, *apiError) {
	r := c.q.repositories[c.args[0]]
	if r == nil || r.roles[c.args[1]] == "" {
		return 0, nil, errNoGrant
	}
	return http.StatusOK, grant(c.args[1], r.roles[c.args[1]]), nil
}

// putPermission crashes on a repository that does not exist, as Quay does by
// its source (quay/quay:data/model/permission.py).
func (c apiCall) putPermission() (int, any, *apiError) {
	r, name, role := c.q.repositories[c.args[0]], c.args[1], Role(c.text("role"))
	org, _, _ := strings.Cut(c.args[0], "/")
	switch {
	case !role.valid():
		return 0, nil, errRequest("'" + string(role) + "' is not one of ['read', 'write', 'admin']")
	case r == nil:
		return 0, nil, errCrash
	case c.q.robots[name] == nil:
		return 0, nil, errRequest("Invalid username: " + name)
	case !strings.HasPrefix(name, org+"+"):
		return 0, nil, errRequest("Cannot add robot " + name + " under namespace " + org)
	}
	r.roles[name] = role
	return http.StatusOK, grant(name, role), nil
}

func (c apiCall) deletePermission() (int, any, *apiError) {
	r := c.q.repositories[c.args[0]]
	if r == nil || r.roles[c.args[1]] == "" {
		return 0, nil, errRequest("User does not have permission for repo.")
	}
	delete(r.roles, c.args[1])
	return http.StatusNoContent, nil, nil
}

func (c apiCall) putTeamPermission() (int, any, *apiError) {
	r, name, role := c.q.repositories[c.args[0]], c.args[1], Role(c.text("role"))
	switch {
	case !role.valid():
		return 0, nil, errRequest("'" + string(role) + "' is not one of ['read', 'write', 'admin']")
	case r == nil:
		return 0, nil, errCrash
	case c.q.organizations[r.org].teams[name] == nil:
		return 0, nil, errModel("No team " + name + " in organization " + r.org)
	}
	r.teamRoles[name] = role
	return http.StatusOK, map[string]any{"role": role, "name": name}, nil
}
