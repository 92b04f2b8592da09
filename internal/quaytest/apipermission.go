package quaytest

import (
	"net/http"
	"strings"
)

// permissionRoutes are quay/quay:endpoints/api/permission.py.
var permissionRoutes = []apiRoute{
	route("GET", "repository/{...}/permissions/user/", repoAdmin, apiCall.listPermissions),
	route("GET", "repository/{...}/permissions/user/{}/transitive", repoAdmin, apiCall.transitivePermissions),
	route("GET", "repository/{...}/permissions/user/{}", repoAdmin, apiCall.getPermission),
	route("PUT", "repository/{...}/permissions/user/{}", repoAdmin, apiCall.putPermission).takes(roleField),
	route("DELETE", "repository/{...}/permissions/user/{}", repoAdmin, apiCall.deletePermission),
	route("PUT", "repository/{...}/permissions/team/{}", repoAdmin, apiCall.putTeamPermission).takes(roleField),
}

// isRobot reports whether the name is that of a robot.
func isRobot(name string) bool { return strings.Contains(name, "+") }

// grant is a permission of a robot or a user on r as an answer shows it.
func (c apiCall) grant(r *repository, name string) map[string]any {
	return map[string]any{"role": r.roles[name], "name": name, "is_robot": isRobot(name), "is_org_member": c.q.isMember(r.org, name)}
}

// recordPermission logs a change of a permission.
func (c apiCall) recordPermission(kind string, metadata map[string]any) {
	org, repo, _ := strings.Cut(c.args[0], "/")
	metadata["repo"] = repo
	c.record(kind, metadata, org)
}

// listPermissions of a repository that does not exist are none.
func (c apiCall) listPermissions() (int, any, *apiError) {
	list := map[string]any{}
	if r := c.q.repositories[c.args[0]]; r != nil {
		for name := range r.roles {
			list[name] = c.grant(r, name)
		}
	}
	return http.StatusOK, map[string]any{"permissions": list}, nil
}

// transitivePermissions counts what comes through teams, and calls it not found if there is nothing.
func (c apiCall) transitivePermissions() (int, any, *apiError) {
	r := c.q.repositories[c.args[0]]
	if r == nil {
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
	return http.StatusOK, c.grant(r, c.args[1]), nil
}

// putPermission crashes on a repository that does not exist (quay/quay:data/model/permission.py).
func (c apiCall) putPermission() (int, any, *apiError) {
	r, name, role := c.q.repositories[c.args[0]], c.args[1], Role(c.text("role"))
	org, _, _ := strings.Cut(c.args[0], "/")
	switch {
	case name == org:
		return 0, nil, errRequest("Namespace owner must always be admin.")
	case !c.q.exists(name):
		return 0, nil, errRequest("Invalid username: " + name)
	case isRobot(name) && !strings.HasPrefix(name, org+"+"):
		return 0, nil, errRequest("Cannot add robot " + name + " under namespace " + org)
	case r == nil:
		return 0, nil, errCrash
	}
	r.roles[name] = role
	c.recordPermission("change_repo_permission", map[string]any{"username": name, "namespace": org, "role": role})
	return http.StatusOK, c.grant(r, name), nil
}

func (c apiCall) deletePermission() (int, any, *apiError) {
	r := c.q.repositories[c.args[0]]
	if r == nil || r.roles[c.args[1]] == "" {
		return 0, nil, errRequest("User does not have permission for repo.")
	}
	delete(r.roles, c.args[1])
	c.recordPermission("delete_repo_permission", map[string]any{"username": c.args[1], "namespace": r.org})
	return http.StatusNoContent, nil, nil
}

func (c apiCall) putTeamPermission() (int, any, *apiError) {
	r, name, role := c.q.repositories[c.args[0]], c.args[1], Role(c.text("role"))
	org, _, _ := strings.Cut(c.args[0], "/")
	switch {
	case c.q.organizations[org].teams[name] == nil:
		return 0, nil, errRequest("No team " + name + " in organization " + org)
	case r == nil:
		return 0, nil, errCrash
	}
	r.teamRoles[name] = role
	c.recordPermission("change_repo_permission", map[string]any{"team": name, "role": role})
	return http.StatusOK, map[string]any{"role": role, "name": name}, nil
}
