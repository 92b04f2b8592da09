package quaytest_test

import (
	"testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

// What a token may do is what its user may, cut by its scopes: auth/permissions.py.
func TestScopes(t *testing.T) {
	q, _ := start(t)
	const (
		org, robots, repo, grants, tags = "GET organization/team-a", "GET organization/team-a/robots", "GET repository/team-a/app",
			"GET repository/team-a/app/permissions/user/", "GET repository/team-a/app/tag/"
		list, me, create = "GET repository?namespace=team-a", "GET user/",
			`POST repository {"namespace":"team-a","repository":"app","visibility":"private","description":""}`
	)
	const yes, no, exists = 200, 403, 400
	for scope, want := range map[quaytest.Scope][]said{
		quaytest.OrgAdmin: {{org, yes, []string{`"is_admin":true`}}, {robots, yes, nil}, {repo, no, nil}, {grants, no, nil}, {tags, no, nil}, {list, yes, []string{`"app"`}}, {me, no, nil}, {create, exists, nil}},
		quaytest.RepoAdmin: {{org, yes, []string{`"is_admin":false`, `"is_member":false`}}, {robots, no, nil}, {repo, yes, []string{`"can_admin":true`}}, {grants, yes, nil}, {tags, yes, nil},
			{list, yes, []string{`"app"`}}, {me, no, nil}, {create, no, nil}},
		quaytest.RepoRead: {{org, yes, []string{`"is_admin":false`}}, {robots, no, nil}, {repo, yes, []string{`"can_admin":false`, `"can_write":false`}}, {grants, no, nil}, {tags, yes, nil},
			{list, yes, []string{`"app"`}}, {create, no, nil}},
		quaytest.RepoCreate: {{org, yes, []string{`"is_admin":false`, `"is_member":true`, `"owners"`}}, {robots, yes, nil}, {repo, no, nil}, {create, exists, nil}},
		quaytest.UserAdmin:  {{org, yes, []string{`"is_admin":false`}}, {robots, no, nil}, {me, yes, []string{`"username":"platform"`}}, {create, no, nil}},
	} {
		t.Run(string(scope), func(t *testing.T) {
			talk(t, &client{t: t, q: q, bearer: q.AddOAuthToken([]quaytest.Scope{scope})}, want)
		})
	}
}

// A right in an organization is looked at after the body; a right in a repository or of a user, before it.
func TestBodyOrRightFirst(t *testing.T) {
	q, _ := start(t)
	q.AddOrganization("team-b")
	talk(t, admin(t, q, "team-b"), []said{
		{`PUT organization/team-a/team/pushers {"role":"boss"}`, 400, []string{"is not one of"}},
		{`POST organization/team-a/prototypes {"role":"read"}`, 400, []string{"'delegate' is a required property"}},
		{`PUT organization/team-a/robots/x {"description":5}`, 400, []string{"5 is not of type 'string'"}},
		{`PUT organization/team-a/robots/x {"description":"ok"}`, 403, nil},
		{`PUT repository/team-a/app/permissions/user/team-a+ci {"role":"boss"}`, 403, nil},
	})
	noUserAdmin := &client{t: t, q: q, bearer: q.AddOAuthToken([]quaytest.Scope{quaytest.OrgAdmin})}
	talk(t, noUserAdmin, []said{{`POST organization/ {}`, 403, nil}})
}

// A user without an organization is in it through a team, and sees of it what the team does.
func TestUserInATeam(t *testing.T) {
	q, _ := start(t)
	scopes := []quaytest.Scope{quaytest.OrgAdmin, quaytest.RepoAdmin}
	token := quaytest.OAuthTokenSetup{Token: "JANEJANEJANEJANEJANEJANEJANEJANEJANEJANE", User: "jane", Scopes: scopes, Organizations: []string{"team-x"}}
	if err := q.Apply(quaytest.Setup{OAuthTokens: []quaytest.OAuthTokenSetup{token}}); err != nil {
		t.Fatal(err)
	}
	jane := &client{t: t, q: q, bearer: token.Token}
	talk(t, jane, []said{{"GET organization/team-a", 200, []string{`"is_member":false`}}, {"GET repository/team-a/app", 403, nil}})
	talk(t, admin(t, q), []said{
		{`PUT organization/team-a/team/readers {"role":"member"}`, 200, nil},
		{"PUT organization/team-a/team/readers/members/jane", 200, []string{`"is_robot":false`}},
		{`PUT repository/team-a/app/permissions/team/readers {"role":"read"}`, 200, nil},
		{`PUT repository/team-a/app/permissions/user/nobody {"role":"read"}`, 400, []string{"Invalid username: nobody"}},
	})
	talk(t, jane, []said{
		{"GET organization/team-a", 200, []string{`"is_member":true`, `"is_admin":false`, `"ordered_teams":["owners","readers"]`}},
		{"GET organization/team-a/team/readers/members", 200, []string{`"name":"jane"`, `"can_edit":false`}},
		{"GET organization/team-a/team/owners/members", 403, nil},
		{"GET organization/team-a/robots", 200, []string{`"name":"team-a+ci"`}},
		{"GET organization/team-a/logs", 403, nil},
		{"GET repository/team-a/app", 200, []string{`"can_write":false`}},
		{`POST repository {"repository":"mine","visibility":"private","description":""}`, 201, []string{`"namespace":"jane"`}},
		{"GET repository/jane/mine", 200, []string{`"is_organization":false`, `"can_admin":true`}},
		{"GET organization/jane", 404, nil},
	})
}
