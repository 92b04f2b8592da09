package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

func TestReadState(t *testing.T) {
	want := quaytest.Setup{Organizations: []quaytest.OrganizationSetup{{
		Name:         "team-a",
		Robots:       []quaytest.RobotSetup{{Name: "ci", Token: token}},
		Repositories: []quaytest.RepositorySetup{{Name: "app", Permissions: map[string]quaytest.Role{"team-a+ci": quaytest.Write}}},
	}}}
	tokenFile := write(t, "token", token+"\n")
	for name, content := range map[string]string{
		"YAML with a token file": "organizations:\n- name: team-a\n  robots: [{name: ci, tokenFile: " + tokenFile + "}]\n" +
			"  repositories: [{name: app, permissions: {team-a+ci: write}}]\n",
		"JSON with a token": `{"organizations":[{"name":"team-a","robots":[{"name":"ci","token":"` + token + `"}],` +
			`"repositories":[{"name":"app","permissions":{"team-a+ci":"write"}}]}]}`,
	} {
		got, err := readState(write(t, "state", content))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestReadStateFindsTokenFilesBesideIt(t *testing.T) {
	state := write(t, "state.yaml", "organizations: [{name: team-a, robots: [{name: ci, tokenFile: ci-token}]}]")
	if err := os.WriteFile(filepath.Join(filepath.Dir(state), "ci-token"), []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := readState(state)
	if err != nil {
		t.Fatal(err)
	}
	if got.Organizations[0].Robots[0].Token != token {
		t.Error("the token was not read")
	}
}

func TestReadStateIsStrictAndKeepsSecrets(t *testing.T) {
	for want, content := range map[string]string{
		`unknown field "organisations"`: "organisations: []",
		`unknown field "secret"`:        "organizations: [{name: team-a, robots: [{name: ci, secret: " + token + "}]}]",
		"already set":                   "organizations: []\norganizations: []",
		"reading state":                 "{",
		`robot "team-a+ci": token and tokenFile exclude each other`: "organizations: [{name: team-a, robots: [{name: ci, tokenFile: x, token: " + token + "}]}]",
		`robot "team-a+ci": reading token`:                          "organizations: [{name: team-a, robots: [{name: ci, tokenFile: none}]}]",
		"cannot unmarshal":                                          "organizations: [{name: team-a, quota: " + token + "}]",
	} {
		_, err := readState(write(t, "state.yaml", content))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		} else if strings.Contains(err.Error(), token) {
			t.Errorf("the error has the token")
		}
	}
}
