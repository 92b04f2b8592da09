package quaytest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

func TestApply(t *testing.T) {
	q := quaytest.Start(t)
	token := strings.Repeat("A1", 32)
	err := q.Apply(quaytest.Setup{Organizations: []quaytest.OrganizationSetup{{
		Name:          "team-a",
		ImmutableTags: true,
		Robots: []quaytest.RobotSetup{
			{Name: "ci", Token: token, Creator: true},
			{Name: "reader", DefaultPermission: quaytest.Read},
		},
		Repositories: []quaytest.RepositorySetup{{Name: "app", Permissions: map[string]quaytest.Role{"team-a+ci": quaytest.Write}}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	c := pusher(t, q, token, app)
	manifest := c.manifest(app, nil, nil, nil)
	c.put(app, "v1", ociManifest, manifest).want(t, http.StatusCreated, "")
	c.put(app, "v1", ociManifest, manifest).want(t, http.StatusConflict, "TAG_IMMUTABLE")
	pusher(t, q, token, "team-a/new").blob("team-a/new", "content")
}

// Settings are as Quay has them unless they are named, and tokens of one user are one user's.
func TestApplySettingsAndUsers(t *testing.T) {
	const jane, other = "JANEJANEJANEJANEJANEJANEJANEJANEJANEJANE", "JOHNJOHNJOHNJOHNJOHNJOHNJOHNJOHNJOHNJOHN"
	scopes, off := []quaytest.Scope{quaytest.OrgAdmin, quaytest.UserAdmin}, false
	for _, setup := range []quaytest.Setup{{}, {AnonymousAccess: &off}, {BearerLogin: &off}} {
		q, token := start(t)
		setup.OAuthTokens = []quaytest.OAuthTokenSetup{{Token: jane, User: "jane", Scopes: scopes, Organizations: []string{"team-b"}},
			{Token: other, User: "jane", Scopes: scopes, Organizations: []string{"team-b"}}}
		if err := q.Apply(setup); err != nil {
			t.Fatal(err)
		}
		if got := (&client{t: t, q: q}).do(http.MethodGet, "/api/v1/organization/team-a", "").status == http.StatusOK; got != (setup.AnonymousAccess == nil) {
			t.Errorf("with %v anybody may read: %t", setup, got)
		}
		if got := buy(t, q, login(t, q, "team-a+ci", token).bearer).status == http.StatusOK; got != (setup.BearerLogin == nil) {
			t.Errorf("with %v a bearer token is a password: %t", setup, got)
		}
		talk(t, &client{t: t, q: q, bearer: jane}, []said{{`POST organization/ {"name":"team-b"}`, 201, nil}, {`POST organization/ {"name":"jane"}`, 400, []string{"already exists"}}})
		talk(t, &client{t: t, q: q, bearer: other}, []said{{"GET organization/team-b", 200, []string{`"is_admin":true`}}, {"GET user/", 200, []string{`"username":"jane"`}}})
	}
}

func TestApplyRefusesWhatQuayRefuses(t *testing.T) {
	token := strings.Repeat("A1", 32)
	robots := func(r ...quaytest.RobotSetup) quaytest.OrganizationSetup {
		return quaytest.OrganizationSetup{Name: "team-a", Robots: r}
	}
	repositories := func(r ...quaytest.RepositorySetup) quaytest.OrganizationSetup {
		return quaytest.OrganizationSetup{Name: "team-a", Repositories: r}
	}
	for want, o := range map[string]quaytest.OrganizationSetup{
		`adding organization "T"`:            {Name: "T"},
		"its token is not 64 characters A-Z": robots(quaytest.RobotSetup{Name: "ci", Token: token + "x"}),
		"its token file was not read":        robots(quaytest.RobotSetup{Name: "ci", TokenFile: "token"}),
		`adding robot "team-a+CI"`:           robots(quaytest.RobotSetup{Name: "CI"}),
		`unknown role "owner"`:               robots(quaytest.RobotSetup{Name: "ci", DefaultPermission: "owner"}),
		"Invalid repository name":            repositories(quaytest.RepositorySetup{Name: "App"}),
		"Invalid username: team-a+ci":        repositories(quaytest.RepositorySetup{Name: "app", Permissions: map[string]quaytest.Role{"team-a+ci": "read"}}),
	} {
		err := quaytest.Start(t).Apply(quaytest.Setup{Organizations: []quaytest.OrganizationSetup{o}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		} else if strings.Contains(err.Error(), token) {
			t.Error("the error has the token")
		}
	}
}

func TestNewNeedsAHostAndAStorageDirectory(t *testing.T) {
	if _, err := quaytest.New(quaytest.Options{}); err == nil {
		t.Error("a Quay without a host")
	}
	if _, err := quaytest.New(quaytest.Options{Host: "quay.example.com", StorageDir: "/does/not/exist"}); err == nil {
		t.Error("a Quay without a storage directory")
	}
}
