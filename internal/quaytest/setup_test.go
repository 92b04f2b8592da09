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
