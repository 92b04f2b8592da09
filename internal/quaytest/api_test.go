package quaytest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

// admin returns a client of the management API with all scopes.
func admin(t *testing.T, q *quaytest.Quay, organizations ...string) *client {
	t.Helper()
	scopes := []quaytest.Scope{quaytest.OrgAdmin, quaytest.RepoAdmin, quaytest.RepoRead, quaytest.UserAdmin, quaytest.RepoCreate}
	return &client{t: t, q: q, bearer: q.AddOAuthToken(scopes, organizations...)}
}

// The answers that surprise a client, each as Quay's source has it.
func TestAPIAnswersLikeQuay(t *testing.T) {
	q, token := start(t)
	q.AddOrganization("team-b")
	q.AddRobot("team-b", "ci")
	all, onlyB, nobody := admin(t, q), admin(t, q, "team-b"), &client{t: t, q: q}
	noUserAdmin := &client{t: t, q: q, bearer: q.AddOAuthToken([]quaytest.Scope{quaytest.OrgAdmin})}
	robot := &client{t: t, q: q, bearer: token}
	const robots, grants = "/api/v1/organization/team-a/robots", "/api/v1/repository/team-a/app/permissions/user/"
	for name, test := range map[string]struct {
		c            *client
		method, path string
		body         string
		status       int
		text         string
	}{
		"a missing robot is 400":                 {all, "GET", robots + "/none", "", 400, `{"message":"Could not find robot with specified username"}`},
		"so is deleting it":                      {all, "DELETE", robots + "/none", "", 400, `Could not find robot`},
		"and regenerating it":                    {all, "POST", robots + "/none/regenerate", "", 400, `Could not find robot`},
		"creating twice is 400, other envelope":  {all, "PUT", robots + "/ci", "", 400, `"error_message":"Existing robot with name: team-a+ci"`},
		"a short name of one character":          {all, "PUT", robots + "/c", "", 400, `must be between 2 and 255 characters`},
		"a list has every token":                 {all, "GET", robots, "", 200, token},
		"no token on a read is 401":              {nobody, "GET", robots, "", 401, `"error_type":"invalid_token"`},
		"no token on a write is 403":             {nobody, "POST", robots + "/ci/regenerate", "", 403, `{"error":"CSRF token was invalid or missing."}`},
		"a robot has no access":                  {robot, "GET", robots, "", 401, `Requires authentication`},
		"not an administrator":                   {onlyB, "GET", robots, "", 403, `insufficient_scope`},
		"an unknown organization is 403":         {all, "GET", "/api/v1/organization/team-x/robots", "", 403, `insufficient_scope`},
		"and 404 by itself":                      {all, "GET", "/api/v1/organization/team-x", "", 404, `not_found`},
		"a robot's permissions need user:admin":  {noUserAdmin, "GET", robots + "/ci/permissions", "", 403, `insufficient_scope`},
		"they leave nothing else out":            {all, "GET", robots + "/ci/permissions", "", 200, `"role":"write"`},
		"no grant is 400":                        {all, "GET", grants + "team-a+none", "", 400, `{"message":"User does not have permission for repo."}`},
		"no effective grant is 404":              {all, "GET", grants + "team-b+ci/transitive", "", 404, `not_found`},
		"a grant on no repository is 500":        {all, "PUT", "/api/v1/repository/team-a/none/permissions/user/team-a+ci", `{"role":"write"}`, 500, "<html>"},
		"an unknown role":                        {all, "PUT", grants + "team-a+ci", `{"role":"owner"}`, 400, "is not one of"},
		"a foreign robot":                        {all, "PUT", grants + "team-b+ci", `{"role":"read"}`, 400, "Cannot add robot team-b+ci under namespace team-a"},
		"a default permission of nobody":         {all, "POST", "/api/v1/organization/team-a/prototypes", `{"role":"write","delegate":{"kind":"user","name":"x"}}`, 400, "Missing delegate user or team"},
		"a description is required":              {all, "POST", "/api/v1/repository", `{"namespace":"team-a","repository":"x","visibility":"private"}`, 400, "'description' is a required property"},
		"a log of a robot that is not there":     {all, "GET", "/api/v1/organization/team-a/logs?performer=team-a%2Bnone", "", 500, "Internal Server Error"},
		"a list of repositories needs a filter":  {all, "GET", "/api/v1/repository", "", 400, "are required for this API call"},
		"no such path":                           {all, "GET", "/api/v1/organization/team-a/nothing/", "", 404, "not found on the server"},
		"no such method":                         {all, "PATCH", robots, "", 405, `{"message":"The method is not allowed for the requested URL."}`},
		"a body that need not be is no JSON":     {all, "PUT", robots + "/ci-b", "{", 201, `"name":"team-a+ci-b"`},
		"a body that has to be is no JSON":       {all, "POST", "/api/v1/repository", "{", 400, "could not understand"},
		"a name that is no text":                 {all, "POST", "/api/v1/organization/", `{"name":["x",true,null,{"a":1}]}`, 400, "['x', True, None, {'a': 1}] is not of type 'string'"},
		"a team of nobody":                       {all, "GET", "/api/v1/organization/team-a/team/x/members", "", 404, "not_found"},
		"organizations that exist are 400":       {all, "POST", "/api/v1/organization/", `{"name":"team-a"}`, 400, "already exists"},
		"a month before it starts":               {all, "GET", "/api/v1/organization/team-a/logs?starttime=12/01/2030&endtime=11/01/2030", "", 400, "could not understand"},
		"the discovery needs no token":           {nobody, "GET", "/api/v1/discovery", "", 200, "/api/v1/organization/{}/robots/{}/regenerate"},
		"nor do the settings of the web page":    {nobody, "GET", "/config", "", 200, `"version_number":"Quay 3.18.0"`},
		"an organization is created with a text": {all, "POST", "/api/v1/organization/", `{"name":"team-c"}`, 201, `"Created"`},
	} {
		t.Run(name, func(t *testing.T) {
			a := test.c.do(test.method, test.path, test.body)
			if a.status != test.status || !strings.Contains(a.body, test.text) {
				t.Errorf("answer is %d %s, want %d with %q", a.status, a.body, test.status, test.text)
			}
		})
	}
}

func TestAPIIsReadOnlyWithTheRegistry(t *testing.T) {
	q, _ := start(t)
	c := admin(t, q)
	q.SetReadOnly(true)
	c.do("POST", "/api/v1/organization/team-a/robots/ci/regenerate", "").want(t, http.StatusServiceUnavailable, `"is_readonly":true`)
	c.do("GET", "/api/v1/organization/team-a/robots/ci", "").want(t, http.StatusOK, "team-a+ci")
}

// Permissions follow the robot: deleted with it, and not there for a new one of the same name.
func TestAPIDeletesRobotsWithTheirRights(t *testing.T) {
	q, _ := start(t)
	c := admin(t, q)
	q.AddTeamMember("team-a", "pushers", "creator", "team-a+ci")
	c.do("DELETE", "/api/v1/organization/team-a/robots/ci", "").want(t, http.StatusNoContent, "")
	c.do("PUT", "/api/v1/organization/team-a/robots/ci", "").want(t, http.StatusCreated, `"token":"`)
	c.do("GET", "/api/v1/repository/team-a/app/permissions/user/team-a+ci/transitive", "").want(t, http.StatusNotFound, "")
	c.do("GET", "/api/v1/organization/team-a/team/pushers/members", "").want(t, http.StatusOK, `"members":[]`)
}

// A list of tags shows what a tag was before, and a list of pushes what went by a tag.
func TestAPIShowsThePast(t *testing.T) {
	q, token := start(t)
	c, pusher := admin(t, q), pusher(t, q, token, app)
	first, second := pusher.manifest(app, nil, []string{"one"}, nil), pusher.manifest(app, nil, []string{"two"}, nil)
	pusher.put(app, "v1", ociManifest, first)
	pusher.put(app, "v1", ociManifest, second)
	pusher.put(app, "", ociManifest, first)
	var history struct {
		Tags []struct {
			Digest string `json:"manifest_digest"`
			End    int64  `json:"end_ts"`
		}
	}
	body := c.do("GET", "/api/v1/repository/team-a/app/tag/", "").body
	if err := json.Unmarshal([]byte(body), &history); err != nil || len(history.Tags) != 2 {
		t.Fatalf("history is %s, %v", body, err)
	}
	ended := map[string]bool{}
	for _, tag := range history.Tags {
		ended[tag.Digest] = tag.End != 0
	}
	if len(ended) != 2 || !ended[digest(first)] || ended[digest(second)] {
		t.Errorf("history is %s", body)
	}
	if got := strings.Count(c.do("GET", "/api/v1/organization/team-a/logs?performer=team-a%2Bci", "").body, `"kind":"push_repo"`); got != 2 {
		t.Errorf("%d pushes in the log, want 2", got)
	}
	q.AddRobot("team-a", "other")
	c.do("GET", "/api/v1/organization/team-a/logs?performer=team-a%2Bother", "").want(t, http.StatusOK, `"logs":[]`)
}

func TestOAuthTokens(t *testing.T) {
	q, _ := start(t)
	token := strings.Repeat("A1", 20)
	if err := q.Apply(quaytest.Setup{OAuthTokens: []quaytest.OAuthTokenSetup{{Token: token, Scopes: []quaytest.Scope{quaytest.OrgAdmin}}}}); err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, q: q, bearer: token}
	c.do("GET", "/api/v1/organization/team-a/robots?token=false", "").want(t, http.StatusOK, "team-a+ci")
	if told := fmt.Sprint(q.Requests()); strings.Contains(told, token) {
		t.Error("the journal has the token")
	}
	q.RevokeOAuthTokens()
	c.do("GET", "/api/v1/organization/team-a/robots?token=false", "").want(t, http.StatusUnauthorized, "")
	for want, setup := range map[string]quaytest.OAuthTokenSetup{
		"not 40 characters": {Token: "short"},
		"unknown scope":     {Token: token, Scopes: []quaytest.Scope{"everything"}},
	} {
		err := q.Apply(quaytest.Setup{OAuthTokens: []quaytest.OAuthTokenSetup{setup}})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), token) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}
