package robot_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// precondition is something without which a rotation cannot end well.
type precondition struct {
	name  string
	spoil func(w *world)
	// reason, text and next are those of the refusal.
	reason     robot.Reason
	text, next string
	// inPlace says that it counts for a rotation in place too, bootstrap for bootstrap.
	inPlace, bootstrap bool
}

var preconditions = []precondition{
	{"KV version 1", func(w *world) { w.mount.Engine = vault.Engine1 }, robot.ReasonRefused,
		`the mount "secret" in Vault is KV version 1`, "vault kv enable-versioning secret", true, true},
	{"another engine", func(w *world) { w.mount.Engine = "pki" }, robot.ReasonRefused,
		`the mount "secret" in Vault is of type "pki"`, "vault-mount in ConfigMap config-tenancy", true, true},
	{"no mount", func(w *world) { w.mount.Engine, w.mount.Absent = "", true }, robot.ReasonRefused,
		`there is no mount "secret" in Vault`, "vault secrets enable -path=secret kv-v2", true, true},
	{"one version", func(w *world) { w.mount.MaxVersions = 1 }, robot.ReasonRefused,
		`max_versions of the mount "secret" in Vault is 1`, "vault write secret/config max_versions=10", false, false},
	{"one version of the secret", func(w *world) { w.limits.MaxVersions = 1 }, robot.ReasonRefused,
		`max_versions of the secret "apps/payments/checkout/ci/quay-robot" in Vault is 1`, "vault kv metadata put -mount=secret -max-versions=10", false, false},
	{"a short time", func(w *world) { w.mount.DeleteAfter = time.Hour }, robot.ReasonRefused,
		`delete_version_after of the mount "secret" in Vault is 1h0m0s`, "vault write secret/config delete_version_after=0s", false, false},
	{"a short time of the secret", func(w *world) { w.limits.DeleteAfter = time.Hour }, robot.ReasonRefused,
		`delete_version_after of the secret "apps/payments/checkout/ci/quay-robot" in Vault is 1h0m0s`, "-delete-version-after=0s", false, false},
	{"an ExternalSecret that never refreshes", func(w *world) {
		e := w.external[w.Secret]
		e.Frozen = "spec.refreshInterval is 0"
		w.external[w.Secret] = e
	}, robot.ReasonRefused, "never takes over a new token: spec.refreshInterval is 0", "correct that field", true, false},
	{"an immutable Secret", func(w *world) {
		secret := w.secrets[w.Secret]
		secret.Immutable = true
		w.secrets[w.Secret] = secret
	}, robot.ReasonRefused, "is immutable, and never takes over a new token", "delete the Secret", true, false},
	{"no ExternalSecret", func(w *world) { delete(w.external, w.Secret) }, robot.ReasonMissing, "there is no ExternalSecret", "make it with onboard", true, false},
	{"no owner", func(w *world) {
		w.quay.Faults.Add(quaytest.Fault{Path: "/organization/team-payments$", Times: -1, Effect: quaytest.Status(http.StatusOK, nil, `{"name":"team-payments","is_admin":false}`)})
	}, robot.ReasonNoRight, `the OAuth token does not administer "team-payments"`, "the scopes org:admin and repo:admin, of an owner", true, true},
	{"no right to list runs", func(w *world) { w.noRuns = fmt.Errorf("%w: no", robot.ErrRunsForbidden) }, robot.ReasonNoRight,
		`it is not known which runs of team "payments" go on`, "the right to list pipelineruns.tekton.dev", false, false},
	{"no Tekton", func(w *world) { w.noRuns = fmt.Errorf("%w: no", robot.ErrNoTekton) }, robot.ReasonMissing,
		`it is not known which runs of team "payments" go on`, "whether Tekton is installed", false, false},
	{"another team's credential", func(w *world) {
		w.put(w.VaultPath, vault.Data{"username": secret.New("team-platform+ci"), "token": secret.New("x")})
		w.versions[w.VaultPath][0] = nil
		w.Organization = "team-none"
	}, robot.ReasonRefused, "which is no robot of team", "belongs to somebody else, and stays as it is", true, true},
	{"another robot of the team", func(w *world) {
		w.put(w.VaultPath, vault.Data{"username": secret.New("team-payments+deploy"), "token": secret.New("x")})
		w.versions[w.VaultPath][0] = nil
	}, robot.ReasonRefused, `has the credential of "team-payments+deploy", which is no robot of team`, "write it to a path of its own and free this one", true, true},
	{"no path", func(w *world) { w.VaultPath = "" }, robot.ReasonRefused, "does not read one path in Vault alone", "external-secret-path of verify", true, true},
}

// What a rotation or bootstrap cannot end well without is looked at before anything is changed, and named with what mends it; so does the plan.
func TestPreconditionsAreLookedAtFirst(t *testing.T) {
	for _, p := range preconditions {
		for name, run := range map[string]struct {
			counts bool
			do     func(w *world) error
		}{
			"rotate": {true, func(w *world) error {
				_, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{})
				return err
			}},
			"plan": {true, func(w *world) error {
				_, err := robot.PlanRotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{})
				return err
			}},
			"in place": {p.inPlace, func(w *world) error {
				_, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{InPlace: true})
				return err
			}},
			"bootstrap": {p.bootstrap, func(w *world) error {
				_, err := robot.Bootstrap(t.Context(), w.services(), w.Tenant, robot.BootstrapOptions{CreateOrganization: true, Repositories: []string{"new"}})
				return err
			}},
		} {
			t.Run(p.name+", "+name, func(t *testing.T) {
				w := newWorld(t)
				w.onboard()
				before, stored, path := w.quay.RobotToken(first), len(w.live()), w.VaultPath
				p.spoil(w)
				w.quay.ForgetRequests()
				err := run.do(w)
				if !run.counts {
					if err != nil {
						t.Errorf("error is %v", err)
					}
					return
				}
				e := (*robot.Error)(nil)
				if !errors.As(err, &e) || e.Reason != p.reason || !strings.Contains(e.Problem, p.text) || !strings.Contains(e.Next, p.next) {
					t.Errorf("error is %v", err)
				}
				w.VaultPath = path
				if got := w.changes(); len(got) > 0 || w.quay.RobotToken(first) != before || len(w.live()) != stored {
					t.Errorf("it changed something: %q, %d versions", got, len(w.live()))
				}
			})
		}
	}
}

// Vault keeps one version and does not tell: that shows before anything is made or burnt, however often rotate is run, and the old token,
// which runs use, stays good. What is named mends it.
func TestRotateProvesThatVaultKeepsTheOlderVersion(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	w.mount.Hidden, w.kept, w.runs = true, 1, []string{"ci/run-1/u1"}
	old := w.quay.RobotToken(first)
	w.quay.ForgetRequests()
	for i := range 3 {
		_, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{})
		e := (*robot.Error)(nil)
		if !errors.As(err, &e) || e.Reason != robot.ReasonRefused || !strings.Contains(e.Problem, "Vault lost version") || !strings.Contains(e.Next, "vault kv metadata put -mount=secret -max-versions=10 "+w.VaultPath) {
			t.Errorf("rotation %d: %v", i, err)
		}
		if got := w.changes(); len(got) > 0 || w.quay.RobotToken(first) != old || !w.works() {
			t.Fatalf("rotation %d changed something: %q", i, got)
		}
	}
	w.kept, w.runs = 10, nil
	if _, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{}); err != nil {
		t.Error(err)
	}
	w.rotated("after the way out")
}

// Vault deletes what is written soon and does not tell: writing it again does not help, and that is said.
func TestRotateRefusesWhatVaultDeletesSoon(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	w.mount.Hidden = true
	w.versions[w.VaultPath][0].Ends = w.quay.Now().Add(time.Hour)
	w.onCall = func() {
		for _, secret := range w.live() {
			w.versions[w.VaultPath][secret.Version-1].Ends = w.quay.Now().Add(time.Hour)
		}
	}
	w.quay.ForgetRequests()
	_, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{})
	if e := (*robot.Error)(nil); !errors.As(err, &e) || e.Reason != robot.ReasonRefused || !strings.Contains(e.Next, "-delete-version-after=") || len(w.changes()) > 0 {
		t.Errorf("error is %v, changes are %q", err, w.changes())
	}
}

// A rotation whose settings nobody may read dies after each of its calls, and is run again.
func TestRotateOfWhatIsHiddenGoesOnAfterACrashAnywhere(t *testing.T) {
	everyCrash(t, 35, func(int) *world {
		w := newWorld(t)
		w.onboard()
		w.mount.Hidden = true
		return w
	}, func(w *world) error {
		_, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{MaxAge: time.Hour})
		return err
	}, func(w *world, when string) { w.pushes(when) })
}

// A rotation that is under way is finished whatever is wrong for a new one, as long as the Secret can follow.
func TestUnfinishedRotationsAreFinished(t *testing.T) {
	w := newWorld(t)
	w.unfinished()
	w.mount.MaxVersions, w.limits.DeleteAfter = 1, time.Minute
	result, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{})
	if err != nil || !result.Resumed || result.Robot != standby {
		t.Errorf("result is %+v, %v", result, err)
	}
}

// Vault is about to delete the version with the credential in use, by which the rotation is known until its end: it is written once more,
// so that a run which is still going on keeps its token however often rotate is run again.
func TestRotateRenewsWhatVaultIsAboutToDelete(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	w.versions[w.VaultPath][0].Ends = w.quay.Now().Add(time.Hour)
	old := w.quay.RobotToken(first)
	w.runs = []string{"run-1"}
	w.onRuns = func() { w.crashAt = w.calls + 1 }
	if _, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{}); !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	// The first version ends, and rotate is run again.
	w.versions[w.VaultPath][0] = nil
	w.crashAt, w.dead, w.onRuns = 0, false, func() { w.crashAt = w.calls + 1 }
	if _, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{}); !errors.Is(err, errCrash) || w.quay.RobotToken(first) != old {
		t.Errorf("the run's token is good: %t, %v", w.quay.RobotToken(first) == old, err)
	}
	w.crashAt, w.dead, w.onRuns, w.runs = 0, false, nil, nil
	if result, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{}); err != nil || !result.Resumed {
		t.Errorf("result is %+v, %v", result, err)
	}
	w.rotated("in the end")
}

// What is far from its end is not written again.
func TestRotateLeavesAloneWhatVaultKeeps(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	w.versions[w.VaultPath][0].Ends = w.quay.Now().Add(720 * time.Hour)
	result, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{})
	if got := states(result.Steps); err != nil || slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "renew") }) || len(w.versions[w.VaultPath]) != 2 {
		t.Errorf("steps are %q, %v", got, err)
	}
}

// A leak is answered even so: what can be burnt is, and the Secret that never follows is named at once.
func TestLeakWithAFrozenExternalSecret(t *testing.T) {
	w, since := exposed(t)
	old := w.quay.RobotToken(first)
	e := w.external[w.Secret]
	e.Frozen = "spec.refreshPolicy is CreatedOnce"
	w.external[w.Secret] = e
	report, err := robot.Leak(t.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: since, First: robot.FirstBurn})
	refused := (*robot.Error)(nil)
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "spec.refreshPolicy is CreatedOnce") || w.quay.RobotToken(first) == old || len(report.Pushes) != 1 {
		t.Errorf("report is %+v, %v", report, err)
	}
	if got := wrong(report.Verification); !slices.Contains(got, "external-secret-refresh failed") || !slices.Contains(got, "secret-token failed") {
		t.Errorf("not passed: %q", got)
	}
}
