package quaytest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

// said is one request of a conversation and the answer that Quay's source gives: a status and parts of the body.
type said struct {
	request string // METHOD path below /api/v1/, then the body if there is one
	status  int
	parts   []string
}

// talk holds a conversation; what is said later stands on what was said before.
func talk(t *testing.T, c *client, conversation []said) {
	t.Helper()
	for i, s := range conversation {
		method, rest, _ := strings.Cut(s.request, " ")
		path, body, _ := strings.Cut(rest, " ")
		a := c.do(method, "/api/v1/"+path, body)
		if a.status != s.status {
			t.Errorf("%d. %s: %d %s, want %d", i, s.request, a.status, a.body, s.status)
		}
		for _, part := range s.parts {
			if !strings.Contains(a.body, part) {
				t.Errorf("%d. %s: %s, want %s in it", i, s.request, a.body, part)
			}
		}
	}
}

func TestAPIPermissions(t *testing.T) {
	q, _ := start(t)
	q.AddRobot("team-a", "ci-b")
	const path = "repository/team-a/app/permissions/user/"
	talk(t, admin(t, q), []said{
		{"GET " + path + "team-a+ci-b", 400, []string{`{"message":"User does not have permission for repo."}`}},
		{"PUT " + path + `team-a+ci-b {"role":"read"}`, 200, []string{`"role":"read"`, `"name":"team-a+ci-b"`, `"is_robot":true`, `"is_org_member":true`}},
		{"PUT " + path + `team-a+ci-b {"role":"admin"}`, 200, []string{`"role":"admin"`}},
		{"GET " + path + "team-a+ci-b", 200, []string{`"role":"admin"`}},
		{"GET " + path, 200, []string{`"permissions":{`, `"team-a+ci":{`, `"team-a+ci-b":{`}},
		{"GET " + path + "team-a+ci-b/transitive", 200, []string{`{"permissions":[{"role":"admin"}]}`}},
		{"DELETE " + path + "team-a+ci-b", 204, nil},
		{"DELETE " + path + "team-a+ci-b", 400, []string{`"error_message":"User does not have permission for repo."`}},
		{"GET " + path + "team-a+ci-b/transitive", 404, []string{"not_found"}},
		{"PUT " + path + `team-a+none {"role":"read"}`, 400, []string{"Invalid username: team-a+none"}},
		{"GET repository/team-a/none/permissions/user/", 200, []string{`{"permissions":{}}`}},
		{"PUT repository/team-a/app/permissions/team/none " + `{"role":"read"}`, 400, []string{"No team none in organization team-a"}},
		{"PUT repository/team-a/none/permissions/team/owners " + `{"role":"read"}`, 500, nil},
		{"PUT repository/team-a/app/permissions/team/none " + `{"role":"x"}`, 400, []string{"is not one of"}},
	})
}

// A default permission is for what is made later, is made twice if it is asked for twice, and a team can have one.
func TestAPIPrototypes(t *testing.T) {
	q, _ := start(t)
	c := admin(t, q)
	const path = "organization/team-a/prototypes"
	user, activated := `{"role":"write","delegate":{"kind":"user","name":"team-a+ci"}}`, `{"role":"read","delegate":{"kind":"team","name":"readers"},"activating_user":{"name":"team-a+ci"}}`
	q.AddTeamMember("team-a", "readers", "member", "team-a+ci")
	var made struct{ ID string }
	a := c.do("POST", "/api/v1/"+path, user)
	if err := json.Unmarshal([]byte(a.body), &made); err != nil || !regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(made.ID) {
		t.Fatalf("answer is %d %s, %v", a.status, a.body, err)
	}
	talk(t, c, []said{
		{"POST " + path + " " + user, 200, []string{`"activating_user":null`, `"kind":"user"`, `"is_robot":true`, `"role":"write"`}},
		{"POST " + path + " " + activated, 200, []string{`"activating_user":{"is_org_member":true,"is_robot":true,"kind":"user","name":"team-a+ci"}`, `"kind":"team"`}},
		{"POST " + path + ` {"role":"read","delegate":{"kind":"user","name":"team-a+ci"},"activating_user":{"name":"x"}}`, 400, []string{"Unknown activating user"}},
		{"POST " + path + ` {"role":"owner","delegate":{"kind":"user","name":"team-a+ci"}}`, 400, []string{"is not one of"}},
		{"PUT " + path + "/" + made.ID + ` {"role":"admin"}`, 200, []string{`"role":"admin"`}},
		{"PUT " + path + "/" + made.ID + ` {"role":"x"}`, 400, []string{"is not one of"}},
		{"PUT " + path + `/none {"role":"read"}`, 404, nil},
		{"DELETE " + path + "/none", 404, nil},
		{"DELETE " + path + "/" + made.ID, 204, nil},
		{"GET organization/team-x/prototypes", 403, nil},
		// The one of two that is left.
		{`POST repository {"namespace":"team-a","repository":"new","visibility":"private","description":""}`, 201, nil},
		{"GET repository/team-a/new/permissions/user/team-a+ci", 200, []string{`"role":"write"`}},
		{"GET repository/team-a/app/permissions/user/team-a+ci", 200, []string{`"role":"write"`}},
	})
	if got := strings.Count(c.do("GET", "/api/v1/"+path, "").body, `"id":`); got != 2 {
		t.Errorf("%d default permissions are left, want 2", got)
	}
}

// A team's right is its members', also of another organization's robot, and goes with the team or the membership.
func TestAPITeams(t *testing.T) {
	q, _ := start(t)
	q.AddOrganization("team-b")
	q.AddRobot("team-b", "ci")
	const team, effective = "organization/team-a/team/pushers", "repository/team-a/app/permissions/user/team-b+ci/transitive"
	talk(t, admin(t, q), []said{
		{"PUT " + team + ` {"role":"boss"}`, 400, []string{"is not one of ['member', 'creator', 'admin']"}},
		{"PUT " + team + ` {"role":"member","description":"they push"}`, 200, []string{`"new_team":true`, `"description":"they push"`}},
		{"PUT " + team + ` {"role":"creator"}`, 200, []string{`"new_team":false`, `"role":"creator"`, `"description":"they push"`}},
		{"PUT " + team + "/members/team-b+ci", 200, []string{`"kind":"user"`, `"is_robot":true`, `"invited":false`}},
		{"PUT " + team + "/members/team-b+ci", 400, []string{`{"message":"User team-b+ci is already a member of team pushers"}`}},
		{"PUT " + team + "/members/team-b+none", 400, []string{"Unknown user"}},
		{"PUT organization/team-a/team/none/members/team-b+ci", 404, nil},
		{"GET " + team + "/members", 200, []string{`"name":"team-b+ci"`}},
		{"GET " + effective, 404, nil},
		{`PUT repository/team-a/app/permissions/team/pushers {"role":"write"}`, 200, []string{`"role":"write"`}},
		{"GET " + effective, 200, []string{`{"permissions":[{"role":"write"}]}`}},
		{"DELETE " + team + "/members/team-b+ci", 204, nil},
		{"DELETE " + team + "/members/team-b+ci", 400, []string{"User team-b+ci does not belong to team pushers"}},
		{"DELETE " + team + "/members/team-b+none", 404, nil},
		{"GET " + effective, 404, nil},
		{"PUT " + team + "/members/team-b+ci", 200, nil},
		{"DELETE " + team, 204, nil},
		{"DELETE " + team, 400, []string{"Team 'pushers' is not a team in org 'team-a'"}},
		{"GET " + effective, 404, nil},
		{"GET organization/team-a", 200, []string{`"ordered_teams":["owners"]`, `"is_admin":true`}},
	})
}

// Whoever does not administer an organization sees that it exists, and neither its teams nor its private repositories.
func TestAPIOfAStranger(t *testing.T) {
	q, _ := start(t)
	q.AddOrganization("team-b")
	talk(t, admin(t, q, "team-b"), []said{
		{"GET organization/team-a", 200, []string{`"is_admin":false`, `"is_member":false`}},
		{"GET repository/team-a/app", 403, nil},
		{"GET repository/team-a/none", 403, nil},
		{"GET repository/team-b/none", 404, nil},
		{"GET repository?namespace=team-a", 200, []string{`"repositories":[]`}},
		{`POST repository {"namespace":"team-a","repository":"x","visibility":"private","description":""}`, 403, nil},
		{"GET organization/team-a/robots", 403, nil},
		{"GET repository/team-a/app/permissions/user/", 403, nil},
		// What it makes is its own.
		{`POST organization/ {"name":"team-c","email":"c@example.com"}`, 201, nil},
		{`POST repository {"namespace":"team-c","repository":"group/x","visibility":"public","description":"mine"}`, 201, []string{`"kind":"image"`}},
		{"GET repository/team-c/group/x", 200, []string{`"name":"group/x"`, `"is_public":true`, `"state":"NORMAL"`, `"description":"mine"`}},
		{`POST organization/ {"name":"X"}`, 400, []string{"Invalid namespace X: Namespace must match expression"}},
		{`POST repository {"namespace":"team-c","repository":"X!","visibility":"private","description":""}`, 400, []string{"Invalid repository name"}},
		{`POST repository {"namespace":"team-c","repository":"y","visibility":"secret","description":""}`, 400, []string{"is not one of"}},
	})
}

// Lists come in pages of a hundred, each repository once.
func TestAPIPages(t *testing.T) {
	q, _ := start(t)
	c := admin(t, q)
	for i := range 205 {
		q.AddRepository("team-a", fmt.Sprintf("r-%03d", i))
	}
	seen := map[string]bool{}
	pages := 0
	for next := ""; ; pages++ {
		var answer struct {
			Repositories []struct{ Name string }
			NextPage     string `json:"next_page"`
		}
		body := c.do("GET", "/api/v1/repository?namespace=team-a&next_page="+next, "").body
		if err := json.Unmarshal([]byte(body), &answer); err != nil || len(answer.Repositories) > 100 {
			t.Fatalf("%d repositories, %v", len(answer.Repositories), err)
		}
		for _, r := range answer.Repositories {
			if seen[r.Name] {
				t.Errorf("%s came twice", r.Name)
			}
			seen[r.Name] = true
		}
		if next = answer.NextPage; next == "" {
			break
		}
	}
	if len(seen) != 206 || pages != 2 {
		t.Errorf("%d repositories, %d pages more", len(seen), pages)
	}
}

// It says the version that it is told to say, and what state it is in.
func TestConfig(t *testing.T) {
	q, _ := start(t)
	c := &client{t: t, q: q}
	q.SetVersion("3.99.1")
	c.do("GET", "/config", "").want(t, http.StatusOK, `"version_number":"Quay 3.99.1"`)
	c.do("GET", "/config", "").want(t, http.StatusOK, `"registry_state":"normal"`)
	q.SetReadOnly(true)
	c.do("GET", "/config", "").want(t, http.StatusOK, `"registry_state":"readonly"`)
}

// A robot's token is what the management API says it is, and another one after it was regenerated there.
func TestAPIRegenerates(t *testing.T) {
	q, token := start(t)
	if q.RobotToken("team-a+ci") != token || q.RobotToken("team-a+none") != "" {
		t.Error("the token is another")
	}
	a := admin(t, q).do("POST", "/api/v1/organization/team-a/robots/ci/regenerate", "")
	fresh := q.RobotToken("team-a+ci")
	if fresh == token || !strings.Contains(a.body, `"token":"`+fresh+`"`) || strings.Contains(a.body, "unstructured_metadata") {
		t.Errorf("answer has the keys of %d bytes, and another token: %t", len(a.body), fresh != token)
	}
	askToken(t, q, "team-a+ci", token).want(t, http.StatusUnauthorized, "supplied password")
	askToken(t, q, "team-a+ci", fresh).want(t, http.StatusOK, `"token"`)
	q.DeleteRobot("team-a+ci")
	askToken(t, q, "team-a+ci", fresh).want(t, http.StatusUnauthorized, "Could not find robot")
}

// What a permission of a team is worth is seen by the token service, too.
func TestGrantTeamCountsForAPush(t *testing.T) {
	q, token := start(t)
	q.AddRepository("team-a", "other")
	scope := "repository:team-a/other:pull,push"
	for _, role := range []quaytest.Role{quaytest.Read, quaytest.Write} {
		q.AddTeamMember("team-a", "pushers", "member", "team-a+ci")
		q.GrantTeam("team-a/other", "pushers", role)
		got := login(t, q, "team-a+ci", token, scope)
		a := got.do(http.MethodPost, "/v2/team-a/other/blobs/uploads/", "")
		if (a.status == http.StatusAccepted) != (role == quaytest.Write) {
			t.Errorf("with %s through a team, a push begins with %d", role, a.status)
		}
	}
}
