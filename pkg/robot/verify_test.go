package robot_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// own are the repositories of the tenant in newWorld.
var own = []string{"team-payments/api", "team-payments/web"}

// verify runs Verify against a second organization as well.
func (w *world) verify() robot.Report {
	w.Helper()
	report, err := robot.Verify(w.Context(), w.services(), w.Tenant, own, []string{"team-platform/base"})
	if err != nil {
		w.Fatal(err)
	}
	return report
}

// withPlatform adds the organization of another team.
func (w *world) withPlatform() *world {
	w.quay.AddOrganization("team-platform")
	w.quay.AddRepository("team-platform", "base")
	return w
}

// wrong are the checks that did not pass, as "id status".
func wrong(r robot.Report) []string {
	lines := []string{}
	for _, c := range r.Checks {
		if c.Status != robot.Passed {
			lines = append(lines, c.ID+" "+string(c.Status))
		}
		if c.Status == robot.Failed && (c.Next == "" || c.Symptom == "" || c.Detail == "") {
			lines = append(lines, c.ID+" says too little")
		}
	}
	return lines
}

func TestVerifyPasses(t *testing.T) {
	w := newWorld(t).withPlatform()
	w.onboard()
	w.quay.ForgetRequests()
	report := w.verify()
	if got := wrong(report); len(got) > 0 || !report.OK() || report.Robot != first {
		t.Errorf("%s, not passed: %q", report.Robot, got)
	}
	ids := []string{}
	for _, c := range report.Checks {
		ids = append(ids, c.ID)
	}
	want := []string{"organization", "vault-data", "vault-robot", "vault-token", "external-secret", "external-secret-path", "external-secret-refresh", "secret-type", "secret-host",
		"secret-robot", "secret-token", "secret-age", "default-permission", "push-right", "no-right-elsewhere", "old-tokens", "other-robots", "vault-settings"}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Errorf("checks (-want +got):\n%s", diff)
	}
	for _, r := range w.quay.Requests() {
		if r.Method != http.MethodGet {
			t.Errorf("it sent %s %s", r.Method, r.Path)
		}
	}
}

// Each thing that can be wrong is named, and nothing else with it.
func TestVerifyNames(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(w *world)
		wrong []string
		text  string
	}{
		"the robot lost Write": {func(w *world) { w.quay.Grant("team-payments/web", first, quaytest.Read) },
			[]string{"push-right failed"}, "1 of 2 repositories; not team-payments/web"},
		"a repository is a mirror": {func(w *world) { w.quay.SetState("team-payments/api", quaytest.Mirror) },
			[]string{"push-right failed"}, "not team-payments/api"},
		"the default permission is Read": {func(w *world) { w.quay.SetDefaultPermission("team-payments", first, quaytest.Read) },
			[]string{"default-permission failed"}, `the default permission is "read"`},
		"somebody regenerated the token in Quay's pages": {func(w *world) { w.quay.RegenerateRobot(first) },
			[]string{"vault-token failed"}, "are equal: false"},
		"the robot is deleted": {func(w *world) { w.quay.DeleteRobot(first) },
			[]string{"vault-token failed", "default-permission skipped", "push-right skipped", "no-right-elsewhere skipped", "other-robots skipped"}, `there is no robot "team-payments+ci" in Quay`},
		"Vault was written and the Secret did not follow": {func(w *world) {
			w.put(w.VaultPath, vault.Data{"username": secret.New(first), "token": secret.New(w.quay.RegenerateRobot(first))})
			w.versions[w.VaultPath][0] = nil
		}, []string{"secret-token failed", "secret-age failed"}, "it was rendered from version 1, Vault has 2"},
		"so too where the version is not on the Secret": {func(w *world) {
			w.put(w.VaultPath, vault.Data{"username": secret.New(first), "token": secret.New(w.quay.RegenerateRobot(first))})
			w.versions[w.VaultPath][0] = nil
			secret := w.secrets[w.Secret]
			secret.VaultVersion = 0
			w.secrets[w.Secret] = secret
		}, []string{"secret-token failed", "secret-age failed"}, "it was refreshed at "},
		"an older version was left": {func(w *world) {
			w.put(w.VaultPath, vault.Data{"username": secret.New(first), "token": secret.New(w.quay.RobotToken(first))})
			w.sync(w.Secret)
		}, []string{"old-tokens failed"}, "[1]"},
		"Vault is empty": {func(w *world) { w.versions = map[string][]*vault.Secret{} },
			[]string{"vault-data failed", "vault-robot skipped", "vault-token skipped", "secret-token skipped", "secret-age skipped",
				"default-permission skipped", "push-right skipped", "no-right-elsewhere skipped", "other-robots skipped"}, "there is nothing at"},
		"a third key in Vault": {func(w *world) { w.versions[w.VaultPath][0].Data["password"] = secret.New("x") },
			[]string{"vault-data failed"}, `["password" "token" "username"]`},
		"another team's robot in Vault and Secret": {func(w *world) {
			token := w.quay.AddRobot("team-platform", "ci")
			w.put(w.VaultPath, vault.Data{"username": secret.New("team-platform+ci"), "token": secret.New(token)})
			w.versions[w.VaultPath][0] = nil
			w.sync(w.Secret)
		}, []string{"vault-robot failed", "vault-token skipped", "secret-robot failed", "secret-token skipped", "secret-age skipped",
			"default-permission skipped", "push-right skipped", "no-right-elsewhere skipped", "other-robots skipped"}, `it is "team-platform+ci"`},
		"the ExternalSecret is not ready": {func(w *world) {
			e := w.external[w.Secret]
			e.Ready, e.Reason, e.Message = false, "SecretSyncedError", "permission denied"
			w.external[w.Secret] = e
		}, []string{"external-secret failed"}, `SecretSyncedError "permission denied"`},
		"the same was written to Vault again, and the Secret has it": {func(w *world) {
			w.put(w.VaultPath, vault.Data{"username": secret.New(first), "token": secret.New(w.quay.RobotToken(first))})
		}, []string{"old-tokens failed"}, "[1]"},
		"it reads another path": {func(w *world) {
			e := w.external[w.Secret]
			e.Path = "apps/platform/base/ci/quay-robot"
			w.external[w.Secret] = e
		}, []string{"external-secret-path failed"}, `it reads "apps/platform/base/ci/quay-robot"`},
		"the ExternalSecret is not one path": {func(w *world) {
			e := w.external[w.Secret]
			e.Path, e.Odd = "", "spec.dataFrom[0].find reads whatever matches"
			w.external[w.Secret], w.VaultPath = e, ""
		}, []string{"vault-data skipped", "vault-robot skipped", "vault-token skipped", "external-secret-path failed", "secret-token skipped", "secret-age skipped",
			"default-permission skipped", "push-right skipped", "no-right-elsewhere skipped", "old-tokens skipped", "other-robots skipped", "vault-settings skipped"},
			"spec.dataFrom[0].find reads whatever matches"},
		"the ExternalSecret never refreshes": {func(w *world) {
			e := w.external[w.Secret]
			e.Frozen = "spec.refreshInterval is 0"
			w.external[w.Secret] = e
		}, []string{"external-secret-refresh failed"}, "it never does: spec.refreshInterval is 0"},
		"the Secret is immutable": {func(w *world) { s := w.secrets[w.Secret]; s.Immutable = true; w.secrets[w.Secret] = s },
			[]string{"external-secret-refresh failed"}, "it never does: the Secret is immutable"},
		"Vault keeps one version": {func(w *world) { w.mount.MaxVersions = 1 },
			[]string{"vault-settings failed"}, `max_versions of the mount "secret" in Vault is 1`},
		"nobody may see what Vault keeps": {func(w *world) { w.mount.Hidden = true }, []string{"vault-settings skipped"}, ""},
		"Vault deletes the credential soon": {func(w *world) { w.versions[w.VaultPath][0].Ends = w.quay.Now().Add(time.Hour) },
			[]string{"vault-settings failed"}, "Vault deletes version 1 at "},
		"the mount is another": {func(w *world) { w.mount.Engine = "pki" },
			[]string{"vault-settings failed"}, `is of type "pki"`},
		"there is no ExternalSecret": {func(w *world) { w.external = map[string]robot.ExternalSecret{} },
			[]string{"external-secret failed", "external-secret-path skipped", "external-secret-refresh skipped"}, "there is no ExternalSecret"},
		"there is no Secret": {func(w *world) { w.secrets = map[string]robot.Secret{} },
			[]string{"secret-type failed", "secret-host skipped", "secret-robot skipped", "secret-token skipped", "secret-age skipped"}, "there is no Secret"},
		"the Secret has another type": {func(w *world) { s := w.secrets[w.Secret]; s.Type = "Opaque"; w.secrets[w.Secret] = s },
			[]string{"secret-type failed"}, `it has the type "Opaque"`},
		"the Secret is for another registry": {func(w *world) {
			s := w.secrets[w.Secret]
			s.Dockerconfig = secret.New(strings.ReplaceAll(s.Dockerconfig.Reveal(), w.Registry, "docker.io"))
			w.secrets[w.Secret] = s
		}, []string{"secret-host failed", "secret-robot skipped", "secret-token skipped", "secret-age skipped"}, "no entry"},
		"the robot is in a team of another organization": {func(w *world) {
			w.quay.AddTeamMember("team-platform", "pushers", "member", first)
			w.quay.GrantTeam("team-platform/base", "pushers", quaytest.Write)
		}, []string{"no-right-elsewhere failed"}, "it may push to team-platform/base"},
		"the standby robot of before has its rights": {func(w *world) {
			w.quay.AddRobot("team-payments", "ci-b")
			w.quay.Grant("team-payments/api", standby, quaytest.Write)
			w.quay.SetDefaultPermission("team-payments", standby, quaytest.Write)
		}, []string{"other-robots failed"}, `1 others hold a right: "team-payments+ci-b" has a role on 1 repositories, 1 default permissions`},
		"the robot before is in another organization's team": {func(w *world) {
			w.quay.AddRobot("team-payments", "ci-b")
			w.quay.AddTeamMember("team-platform", "pushers", "member", standby)
		}, []string{"other-robots failed"}, `"team-payments+ci-b" has teams pushers of another organization`},
		"it lost its default permission, as one that leaked": {func(w *world) {
			s := w.observer()
			all, err := s.Quay.Prototypes(w.Context(), "team-payments")
			if err != nil || s.Quay.DeletePrototype(w.Context(), "team-payments", all[0].ID) != nil {
				w.Error(err)
			}
		}, []string{"default-permission failed"}, "there is no default permission for the robot"},
		"the organization is gone": {func(w *world) { w.Organization = "team-none" },
			nil, `there is no organization "team-none"`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).withPlatform()
			w.onboard()
			test.spoil(w)
			if w.Organization == "team-none" {
				report, err := robot.Verify(t.Context(), w.services(), w.Tenant, nil, nil)
				if report.Checks[0].Status != robot.Failed || !strings.Contains(report.Checks[0].Detail, test.text) {
					t.Errorf("report is %v, %v", report, err)
				}
				return
			}
			report := w.verify()
			if diff := cmp.Diff(test.wrong, wrong(report)); diff != "" || report.OK() {
				t.Errorf("not passed (-want +got):\n%s", diff)
			}
			if test.text != "" && !slices.ContainsFunc(report.Checks, func(c robot.Check) bool { return c.Status == robot.Failed && strings.Contains(c.Detail, test.text) }) {
				t.Errorf("no check says %q: %v", test.text, report.Checks)
			}
			if printed := fmt.Sprintf("%#v", report); strings.Contains(printed, w.quay.RobotToken(first)) && w.quay.RobotToken(first) != "" {
				t.Error("the report has the token")
			}
		})
	}
}

// Whoever swapped user name and token finds no token in what verify says of Vault and the Secret.
func TestVerifyShowsNoSwappedToken(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	token := strings.Repeat("CANARY00", 8)
	w.put(w.VaultPath, vault.Data{"username": secret.New(token), "token": secret.New(first)})
	w.secrets[w.Secret] = w.render(token, first, 2)
	r := w.verify()
	for _, id := range []string{"vault-robot", "secret-robot"} {
		i := slices.IndexFunc(r.Checks, func(c robot.Check) bool { return c.ID == id })
		if i < 0 || r.Checks[i].Status != robot.Failed || r.Checks[i].Detail != "it is a name of 64 bytes that is no robot's" {
			t.Errorf("%s is not told so: %v", id, wrong(r))
		}
	}
	if said := fmt.Sprint(r); strings.Contains(said, "CANARY00") {
		t.Errorf("the token is in %s", said)
	}
}

// A setting that could not be read is not known, and the right that is missing is named.
func TestVerifyNamesTheRightToSeeTheSettings(t *testing.T) {
	w := newWorld(t).withPlatform()
	w.onboard()
	w.mount.Hidden = true
	checks := w.verify().Checks
	if c := checks[len(checks)-1]; c.ID != "vault-settings" || c.Status != robot.Skipped || !strings.Contains(c.Detail, "is not known") || !strings.Contains(c.Next, "read on secret/config") {
		t.Errorf("check is %+v", c)
	}
	w.limits.MaxVersions = 5
	if report := w.verify(); !report.OK() {
		t.Errorf("with a setting of its own: %q", wrong(report))
	}
}

// Without a list it is every repository of the organization that takes pushes.
func TestVerifyFindsTheRepositories(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	w.quay.SetState("team-payments/web", quaytest.Mirror)
	report, err := robot.Verify(t.Context(), w.services(), w.Tenant, nil, nil)
	if got := wrong(report); len(got) > 0 || err != nil {
		t.Errorf("not passed: %q, %v", got, err)
	}
	if !slices.ContainsFunc(report.Checks, func(c robot.Check) bool { return c.ID == "push-right" && c.Detail == "1 of 1 repositories" }) {
		t.Errorf("checks are %v", report.Checks)
	}
}

// What cannot be asked is an error, not a failed check.
func TestVerifyFails(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	s := w.services()
	w.quay.RevokeOAuthTokens()
	if _, err := robot.Verify(t.Context(), s, w.Tenant, nil, nil); err == nil || !strings.Contains(err.Error(), `verifying team "payments": reading organization "team-payments"`) {
		t.Errorf("error is %v", err)
	}
}

// tenants onboards n tenants, team-0 and so on, each with one repository, and returns them.
func (w *world) tenants(n int) []robot.Tenant {
	w.Helper()
	var all []robot.Tenant
	for i := range n {
		team := fmt.Sprint("t", i)
		names, err := robot.NewTenant(convention(w), team, "division", team)
		if err != nil {
			w.Fatal(err)
		}
		names.Registry = w.quay.Host()
		w.quay.AddOrganization(names.Organization)
		w.quay.AddImmutability(names.Organization, anchorPattern, true)
		w.quay.AddRepository(names.Organization, "app")
		token := w.quay.AddRobot(names.Organization, "ci")
		w.quay.Grant(names.Organization+"/app", names.Robot(1), quaytest.Write)
		w.quay.SetDefaultPermission(names.Organization, names.Robot(1), quaytest.Write)
		w.put(names.VaultPath, vault.Data{"username": secret.New(names.Robot(1)), "token": secret.New(token)})
		w.external[names.Secret] = robot.ExternalSecret{Ready: true, Path: names.VaultPath}
		w.sync(names.Secret)
		all = append(all, names)
	}
	return all
}

func TestVerifyAll(t *testing.T) {
	w := newWorld(t)
	tenants := w.tenants(40)
	w.quay.ForgetRequests()
	reports, err := robot.VerifyAll(t.Context(), w.services(), tenants)
	if err != nil {
		t.Fatal(err)
	}
	// However many tenants there are, each costs the same, besides one request for all of them.
	if got := len(w.quay.Requests()); got != 7*len(tenants)+1 {
		t.Errorf("%d requests to Quay for %d tenants", got, len(tenants))
	}
	for i, r := range reports {
		if got := wrong(r); len(got) > 0 || r.Tenant != tenants[i].Team {
			t.Errorf("team %s: %q", r.Tenant, got)
		}
	}
	// Two teams share a token: the onboarding of one took the other's Secret.
	w.secrets[tenants[3].Secret] = w.secrets[tenants[7].Secret]
	// And two read the same path.
	e := w.external[tenants[10].Secret]
	e.Path = tenants[11].VaultPath
	w.external[tenants[10].Secret] = e
	reports, err = robot.VerifyAll(t.Context(), w.services(), tenants)
	if err != nil {
		t.Fatal(err)
	}
	for team, want := range map[int][]string{
		3:  {"secret-robot failed", "secret-token failed", "not-shared failed"},
		7:  {"not-shared failed"},
		10: {"external-secret-path failed", "not-shared failed"},
		11: {"not-shared failed"},
		12: {},
	} {
		if diff := cmp.Diff(want, wrong(reports[team])); diff != "" {
			t.Errorf("team t%d (-want +got):\n%s", team, diff)
		}
	}
	last := reports[3].Checks[len(reports[3].Checks)-1]
	if last.Detail != "it shares the token with t7" {
		t.Errorf("detail is %q", last.Detail)
	}
}

// What is wrong with asking about one team is a finding of that team, and stops nobody else.
func TestVerifyAllGoesOnAfterOneTeam(t *testing.T) {
	for name, test := range map[string]struct {
		spoil      func(w *world, t robot.Tenant) robot.Tenant
		text, next string
	}{
		"no owner": {func(w *world, t robot.Tenant) robot.Tenant {
			w.quay.Faults.Add(quaytest.Fault{Path: "/organization/team-t1$", Times: -1, Effect: quaytest.Status(200, nil, `{"name":"team-t1","is_admin":false}`)})
			return t
		}, `does not administer "team-t1"`, "of an owner of the organization"},
		"a right is missing": {func(w *world, t robot.Tenant) robot.Tenant {
			w.quay.Faults.Add(quaytest.Fault{Path: "/team-t1/prototypes$", Times: -1, Effect: quaytest.Status(403, nil, `{"error_message":"Unauthorized"}`)})
			return t
		}, "403 Forbidden", "the scope org:admin"},
		"Quay fails at it": {func(w *world, t robot.Tenant) robot.Tenant {
			w.quay.Faults.Add(quaytest.Fault{Path: "/organization/team-t1($|/)", Times: -1, Effect: quaytest.Status(500, nil, `{"message":"oops"}`)})
			return t
		}, "500 Internal Server Error", "see what Quay's own log says"},
		"Quay fails at its repositories": {func(w *world, t robot.Tenant) robot.Tenant {
			w.quay.Faults.Add(quaytest.Fault{Path: "/api/v1/repository$", Times: -1, Effect: func(q *quaytest.Quay, answer http.ResponseWriter, r *http.Request, next http.Handler) {
				if r.URL.Query().Get("namespace") == "team-t1" {
					next = http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
						http.Error(answer, "", http.StatusInternalServerError)
					})
				}
				next.ServeHTTP(answer, r)
			}})
			return t
		}, "500 Internal Server Error", "see what Quay's own log says"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			tenants := w.tenants(3)
			tenants[1] = test.spoil(w, tenants[1])
			reports, err := robot.VerifyAll(t.Context(), w.services(), tenants)
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range reports {
				if got := wrong(r); (len(got) > 0) != (i == 1) {
					t.Errorf("team %s: %q", r.Tenant, got)
				}
			}
			i := slices.IndexFunc(reports[1].Checks, robot.Check.NotAsked)
			if i < 0 || reports[1].Checks[i].ID != "asked" || !strings.Contains(reports[1].Checks[i].Detail, test.text) || !strings.Contains(reports[1].Checks[i].Next, test.next) {
				t.Errorf("checks are %+v", reports[1].Checks)
			}
		})
	}
}

func TestVerifyAllStopsAtTheFirstError(t *testing.T) {
	w := newWorld(t)
	tenants := w.tenants(20)
	w.crashAt = 30
	if _, err := robot.VerifyAll(t.Context(), w.services(), tenants); !errors.Is(err, errCrash) {
		t.Errorf("error is %v", err)
	}
}
