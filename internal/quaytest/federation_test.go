package quaytest_test

import (
	"net/http"
	"testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

const federationPath = "/api/v1/organization/team-a/robots/ci/federation"

// What is set replaces what was there, and is logged; quay/quay endpoints/api/test/test_robot.py has the same conversation.
func TestFederationIsSet(t *testing.T) {
	q, _ := start(t)
	a := admin(t, q)
	const one, two = `{"issuer":"https://one.example.com","subject":"repo:a"}`, `{"issuer":"https://one.example.com","subject":"repo:b"}`
	for _, step := range []struct {
		method, body string
		status       int
		answer       string
	}{
		{http.MethodGet, "", 200, "[]\n"},
		{http.MethodPost, "[" + one + "," + two + "]", 200, "[" + one + "," + two + "]\n"},
		{http.MethodGet, "", 200, "[" + one + "," + two + "]\n"},
		// An audience is dropped.
		{http.MethodPost, `[{"issuer":"http://plain.example.com/","subject":"s","audiences":["quay"]}]`, 200, `[{"issuer":"http://plain.example.com/","subject":"s"}]` + "\n"},
		{http.MethodGet, "", 200, `[{"issuer":"http://plain.example.com/","subject":"s"}]` + "\n"},
		{http.MethodDelete, "", 204, ""},
		{http.MethodGet, "", 200, "[]\n"},
		{http.MethodPost, "[" + one + "]", 200, "[" + one + "]\n"},
		{http.MethodPost, "[]", 200, "[]\n"},
		{http.MethodGet, "", 200, "[]\n"},
	} {
		if got := a.do(step.method, federationPath, step.body); got.status != step.status || got.body != step.answer {
			t.Errorf("%s %s: %d %s, want %d %s", step.method, step.body, got.status, got.body, step.status, step.answer)
		}
	}
	log := a.do(http.MethodGet, "/api/v1/organization/team-a/logs", "")
	log.want(t, http.StatusOK, `"kind":"create_robot_federation"`)
	log.want(t, http.StatusOK, `"config":[{"issuer":"https://one.example.com","subject":"repo:a"},{"issuer":"https://one.example.com","subject":"repo:b"}]`)
	log.want(t, http.StatusOK, `"kind":"delete_robot_federation"`)
}

// What is no federation changes nothing.
func TestFederationIsRefused(t *testing.T) {
	q, _ := start(t)
	a := admin(t, q)
	const good = `{"issuer":"https://one.example.com","subject":"repo:a"}`
	a.do(http.MethodPost, federationPath, "["+good+"]").want(t, http.StatusOK, "")
	for body, want := range map[string]string{
		`[{"issuer":"https://one.example.com"}]`:   "'subject' is a required property",
		`[{"subject":"repo:a"}]`:                   "'issuer' is a required property",
		`[{"issuer":"","subject":"repo:a"}]`:       "Missing one or more required fields (issuer, subject)",
		`[{"issuer":"one","subject":"repo:a"}]`:    "Issuer must be a URL (http:// or https://)",
		`[{"issuer":7,"subject":"repo:a"}]`:        "7 is not of type 'string'",
		`[` + good + `,` + good + `]`:              "Duplicate federation config entry",
		good:                                       "is not of type 'array'",
		`["https://one.example.com"]`:              "'https://one.example.com' is not of type 'object'",
		`[{"issuer":"https://x","subject":["y"]}]`: "['y'] is not of type 'string'",
	} {
		got := a.do(http.MethodPost, federationPath, body)
		got.want(t, http.StatusBadRequest, `"error_type":"invalid_request"`)
		got.want(t, http.StatusBadRequest, want)
	}
	a.do(http.MethodGet, federationPath, "").want(t, http.StatusOK, "["+good+"]")
}

// It takes an administrator of the organization, and a robot that is there.
func TestFederationTakesRights(t *testing.T) {
	q, _ := start(t)
	const body = `[{"issuer":"https://one.example.com","subject":"repo:a"}]`
	weak := &client{t: t, q: q, bearer: q.AddOAuthToken([]quaytest.Scope{quaytest.RepoAdmin})}
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		sent := ""
		if method == http.MethodPost {
			sent = body
		}
		weak.do(method, federationPath, sent).want(t, http.StatusForbidden, "insufficient_scope")
		admin(t, q).do(method, "/api/v1/organization/team-a/robots/none/federation", sent).want(t, http.StatusBadRequest, "Could not find robot with specified username")
	}
	(&client{t: t, q: q}).do(http.MethodGet, federationPath, "").want(t, http.StatusUnauthorized, "Requires authentication")
}
