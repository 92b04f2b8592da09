package robot_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// jenkins is a robot that somebody made in Quay's pages, and byHandPath where he put its token.
const (
	jenkins    = "team-payments+jenkins"
	byHandPath = "teams/payments/quay"
)

// byHand has a robot of the organization with what Bootstrap would give it; the team has no ExternalSecret. It returns the token.
func (w *world) byHand(name string) string {
	w.Helper()
	_, short, _ := strings.Cut(name, "+")
	token := w.quay.AddRobot("team-payments", short)
	for _, repository := range own {
		w.quay.Grant(repository, name, quaytest.Write)
	}
	w.quay.SetDefaultPermission("team-payments", name, quaytest.Write)
	delete(w.external, w.Secret)
	return token
}

// keep puts a credential to a path in Vault, as people do.
func (w *world) keep(path string, data map[string]string) {
	values := vault.Data{}
	for key, value := range data {
		values[key] = secret.New(value)
	}
	w.put(path, values)
}

// adopted fails the test unless Vault has the robot with the token that it always had, in one version at the tenant's own path.
func (w *world) adopted(when, name, token string) {
	w.Helper()
	live := w.live()
	if len(live) != 1 || !slices.Equal(live[0].Data.Keys(), []string{"token", "username"}) || live[0].Data["username"].Reveal() != name || live[0].Data["token"].Reveal() != token {
		w.Errorf("%s: Vault has %d versions, or another credential than %q", when, len(live), name)
	}
	if w.quay.RobotToken(name) != token {
		w.Errorf("%s: Quay has another token of %q than before", when, name)
	}
}

// written are the requests that changed something in Quay since they were forgotten, and the versions in Vault.
func (w *world) written() (found []string) {
	for _, r := range w.quay.Requests() {
		if r.Method != http.MethodGet {
			found = append(found, r.Method+" "+r.Path)
		}
	}
	for path, versions := range w.versions {
		found = append(found, fmt.Sprintf("%s has %d", path, len(versions)))
	}
	slices.Sort(found)
	return found
}

// From everywhere where people keep a credential it comes to the team's path, as it is, and what was there stays. A robot of another name
// is the team's, and the first rotation has one of ours take over.
func TestAdopt(t *testing.T) {
	for name, test := range map[string]struct {
		// keep puts the credential somewhere, and opts says where.
		keep func(w *world, token string) robot.AdoptOptions
		want []string
	}{
		"at its own path": {func(w *world, token string) robot.AdoptOptions {
			w.keep(w.VaultPath, map[string]string{"username": jenkins, "token": token})
			return robot.AdoptOptions{}
		}, []string{"apps/payments/checkout/ci/quay-robot has 1"}},
		"at another path": {func(w *world, token string) robot.AdoptOptions {
			w.keep(byHandPath, map[string]string{"username": jenkins, "token": token})
			return robot.AdoptOptions{VaultPath: byHandPath}
		}, []string{"apps/payments/checkout/ci/quay-robot has 1", "teams/payments/quay has 1"}},
		"as user name and password": {func(w *world, token string) robot.AdoptOptions {
			w.keep(byHandPath, map[string]string{"username": jenkins, "password": token})
			return robot.AdoptOptions{VaultPath: byHandPath}
		}, []string{"apps/payments/checkout/ci/quay-robot has 1", "teams/payments/quay has 1"}},
		"as a Docker config file": {func(w *world, token string) robot.AdoptOptions {
			w.keep(byHandPath, map[string]string{".dockerconfigjson": w.render(jenkins, token, 0).Dockerconfig.Reveal()})
			return robot.AdoptOptions{VaultPath: byHandPath}
		}, []string{"apps/payments/checkout/ci/quay-robot has 1", "teams/payments/quay has 1"}},
		"in a Secret": {func(w *world, token string) robot.AdoptOptions {
			w.secrets["push"] = w.render(jenkins, token, 0)
			return robot.AdoptOptions{Secret: &robot.Place{Namespace: "payments", Name: "push"}}
		}, []string{"apps/payments/checkout/ci/quay-robot has 1"}},
		"in the Secret that it is to be": {func(w *world, token string) robot.AdoptOptions {
			w.secrets[w.Secret] = w.render(jenkins, token, 0)
			return robot.AdoptOptions{Secret: &robot.Place{Namespace: w.Namespace, Name: w.Secret}}
		}, []string{"apps/payments/checkout/ci/quay-robot has 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).withPlatform()
			token := w.byHand(jenkins)
			opts := test.keep(w, token)
			opts.Robot, opts.Foreign = jenkins, []string{"team-platform/base"}
			w.quay.ForgetRequests()
			for range 2 {
				result, err := robot.Adopt(t.Context(), w.services(), w.Tenant, opts)
				if err != nil || result.Robot != jenkins {
					t.Fatalf("adopted %q, %v", result.Robot, err)
				}
				w.adopted(name, jenkins, token)
				if diff := cmp.Diff(test.want, w.written()); diff != "" {
					t.Errorf("what was written (-want +got):\n%s", diff)
				}
			}
			w.lifted(token)
		})
	}
}

// lifted has the Secret rendered from the team's path, verifies, rotates, and fails the test unless all of that is as with any team.
func (w *world) lifted(token string) {
	w.Helper()
	w.crashAt = 0
	w.external[w.Secret] = robot.ExternalSecret{Ready: true, Path: w.VaultPath}
	w.Tenant.RobotNames = append(slices.Clone(w.RobotNames), jenkins) // As config-tenancy has it by now.
	w.sync(w.Secret)
	if username, got := w.secretCredential(); username != jenkins || got != token {
		w.Errorf("the Secret has %q", username)
	}
	if got := wrong(w.verify()); len(got) > 0 {
		w.Errorf("not verified: %q", got)
	}
	if _, err := robot.Rotate(w.Context(), w.services(), w.Tenant, robot.RotateOptions{}); err != nil {
		w.Error(err)
	}
	if robots := w.robots(); !slices.Equal(robots, []string{"team-payments+ci-2"}) || !w.works() {
		w.Errorf("the robots are %q", robots)
	}
	w.pushes("after the rotation")
	if got := wrong(w.verify()); len(got) > 0 {
		w.Errorf("not verified after the rotation: %q", got)
	}
}

// A plan says the same and changes nothing.
func TestPlanAdopt(t *testing.T) {
	w := newWorld(t)
	token := w.byHand(first)
	w.keep(byHandPath, map[string]string{"username": first, "token": token})
	w.quay.ForgetRequests()
	result, err := robot.PlanAdopt(t.Context(), w.services(), w.Tenant, robot.AdoptOptions{VaultPath: byHandPath})
	want := []string{"organization kept", "credential kept", "robot kept", "permission kept", "default-permission kept", "surplus kept", "right kept", "not-shared kept",
		"others kept", "settings kept", "secret kept", "external-secret kept", "vault pending", "old-tokens kept"}
	if diff := cmp.Diff(want, states(result.Steps)); err != nil || diff != "" {
		t.Errorf("%v, plan (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{byHandPath + " has 1"}, w.written()); diff != "" {
		t.Errorf("what was written (-want +got):\n%s", diff)
	}
}

// Rights are set where that is asked for and nowhere else; however the program dies, the old token pushes all the time, is never replaced, and
// the next run gets to the end.
func TestAdoptGoesOnAfterACrashAnywhere(t *testing.T) {
	var token string
	opts, checked := robot.AdoptOptions{VaultPath: byHandPath, Robot: jenkins, FixPermissions: true}, 0
	everyCrash(t, 60, func(crashAt int) *world {
		w := newWorld(t).withPlatform()
		token = w.byHand(jenkins)
		w.quay.Grant("team-payments/web", jenkins, quaytest.Admin)
		w.quay.SetDefaultPermission("team-payments", jenkins, quaytest.Admin)
		// It pushes to api by this team alone.
		w.quay.Grant("team-payments/api", jenkins, quaytest.Read)
		w.quay.AddTeamMember("team-payments", "builders", "creator", jenkins)
		w.quay.GrantTeam("team-payments/api", "builders", quaytest.Write)
		w.quay.AddTeamMember("team-payments", "everybody", "member", jenkins)
		w.keep(byHandPath, map[string]string{"username": jenkins, "token": token})
		w.secrets[w.Secret] = w.render(jenkins, token, 0)
		was := token
		w.calls = 0
		w.listen(func() {
			if w.sampled(crashAt) {
				w.pushes("while it runs")
			}
			if w.quay.RobotToken(jenkins) != was || w.versions[byHandPath][0] == nil || len(w.versions[byHandPath]) != 1 {
				t.Errorf("after call %d something is lost", w.calls)
			}
		})
		return w
	}, func(w *world) error {
		_, err := robot.Adopt(t.Context(), w.services(), w.Tenant, opts)
		return err
	}, func(w *world, when string) {
		w.listen(nil)
		w.adopted(when, jenkins, token)
		w.pushes(when)
		list, err := w.observer().Quay.Robots(t.Context(), w.Organization)
		if err != nil || len(list) != 1 || !slices.Equal(list[0].Teams, []string{"everybody"}) {
			t.Errorf("%s: the robots are %v, %v", when, list, err)
		}
		for _, repository := range own {
			if role := w.quay.Role(repository, jenkins); role != quaytest.Write {
				t.Errorf("%s: it has %q on %q", when, role, repository)
			}
		}
		// A rotation takes longer than all the rest.
		if checked++; checked%8 == 1 || when == "without a crash" {
			w.lifted(token)
		}
	})
}
