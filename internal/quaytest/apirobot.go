package quaytest

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// robotRoutes are quay/quay:endpoints/api/robot.py.
var robotRoutes = []apiRoute{
	route("GET", "organization/{}/robots", orgMember, apiCall.listRobots),
	route("PUT", "organization/{}/robots/{}", orgAdmin, apiCall.putRobot).mayTake(
		field{name: "description", kind: "string", max: 255}, field{name: "unstructured_metadata", kind: "object"}),
	route("DELETE", "organization/{}/robots/{}", orgAdmin, apiCall.removeRobot),
	route("GET", "organization/{}/robots/{}", orgAdmin, apiCall.getRobot),
	route("POST", "organization/{}/robots/{}/regenerate", orgAdmin, apiCall.regenerateRobot),
	route("GET", "organization/{}/robots/{}/permissions", userAdmin, apiCall.robotPermissions),
}

// robot finds the robot that the path names; nil if there is none.
func (c apiCall) robot() (string, *robot) {
	name := c.args[0] + "+" + c.args[1]
	return name, c.q.robots[name]
}

// view is a robot as a list shows it.
func (r *robot) view(name string) map[string]any {
	return map[string]any{"name": name, "created": date(r.created), "last_accessed": date(r.accessed), "description": r.description}
}

// viewWithToken is a robot as its administrator sees it.
func (r *robot) viewWithToken(name string) map[string]any {
	v := r.view(name)
	v["token"] = r.token
	v["unstructured_metadata"] = r.metadata
	return v
}

func (c apiCall) getRobot() (int, any, *apiError) {
	name, r := c.robot()
	if r == nil {
		return 0, nil, errNoRobot
	}
	return http.StatusOK, r.viewWithToken(name), nil
}

// putRobot shows metadata that it was not given as null; getRobot, as none.
func (c apiCall) putRobot() (int, any, *apiError) {
	name, r := c.robot()
	short := c.args[1]
	if problem := nameProblem("Namespace", short); problem != "" {
		return 0, nil, errRequest(fmt.Sprintf("The name for the robot '%s' is invalid: %s", short, problem))
	}
	if r != nil {
		return 0, nil, errRequest("Existing robot with name: " + name)
	}
	made := c.q.makeRobot(name, newToken())
	made.description = c.text("description")
	if metadata := c.object("unstructured_metadata"); metadata != nil {
		made.metadata = metadata
	}
	c.record("create_robot", map[string]any{"robot": short, "description": c.body["description"],
		"unstructured_metadata": c.body["unstructured_metadata"]})
	v := made.viewWithToken(name)
	v["unstructured_metadata"] = c.body["unstructured_metadata"]
	return http.StatusCreated, v, nil
}

func (c apiCall) removeRobot() (int, any, *apiError) {
	name, r := c.robot()
	if r == nil {
		return 0, nil, errNoRobot
	}
	c.q.deleteRobot(name)
	c.record("delete_robot", map[string]any{"robot": c.args[1]})
	return http.StatusNoContent, nil, nil
}

func (c apiCall) regenerateRobot() (int, any, *apiError) {
	name, r := c.robot()
	if r == nil {
		return 0, nil, errNoRobot
	}
	r.token = newToken()
	c.record("regenerate_robot_token", map[string]any{"robot": c.args[1]})
	v := r.viewWithToken(name)
	delete(v, "unstructured_metadata")
	return http.StatusOK, v, nil
}

// listRobots shows every robot whose name matches "<org>+%" in the sense of
// SQL's ILIKE: an underscore in the organization matches any character
// (quay/quay:data/model/user.py, list_entity_robots). It shows tokens unless
// asked not to; a member who is no administrator gets names.
func (c apiCall) listRobots() (int, any, *apiError) {
	like := "(?i)^" + strings.ReplaceAll(regexp.QuoteMeta(c.args[0]), "_", ".") + `\+`
	pattern := regexp.MustCompile(like)
	names := []string{}
	for name := range c.q.robots {
		if pattern.MatchString(name) {
			names = append(names, name)
		}
	}
	// Those that never logged in come first. Among them PostgreSQL begins at the
	// end when it has to join or to stop early, and at the beginning else.
	newest := 1
	if c.flag("permissions", false) || c.query("limit") != "" {
		newest = -1
	}
	slices.SortFunc(names, func(a, b string) int {
		x, y := c.q.robots[a], c.q.robots[b]
		return cmp.Or(compareBool(x.accessed.IsZero(), y.accessed.IsZero()), y.accessed.Compare(x.accessed), newest*(x.serial-y.serial))
	})
	names = names[:min(max(c.number("limit", len(names)), 0), len(names))]
	admin := c.token.administers(c.q, c.args[0])
	list := []any{}
	for _, name := range names {
		v := c.q.robots[name].view(name)
		if admin && c.flag("token", true) {
			v["token"] = c.q.robots[name].token
		}
		if admin && c.flag("permissions", false) {
			v["teams"], v["repositories"] = c.q.memberships(name)
		}
		list = append(list, v)
	}
	return http.StatusOK, map[string]any{"robots": list}, nil
}

// compareBool orders true before false.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// memberships are the teams of a robot and the repositories that it has a direct grant on, without the roles.
func (q *Quay) memberships(robot string) (teams, repositories []any) {
	teams, repositories = []any{}, []any{}
	for _, o := range q.organizations {
		for name, t := range o.teams {
			if t.members[robot] {
				teams = append(teams, map[string]any{"name": name})
			}
		}
	}
	for _, r := range q.repositories {
		if r.roles[robot] != "" {
			repositories = append(repositories, strings.TrimPrefix(r.name, r.org+"/"))
		}
	}
	return teams, repositories
}

// robotPermissions leaves out what comes through a team.
func (c apiCall) robotPermissions() (int, any, *apiError) {
	name, r := c.robot()
	switch {
	case !c.token.administers(c.q, c.args[0]):
		return 0, nil, errNoAccess
	case r == nil:
		return 0, nil, errNoRobot
	}
	list := []any{}
	for _, repo := range c.q.repositories {
		if role := repo.roles[name]; role != "" {
			list = append(list, map[string]any{"role": role,
				"repository": map[string]any{"name": strings.TrimPrefix(repo.name, repo.org+"/"), "is_public": repo.public}})
		}
	}
	return http.StatusOK, map[string]any{"permissions": list}, nil
}
