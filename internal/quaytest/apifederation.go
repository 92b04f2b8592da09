package quaytest

import (
	"net/http"
	"slices"
	"strings"
)

// federationRoutes are those of quay/quay:endpoints/api/robot.py about the issuers that a robot trusts.
var federationRoutes = only(func(q *Quay) bool { return !q.noBearerLogin },
	route("GET", "organization/{}/robots/{}/federation", orgAdmin, apiCall.getFederation),
	route("POST", "organization/{}/robots/{}/federation", orgAdmin, apiCall.setFederation).takesList(
		field{name: "issuer", kind: "string", required: true}, field{name: "subject", kind: "string", required: true}),
	route("DELETE", "organization/{}/robots/{}/federation", orgAdmin, apiCall.removeFederation),
)

func (c apiCall) getFederation() (int, any, *apiError) {
	_, r := c.robot()
	if r == nil {
		return 0, nil, errNoRobot
	}
	return http.StatusOK, append([]Federation{}, r.federation...), nil
}

// setFederation replaces all that there was. What is wrong with the body comes before the robot.
func (c apiCall) setFederation() (int, any, *apiError) {
	trusted := []Federation{}
	for _, item := range c.list {
		f := Federation{Issuer: textOf(item, "issuer"), Subject: textOf(item, "subject")}
		switch {
		case f.Issuer == "" || f.Subject == "":
			return 0, nil, errRequest("Missing one or more required fields (issuer, subject)")
		case !strings.HasPrefix(f.Issuer, "http://") && !strings.HasPrefix(f.Issuer, "https://"):
			return 0, nil, errRequest("Issuer must be a URL (http:// or https://)")
		case slices.ContainsFunc(trusted, func(t Federation) bool { return t.Issuer == f.Issuer && t.Subject == f.Subject }):
			return 0, nil, errRequest("Duplicate federation config entry")
		}
		trusted = append(trusted, f)
	}
	_, r := c.robot()
	if r == nil {
		return 0, nil, errNoRobot
	}
	r.federation = trusted
	c.record("create_robot_federation", map[string]any{"config": trusted, "robot": c.args[1]})
	return http.StatusOK, trusted, nil
}

func (c apiCall) removeFederation() (int, any, *apiError) {
	_, r := c.robot()
	if r == nil {
		return 0, nil, errNoRobot
	}
	r.federation = nil
	c.record("delete_robot_federation", map[string]any{"robot": c.args[1]})
	return http.StatusNoContent, nil, nil
}

// textOf is a text in an object; empty if there is none.
func textOf(object any, name string) string {
	fields, _ := object.(map[string]any)
	text, _ := fields[name].(string)
	return text
}
