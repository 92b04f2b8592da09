package quaytest

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// robotRoutes are quay/quay:endpoints/api/robot.py.
var robotRoutes = []apiRoute{
	route("GET", "organization/{}/robots", OrgAdmin, apiCall.listRobots),
	route("GET", "organization/{}/robots/{}", OrgAdmin, apiCall.getRobot),
	route("PUT", "organization/{}/robots/{}", OrgAdmin, apiCall.putRobot),
	route("DELETE", "organization/{}/robots/{}", OrgAdmin, apiCall.removeRobot),
	route("POST", "organization/{}/robots/{}/regenerate", OrgAdmin, apiCall.regenerateRobot),
	route("GET", "organization/{}/robots/{}/permissions", UserAdmin, apiCall.robotPermissions),
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

func (c apiCall) putRobot() (int, any, *apiError) {
	name, r := c.robot()
	short := c.args[1]
	switch {
	case r != nil:
		return 0, nil, errRequest("Existing robot with name: " + name)
	case len(short) < 2 || len(short) > 255:
		return 0, nil, errRequest(fmt.Sprintf("The name for the robot '%s' is invalid: Namespace must be between 2 and 255 characters in length", short))
	case !namePattern.MatchString(short):
		return 0, nil, errRequest(fmt.Sprintf("The name for the robot '%s' is invalid: Namespace must match expression ^([a-z0-9]+(?:[._-][a-z0-9]+)*)$", short))
	}
	made := &robot{token: newToken(), description: c.text("description"), metadata: c.object("unstructured_metadata"), created: c.q.now()}
	if made.metadata == nil {
		made.metadata = map[string]any{}
	}
	c.q.robots[name] = made
	c.q.record(c.args[0], "create_robot", "", map[string]any{"robot": short})
	return http.StatusCreated, made.viewWithToken(name), nil
}

func (c apiCall) removeRobot() (int, any, *apiError) {
	name, r := c.robot()
	if r == nil {
		return 0, nil, errNoRobot
	}
	c.q.deleteRobot(name)
	return http.StatusNoContent, nil, nil
}

func (c apiCall) regenerateRobot() (int, any, *apiError) {
	name, r := c.robot()
	if r == nil {
		return 0, nil, errNoRobot
	}
	r.token = newToken()
	c.q.record(c.args[0], "regenerate_robot_token", "", map[string]any{"robot": c.args[1]})
	v := r.viewWithToken(name)
	delete(v, "unstructured_metadata")
	return http.StatusOK, v, nil
}

// listRobots shows every robot whose name matches "<org>+%" in the sense of
// SQL's ILIKE: an underscore in the organization matches any character
// (quay/quay:data/model/user.py, list_entity_robots). It shows tokens unless asked not to.
func (c apiCall) listRobots() (int, any, *apiError) {
	like := "(?i)^" + strings.ReplaceAll(regexp.QuoteMeta(c.args[0]), "_", ".") + `\+`
	pattern := regexp.MustCompile(like)
	names := []string{}
	for name := range c.q.robots {
		if pattern.MatchString(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	list := []any{}
	for _, name := range names {
		v := c.q.robots[name].view(name)
		if c.query("token") != "false" {
			v["token"] = c.q.robots[name].token
		}
		if c.query("permissions") == "true" {
			v["teams"], v["repositories"] = c.q.memberships(name)
		}
		list = append(list, v)
	}
	return http.StatusOK, map[string]any{"robots": list}, nil
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
	if r == nil {
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
