package robot_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// with returns a Secret with more entries in its Docker config file.
func (w *world) with(username, token, more string) robot.Secret {
	s := w.render(username, token, 0)
	s.Dockerconfig = secret.New(strings.Replace(s.Dockerconfig.Reveal(), `{"auths":{`, `{"auths":{`+more+`,`, 1))
	return s
}

// twice returns a Secret that has robot ci with its token by one key for the registry, and another user by a second.
func (w *world) twice(token string) robot.Secret {
	auth := base64.StdEncoding.EncodeToString([]byte(first + ":" + token))
	return robot.Secret{Dockerconfig: secret.New(fmt.Sprintf(`{"auths":{"http://%[1]s":{"auth":%[2]q},"https://%[1]s":{"auth":"eDp5"}}}`, w.Registry, auth))}
}

// What could be somebody else's, would lose something, or is not what a robot should be, is refused, with its reason and the next step, and
// nothing is written anywhere.
func TestAdoptRefuses(t *testing.T) {
	const ghcr = `"ghcr.io":{"auth":"dTpw"}`
	fromSecret := robot.AdoptOptions{Secret: &robot.Place{Namespace: "payments", Name: "push"}}
	fromPath := robot.AdoptOptions{VaultPath: byHandPath}
	for name, test := range map[string]struct {
		// prepare changes a world in which all is right: robot ci, by hand, with its token at the tenant's own path.
		prepare func(w *world, token string)
		opts    robot.AdoptOptions
		reason  robot.Reason
		step    string
		want    string
	}{
		"a token that was replaced": {func(w *world, _ string) { w.quay.RegenerateRobot(first) }, robot.AdoptOptions{}, robot.ReasonDrift, "robot",
			`"apps/payments/checkout/ci/quay-robot" in Vault has a token of robot "team-payments+ci" that Quay does not take: it is another robot's, or was replaced; put the token there that the robot's page in Quay shows`},
		"another robot's token": {func(w *world, _ string) {
			w.keep(byHandPath, map[string]string{"username": first, "token": w.quay.AddRobot("team-payments", "other")})
		}, fromPath, robot.ReasonDrift, "robot", "that Quay does not take: it is another robot's"},
		"a robot that is gone": {func(w *world, _ string) { w.quay.DeleteRobot(first) }, robot.AdoptOptions{}, robot.ReasonDrift, "robot", "Quay has no such robot; there is nothing to adopt: run onboard"},
		"a robot of another organization": {func(w *world, _ string) {
			w.keep(byHandPath, map[string]string{"username": "team-platform+ci", "token": w.quay.AddRobot("team-platform", "ci")})
		}, fromPath, robot.ReasonRefused, "robot", `a robot of another organization than the team's, which is "team-payments"`},
		"a robot of another organization that is named": {func(w *world, _ string) {
			w.keep(byHandPath, map[string]string{"username": "team-platform+ci", "token": w.quay.AddRobot("team-platform", "ci")})
		}, robot.AdoptOptions{VaultPath: byHandPath, Robot: "team-platform+ci"}, robot.ReasonRefused, "robot", "a robot of another organization"},
		"a person": {func(w *world, _ string) { w.keep(byHandPath, map[string]string{"username": "alice", "token": "x"}) }, fromPath, robot.ReasonRefused, "robot",
			`"teams/payments/quay" in Vault has the credential of a name of 5 bytes that is no robot's: user name and token are swapped, or it is a person's`},
		"another name": {func(w *world, _ string) {
			w.keep(byHandPath, map[string]string{"username": jenkins, "token": w.byHand(jenkins)})
		}, fromPath, robot.ReasonRefused, "robot",
			"if it is the team's alone run it again with --robot team-payments+jenkins"},
		"another robot than is named": {func(*world, string) {}, robot.AdoptOptions{Robot: jenkins}, robot.ReasonRefused, "robot", `and not of "team-payments+jenkins"`},
		"no organization":             {func(w *world, _ string) { w.renamed("team-other") }, robot.AdoptOptions{}, robot.ReasonMissing, "organization", `there is no organization "team-other"`},
		"nothing at the path": {func(*world, string) {}, fromPath, robot.ReasonMissing, "credential",
			`there is nothing at "teams/payments/quay" in Vault; say where it is with --vault-path or --from-secret NAMESPACE/NAME`},
		"nothing at the path, and a Secret": {func(w *world, token string) { w.secrets[w.Secret] = w.render(first, token, 0) }, fromPath, robot.ReasonMissing, "credential",
			"run it again with --from-secret openshift-pipelines/quay-robot-team-payments, which has one"},
		"other keys": {func(w *world, token string) { w.keep(byHandPath, map[string]string{"robot": first, "token": token}) }, fromPath, robot.ReasonRefused, "credential",
			`has the keys ["robot" "token"], and not username with token or password`},
		"other keys at its own path": {func(w *world, token string) {
			w.versions[w.VaultPath] = nil
			w.keep(w.VaultPath, map[string]string{"username": first, "token": token, "email": "ci"})
		}, robot.AdoptOptions{}, robot.ReasonRefused, "credential", `has the keys ["email" "token" "username"], and the ExternalSecret reads username and token, and nothing else`},
		"another credential at its own path": {func(w *world, token string) {
			w.versions[w.VaultPath] = nil
			w.keep(w.VaultPath, map[string]string{"username": first, "token": "older"})
			w.keep(byHandPath, map[string]string{"username": first, "token": token})
		}, fromPath, robot.ReasonRefused, "vault", `"apps/payments/checkout/ci/quay-robot" in Vault has another credential than "teams/payments/quay" in Vault, and none is overwritten`},
		"no Secret": {func(*world, string) {}, fromSecret, robot.ReasonMissing, "credential", `there is no Secret "payments/push"`},
		"a Secret of another type": {func(w *world, token string) {
			s := w.render(first, token, 0)
			s.Type = "Opaque"
			w.secrets["push"] = s
		}, fromSecret, robot.ReasonRefused, "credential", `has the type "Opaque", and not "kubernetes.io/dockerconfigjson"`},
		"a Secret of several registries": {func(w *world, token string) { w.secrets["push"] = w.with(first, token, ghcr) }, fromSecret, robot.ReasonRefused, "credential",
			"ghcr.io; make a Secret with the entry of this registry alone, and give that one with --from-secret"},
		"a Secret of another registry": {func(w *world, _ string) {
			w.secrets["push"] = robot.Secret{Type: "kubernetes.io/dockerconfigjson", Dockerconfig: secret.New(`{"auths":{` + ghcr + `}}`)}
		}, fromSecret, robot.ReasonRefused, "credential", `the file has entries for ["ghcr.io"]`},
		"the Secret has several registries": {func(w *world, token string) { w.secrets[w.Secret] = w.with(first, token, ghcr) }, robot.AdoptOptions{}, robot.ReasonRefused, "secret",
			"which what is rendered has not: ghcr.io; keep those in a Secret of their own"},
		"a password at its own path": {func(w *world, token string) {
			w.keep(w.VaultPath, map[string]string{"username": first, "password": token})
		}, robot.AdoptOptions{}, robot.ReasonRefused, "credential",
			`has the keys ["password" "username"], and the ExternalSecret reads username and token, and nothing else`},
		"a file at its own path": {func(w *world, _ string) { w.keep(w.VaultPath, map[string]string{".dockerconfigjson": "{}"}) }, robot.AdoptOptions{}, robot.ReasonRefused, "credential",
			`has the keys [".dockerconfigjson"], and the ExternalSecret reads`},
		"no token": {func(w *world, _ string) { w.keep(w.VaultPath, map[string]string{"username": first, "token": ""}) }, robot.AdoptOptions{}, robot.ReasonRefused, "credential", "has an empty username or token"},
		"no name":  {func(w *world, token string) { w.keep(w.VaultPath, map[string]string{"username": "", "token": token}) }, robot.AdoptOptions{}, robot.ReasonRefused, "credential", "has an empty username or token"},
		"the Secret cannot be read as one": {func(w *world, _ string) {
			w.secrets[w.Secret] = robot.Secret{Type: "kubernetes.io/dockerconfigjson", Dockerconfig: secret.New("{")}
		}, robot.AdoptOptions{}, robot.ReasonRefused, "secret", "cannot be used: invalid dockerconfig"},
		"the Secret has another credential": {func(w *world, _ string) { w.secrets[w.Secret] = w.render(first, "older", 0) }, robot.AdoptOptions{}, robot.ReasonRefused, "secret",
			`has another credential, of "team-payments+ci", than "apps/payments/checkout/ci/quay-robot" in Vault, and none is overwritten`},
		"the Secret is immutable": {func(w *world, token string) {
			s := w.render(first, token, 0)
			s.Immutable = true
			w.secrets[w.Secret] = s
		}, robot.AdoptOptions{}, robot.ReasonRefused, "secret", "is immutable, and never takes over a new token"},
		"the Secret is another's": {func(w *world, token string) {
			s := w.render(first, token, 0)
			s.Owner = `ExternalSecret "quay-push"`
			w.secrets[w.Secret] = s
		}, robot.AdoptOptions{}, robot.ReasonRefused, "secret", `is kept by ExternalSecret "quay-push", and External Secrets takes over none of another's; delete that, from Git first`},
		"the Secret is opaque": {func(w *world, token string) {
			s := w.render(first, token, 0)
			s.Type = "Opaque"
			w.secrets[w.Secret] = s
		}, robot.AdoptOptions{}, robot.ReasonRefused, "secret", `has the type "Opaque", which never changes`},
		"the ExternalSecret reads elsewhere": {func(w *world, _ string) { w.external[w.Secret] = robot.ExternalSecret{Path: "apps/x/y/ci/quay-robot"} }, robot.AdoptOptions{}, robot.ReasonRefused,
			"external-secret", `reads "apps/x/y/ci/quay-robot"; see who wrote it; delete it, from Git first, with kubectl delete externalsecret quay-robot-team-payments --namespace openshift-pipelines --cascade=orphan`},
		"the ExternalSecret is odd": {func(w *world, _ string) {
			w.external[w.Secret] = robot.ExternalSecret{Odd: "spec.dataFrom[0].find reads whatever matches"}
		}, robot.AdoptOptions{},
			robot.ReasonRefused, "external-secret", "does not read one path in Vault alone: spec.dataFrom[0].find"},
		"the ExternalSecret's target is another": {func(w *world, _ string) {
			w.external[w.Secret] = robot.ExternalSecret{Path: w.VaultPath, Frozen: "spec.target.immutable is true"}
		}, robot.AdoptOptions{},
			robot.ReasonRefused, "external-secret", "has a target that what is rendered does not replace: spec.target.immutable is true"},
		"no Write": {func(w *world, _ string) { w.quay.Grant("team-payments/web", first, quaytest.Read) }, robot.AdoptOptions{}, robot.ReasonNoRight, "permission",
			`"team-payments+ci" lacks Write on team-payments/web; run it again with --fix-permissions`},
		"no default permission": {func(w *world, _ string) { w.quay.SetDefaultPermission("team-payments", first, quaytest.Read) }, robot.AdoptOptions{}, robot.ReasonNoRight, "default-permission",
			`the default permission is "read"; run it again with --fix-permissions`},
		"Admin": {func(w *world, _ string) { w.quay.Grant("team-payments/web", first, quaytest.Admin) }, robot.AdoptOptions{}, robot.ReasonRefused, "surplus",
			`robot "team-payments+ci" may do more than push: it administers team-payments/web; run it again with --fix-permissions`},
		"Admin by a team that stays": {func(w *world, _ string) {
			w.quay.AddTeamMember("team-payments", "builders", "member", first)
			w.quay.GrantTeam("team-payments/web", "builders", quaytest.Admin)
		}, robot.AdoptOptions{FixPermissions: true}, robot.ReasonRefused, "", "it administers team-payments/web; see in Quay which team gives it more"},
		"an owner": {func(w *world, _ string) { w.quay.AddTeamMember("team-payments", "owners", "admin", first) }, robot.AdoptOptions{}, robot.ReasonRefused, "surplus",
			`it is in team "owners" with the role "admin"`},
		"a member of another organization": {func(w *world, _ string) {
			w.quay.AddTeamMember("team-platform", "pushers", "member", first)
			w.quay.GrantTeam("team-platform/base", "pushers", quaytest.Write)
		}, robot.AdoptOptions{Foreign: []string{"team-platform/base"}, FixPermissions: true}, robot.ReasonRefused, "surplus", "2 things stand against it, the first: robot \"team-payments+ci\" is in the teams pushers of another organization"},
		"another team reads the same path": {func(*world, string) {}, robot.AdoptOptions{Others: []robot.Tenant{{Team: "billing", VaultPath: "apps/payments/checkout/ci/quay-robot"}}},
			robot.ReasonRefused, "not-shared", `another team has the same: team "billing" reads "apps/payments/checkout/ci/quay-robot" in Vault`},
		"another team reads the path that is named": {func(w *world, token string) {
			w.keep(byHandPath, map[string]string{"username": first, "token": token})
		}, robot.AdoptOptions{VaultPath: byHandPath, Others: []robot.Tenant{{Team: "billing", VaultPath: byHandPath}}}, robot.ReasonRefused, "not-shared", `team "billing" reads "teams/payments/quay" in Vault`},
		"a Vault that keeps one version": {func(w *world, _ string) { w.mount.Limits.MaxVersions = 1 }, robot.AdoptOptions{}, robot.ReasonRefused, "settings", "and a rotation that is left undone is known by the older version"},
		"a Vault of another kind":        {func(w *world, _ string) { w.mount.Engine = "kv version 1" }, robot.AdoptOptions{}, robot.ReasonRefused, "credential", "needs KV version 2"},
		"a keyless team":                 {func(w *world, _ string) { w.Keyless = true }, robot.AdoptOptions{}, robot.ReasonRefused, "none", "is keyless"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).withPlatform()
			token := w.byHand(first)
			w.keep(w.VaultPath, map[string]string{"username": first, "token": token})
			test.prepare(w, token)
			w.quay.ForgetRequests()
			before := w.written()
			result, err := robot.Adopt(t.Context(), w.services(), w.Tenant, test.opts)
			refusal := (*robot.Error)(nil)
			if !errors.As(err, &refusal) || refusal.Reason != test.reason || !strings.Contains(err.Error(), test.want) {
				t.Errorf("it says %v, want %s: %q", err, test.reason, test.want)
			}
			if test.step == "" {
				return // It set what it could.
			}
			if diff := cmp.Diff(before, w.written()); diff != "" {
				t.Errorf("what was written (-want +got):\n%s", diff)
			}
			refused := slices.IndexFunc(result.Steps, func(s robot.Step) bool { return s.State == robot.Refused })
			if step := "none"; refused >= 0 {
				step = result.Steps[refused].ID
				if step != test.step {
					t.Errorf("step %q is refused first", step)
				}
			} else if step != test.step {
				t.Errorf("no step is refused: %v", states(result.Steps))
			}
		})
	}
}

// All that stands against an adoption is told at once.
func TestAdoptTellsAllThatIsWrong(t *testing.T) {
	w := newWorld(t)
	token := w.byHand(first)
	w.keep(w.VaultPath, map[string]string{"username": first, "token": token})
	w.quay.Grant("team-payments/web", first, quaytest.Admin)
	w.secrets[w.Secret] = w.render(first, "older", 0)
	result, err := robot.PlanAdopt(t.Context(), w.services(), w.Tenant, robot.AdoptOptions{})
	refused := []string{}
	for _, s := range result.Steps {
		if s.State == robot.Refused {
			refused = append(refused, s.ID)
		}
	}
	if !slices.Equal(refused, []string{"surplus", "secret"}) || err == nil || !strings.HasPrefix(err.Error(), "2 things stand against it, the first: robot") {
		t.Errorf("refused are %q, %v", refused, err)
	}
}

// Whoever swapped user name and token finds no token in what is said, wherever it is: in the team's path, its Secret, or what is given.
func TestAdoptShowsNoSwappedToken(t *testing.T) {
	token := strings.Repeat("CANARY00", 8)
	for name, test := range map[string]struct {
		prepare func(w *world, good string)
		opts    robot.AdoptOptions
	}{
		"the team's path": {func(w *world, _ string) { w.keep(w.VaultPath, map[string]string{"username": token, "token": first}) }, robot.AdoptOptions{}},
		"a path that is given": {func(w *world, _ string) { w.keep(byHandPath, map[string]string{"username": token, "password": first}) },
			robot.AdoptOptions{VaultPath: byHandPath}},
		"a path, with a robot that is given": {func(w *world, _ string) { w.keep(byHandPath, map[string]string{"username": token, "token": first}) },
			robot.AdoptOptions{VaultPath: byHandPath, Robot: jenkins}},
		"behind the organization": {func(w *world, good string) {
			w.keep(byHandPath, map[string]string{"username": "team-payments+" + token, "token": good})
		}, robot.AdoptOptions{VaultPath: byHandPath}},
		"a Secret that is given": {func(w *world, _ string) { w.secrets["push"] = w.render(token, first, 0) },
			robot.AdoptOptions{Secret: &robot.Place{Namespace: "payments", Name: "push"}}},
		"the team's Secret": {func(w *world, good string) {
			w.keep(w.VaultPath, map[string]string{"username": first, "token": good})
			w.secrets[w.Secret] = w.render(token, first, 0)
		}, robot.AdoptOptions{}},
		"the team's path, beside another": {func(w *world, good string) {
			w.keep(byHandPath, map[string]string{"username": first, "token": good})
			w.keep(w.VaultPath, map[string]string{"username": token, "token": first})
		}, robot.AdoptOptions{VaultPath: byHandPath}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			test.prepare(w, w.byHand(first))
			result, err := robot.PlanAdopt(t.Context(), w.services(), w.Tenant, test.opts)
			said := fmt.Sprint(result.Steps, err)
			if err == nil || strings.Contains(said, "CANARY00") || !strings.Contains(said, "bytes that is no robot's") {
				t.Errorf("it says %s", said)
			}
		})
	}
}

// Another team's Secret or path with the robot is a refusal, and one with its own is none; what cannot be looked at is told.
func TestAdoptLooksAtOtherTeams(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(w *world, token string)
		state   robot.State
		want    string
	}{
		"nothing":    {func(*world, string) {}, robot.Kept, "none of 1 others has"},
		"its own":    {func(w *world, _ string) { w.secrets["platform"] = w.render("team-platform+ci", "other", 0) }, robot.Kept, "none of 1 others has"},
		"the Secret": {func(w *world, token string) { w.secrets["platform"] = w.render(first, token, 0) }, robot.Refused, `Secret "x/platform" of team "platform" has robot "team-payments+ci"`},
		"the robot in the Secret, by another token": {func(w *world, _ string) { w.secrets["platform"] = w.render(first, "other", 0) }, robot.Refused, `Secret "x/platform" of team "platform" has robot "team-payments+ci"`},
		"the token in the Secret": {func(w *world, token string) { w.secrets["platform"] = w.render("team-platform+ci", token, 0) }, robot.Refused,
			`Secret "x/platform" of team "platform" has robot "team-platform+ci"`},
		"the robot, by another token": {func(w *world, _ string) {
			w.keep("apps/p", map[string]string{"username": first, "token": "other"})
		}, robot.Refused, `the path "apps/p" of team "platform" has robot "team-payments+ci"`},
		"the token": {func(w *world, token string) {
			w.keep("apps/p", map[string]string{"username": "team-platform+ci", "token": token})
		}, robot.Refused, `the path "apps/p" of team "platform" has robot`},
		"no right": {func(w *world, _ string) { w.noSecret = errors.New("forbidden") }, "", ""},
		"a broken file": {func(w *world, _ string) { w.secrets["platform"] = robot.Secret{Dockerconfig: secret.New("{")} }, robot.Warned,
			`1 of 1 other teams could not be looked at: platform (reading Secret "x/platform": invalid dockerconfig`},
		"two keys for the registry": {func(w *world, token string) { w.secrets["platform"] = w.twice(token) }, robot.Warned,
			`1 of 1 other teams could not be looked at: platform (reading Secret "x/platform": invalid dockerconfig: "http://`},
		"two keys, and the path": {func(w *world, token string) {
			w.secrets["platform"] = w.twice(token)
			w.keep("apps/p", map[string]string{"username": first, "token": token})
		}, robot.Refused, `the path "apps/p" of team "platform" has robot "team-payments+ci"`},
		"another registry's": {func(w *world, _ string) {
			w.secrets["platform"] = robot.Secret{Dockerconfig: secret.New(`{"auths":{"ghcr.io":{"auth":"dTpw"}}}`)}
		}, robot.Kept, "none of 1 others has"},
		"the token at the path, in place of the name": {func(w *world, token string) {
			w.keep("apps/p", map[string]string{"username": "CANARY00", "token": token})
		}, robot.Refused, `the path "apps/p" of team "platform" has a user by a name of 8 bytes that is no robot's`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			token := w.byHand(first)
			w.keep(w.VaultPath, map[string]string{"username": first, "token": token})
			test.prepare(w, token)
			other, err := robot.NewTenant(convention(t), "platform", "platform", "base")
			if err != nil {
				t.Fatal(err)
			}
			other.Namespace, other.Secret, other.VaultPath, other.Registry = "x", "platform", "apps/p", w.Registry
			result, err := robot.PlanAdopt(t.Context(), w.services(), w.Tenant, robot.AdoptOptions{Others: []robot.Tenant{other}})
			if test.state == "" {
				// The team's own Secret cannot be read either, which ends it.
				if err == nil || !strings.Contains(err.Error(), "forbidden") {
					t.Errorf("it says %v", err)
				}
				test.state, test.want = robot.Warned, "1 of 1 other teams could not be looked at: platform (forbidden); run tkn quay verify --all"
			}
			i := slices.IndexFunc(result.Steps, func(s robot.Step) bool { return s.ID == "not-shared" })
			if i < 0 || result.Steps[i].State != test.state || !strings.Contains(result.Steps[i].Detail, test.want) {
				t.Errorf("steps are %v, %v; want %s %q", result.Steps, err, test.state, test.want)
			}
		})
	}
}

// Robots and versions of before are told, and left to rotate.
func TestAdoptWarns(t *testing.T) {
	w := newWorld(t)
	token := w.byHand(first)
	w.quay.AddRobot("team-payments", "ci-b")
	w.quay.Grant("team-payments/web", "team-payments+ci-b", quaytest.Write)
	w.quay.AddRobot("team-payments", "scanner")
	w.quay.Grant("team-payments/web", "team-payments+scanner", quaytest.Admin)
	w.keep(w.VaultPath, map[string]string{"username": first, "token": "older"})
	w.keep(w.VaultPath, map[string]string{"username": first, "token": token})
	result, err := robot.Adopt(t.Context(), w.services(), w.Tenant, robot.AdoptOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, s := range result.Steps {
		if s.State == robot.Warned {
			found[s.ID] = s.Detail
		}
	}
	want := map[string]string{
		"others":     `the team has other robots: "team-payments+ci-b" has a role on 1 repositories; verify names them until rotate has ended them, too: give what pushes with one another robot first`,
		"old-tokens": "versions [1] can be read; verify names them as old-tokens until rotate has destroyed them",
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if live := w.live(); len(live) != 2 || w.quay.RobotToken("team-payments+ci-b") == "" {
		t.Errorf("Vault has %d versions", len(live))
	}
}

// A path names its division and its app where it is of the convention's layout, and of the team's.
func TestLayout(t *testing.T) {
	c := convention(t)
	for path, want := range map[string][2]string{
		"apps/retail/checkout/ci/quay-robot": {"retail", "checkout"}, "apps/retail/a.b-c/ci/quay-robot": {"retail", "a.b-c"},
		"apps/retail/checkout/ci/quay": {}, "teams/payments/quay": {}, "apps/retail/x/y/ci/quay-robot": {}, "apps/Retail/x/ci/quay-robot": {}, "": {}, "x/apps/a/b/ci/quay-robot": {},
	} {
		division, app, ok := robot.Layout(c, "payments", path)
		if got := [2]string{division, app}; ok != (want != [2]string{}) || ok && got != want {
			t.Errorf("%q: %q, %t", path, got, ok)
		}
	}
	c.VaultPath = "teams/<team>/<division>-<app>"
	if division, app, ok := robot.Layout(c, "payments", "teams/payments/retail-checkout"); !ok || division != "retail" || app != "checkout" {
		t.Errorf("%q, %q, %t", division, app, ok)
	}
	if _, _, ok := robot.Layout(c, "billing", "teams/payments/retail-checkout"); ok {
		t.Error("another team's path is taken")
	}
	c.VaultPath = "teams/<team>/robot"
	if _, _, ok := robot.Layout(c, "payments", "teams/payments/robot"); ok {
		t.Error("a path without division and app names them")
	}
}
