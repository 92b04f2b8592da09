package quaytest

import (
	"fmt"
	"net/http"
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
