package quaytest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

func TestRobotTokenHasQuaysForm(t *testing.T) {
	_, token := start(t)
	if !regexp.MustCompile(`^[A-Z0-9]{64}$`).MatchString(token) {
		t.Errorf("the token has %d characters of another form", len(token))
	}
}

func TestDockerconfigIsThatOfTheSecret(t *testing.T) {
	q, token := start(t)
	var got map[string]map[string]map[string]string
	if err := json.Unmarshal(q.Dockerconfig("team-a+ci"), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]map[string]string{"auths": {q.Host(): {
		"username": "team-a+ci", "password": token,
		"auth": base64.StdEncoding.EncodeToString([]byte("team-a+ci:" + token)),
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("dockerconfig (-want +got):\n%s", diff)
	}
}

// A test that asks for what Quay refuses is wrong and hears it at once.
func TestImpossibleWishesPanic(t *testing.T) {
	q, token := start(t)
	for want, wish := range map[string]func(){
		"not a name that Quay accepts":         func() { q.AddOrganization("Team") },
		"organization with this name already":  func() { q.AddOrganization("team-a") },
		`organization "team-x" does not exist`: func() { q.AddRobot("team-x", "ci") },
		`robot "team-a+c": not a name`:         func() { q.AddRobot("team-a", "c") },
		"Existing robot with name: team-a+ci":  func() { q.AddRobot("team-a", "ci") },
		"Invalid repository name":              func() { q.AddRepository("team-a", "-app") },
		"Repository already exists":            func() { q.AddRepository("team-a", "app") },
		"adding repository \"team-x/app\"":     func() { q.AddRepository("team-x", "app") },
		"there is no such repository":          func() { q.Grant("team-a/x", "team-a+ci", quaytest.Read) },
		"Invalid username: team-a+x":           func() { q.Grant(app, "team-a+x", quaytest.Read) },
		`unknown role "owner"`:                 func() { q.Grant(app, "team-a+ci", "owner") },
		`changing repository "team-a/x"`:       func() { q.Revoke("team-a/x", "team-a+ci") },
		`changing organization "team-x"`:       func() { q.SetQuota("team-x", 1) },
		`making "team-a+x" creator`:            func() { q.SetCreator("team-a", "team-a+x") },
		`default permission of "team-a+x"`:     func() { q.SetDefaultPermission("team-a", "team-a+x", quaytest.Read) },
		`regenerating "team-a+x"`:              func() { q.RegenerateRobot("team-a+x") },
		`deleting "team-a+x"`:                  func() { q.DeleteRobot("team-a+x") },
		`writing dockerconfig of "team-a+x"`:   func() { q.Dockerconfig("team-a+x") },
		"fault broken has no effect":           func() { q.Faults.Add(quaytest.Fault{Name: "broken"}) },
		"error parsing regexp":                 func() { q.Faults.Add(quaytest.Fault{Path: "(", Effect: quaytest.ResetStream()}) },
	} {
		mustPanic(t, want, wish)
	}
	// Nothing of that broke anything.
	pusher(t, q, token, app).blob(app, "content")
}

func mustPanic(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
			t.Errorf("panic is %q, want %q", got, want)
		}
	}()
	f()
}
