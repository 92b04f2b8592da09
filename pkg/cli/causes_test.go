package cli_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/externalsecret"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// cause is what leads to an error of a command on a team, with the next step for it.
type cause struct {
	name string
	// spoil has it happen to team payments, which is onboarded.
	spoil func(w *world)
	// commands are those that meet it, of the command lines below; empty: all.
	commands string
	exit     cli.Exit
	// text is in the error, next in the next step.
	text, next string
}

// commandLines are the commands on one team.
var commandLines = map[string][]string{
	"onboard":        {"onboard", "payments", "--division", "payments", "--app", "app", "--apply"},
	"bootstrap":      {"bootstrap", "payments", "--division", "payments", "--app", "app"},
	"rotate":         {"rotate", "payments", "--timeout", "5s"},
	"in-place":       {"rotate", "payments", "--in-place", "--timeout", "5s"},
	"verify":         {"verify", "payments"},
	"leak":           {"leak", "payments", "--since", "1h", "--timeout", "5s"},
	"offboard":       {"offboard", "payments", "--yes"},
	"rotate-briefly": {"rotate", "payments", "--timeout", "2s"},
	"leak-briefly":   {"leak", "payments", "--since", "1h", "--timeout", "2s"},
}

// answers has Quay answer every request to a path so.
func answers(path string, status int, header http.Header, body string) func(w *world) {
	return func(w *world) {
		w.quay.Faults.Add(quaytest.Fault{Path: path, Times: -1, Effect: quaytest.Status(status, header, body)})
	}
}

// vaultRefuses has Vault answer everything with err.
func vaultRefuses(err error) func(w *world) { return func(w *world) { w.refused = err } }

// withSpec changes the ExternalSecret of team payments.
func withSpec(value any, fields ...string) func(w *world) {
	return func(w *world) {
		object := w.externalSecret("payments").DeepCopy()
		if err := unstructured.SetNestedField(object.Object, value, append([]string{"spec"}, fields...)...); err != nil {
			w.Fatal(err)
		}
		w.asleep = true
		if err := w.dynamic.Tracker().Update(externalsecret.Resource, object, shared); err != nil {
			w.Fatal(err)
		}
	}
}

// withoutExternalSecret deletes that of team payments.
func withoutExternalSecret(w *world) {
	if err := w.dynamic.Tracker().Delete(externalsecret.Resource, shared, "quay-robot-team-payments"); err != nil {
		w.Fatal(err)
	}
}

var causes = []cause{
	{"Quay redirects", answers("/api/", 308, http.Header{"Location": {"https://elsewhere.example.com/"}}, ""), "", 1, `308 Permanent Redirect "https://elsewhere.example.com/"`, "the address that Quay answers at itself"},
	{"Quay sends to a login", answers("/api/", 302, http.Header{"Location": {"https://sso.example.com/"}}, ""), "", cli.ExitNoRight, "302 Found", "it is not about the rights of a token"},
	{"Quay crashes", answers("/api/", 500, nil, ""), "", 1, "500 Internal Server Error", "Quay"},
	{"Quay is read-only", answers("/regenerate$", 503, nil, `{"is_readonly":true,"message":"System is currently read-only."}`), "rotate in-place offboard", 1, "System is currently read-only.", ""},
	{"a wrong OAuth token", func(w *world) { w.oauth = strings.Repeat("X1", 20) }, "", cli.ExitNoRight, "", ""},
	{"the OAuth token is gone", func(w *world) { w.quay.RevokeOAuthTokens() }, "bootstrap rotate verify", cli.ExitNoRight, "Requires authentication", "make another OAuth token"},
	{"no org:admin", func(w *world) { w.oauth = w.quay.AddOAuthToken([]quaytest.Scope{quaytest.RepoAdmin}) }, "bootstrap rotate in-place verify onboard", cli.ExitNoRight,
		`the OAuth token does not administer "team-payments": its user is no owner, or it lacks the scope org:admin`, "the scopes org:admin and repo:admin, of an owner"},
	{"no org:admin to burn", func(w *world) { w.oauth = w.quay.AddOAuthToken([]quaytest.Scope{quaytest.RepoAdmin}) }, "leak", cli.ExitNoRight,
		`it is not known which robots team "payments" has, and NONE was burnt`, "in Quay's own pages at once"},
	{"no repo:admin", func(w *world) {
		w.quay.Grant("team-payments/app", "team-payments+ci", quaytest.Read)
		w.oauth = w.quay.AddOAuthToken([]quaytest.Scope{quaytest.OrgAdmin})
	}, "bootstrap onboard rotate", cli.ExitNoRight, "403 Forbidden", "an OAuth token with the scope repo:admin, of an owner"},
	{"an owner of another organization", func(w *world) {
		w.oauth = w.quay.AddOAuthToken([]quaytest.Scope{quaytest.OrgAdmin, quaytest.RepoAdmin}, "team-platform")
	}, "bootstrap rotate in-place verify onboard", cli.ExitNoRight, `does not administer "team-payments"`, "of an owner of the organization"},
	{"Vault is sealed", vaultRefuses(fmt.Errorf("reading: %w", vault.ErrSealed)), "", 1, "sealed Vault", "unseal Vault"},
	{"Vault limits requests", vaultRefuses(fmt.Errorf("reading: %w", vault.ErrBusy)), "rotate verify", 1, "too many requests for Vault", "wait a minute"},
	{"Vault denies", vaultRefuses(fmt.Errorf("reading: %w", vault.ErrDenied)), "", cli.ExitNoRight, "denied by Vault", "docs/cli.md"},
	{"Vault redirects", vaultRefuses(fmt.Errorf("reading: %w", vault.ErrRedirect)), "rotate verify", 1, "redirected by Vault", "set VAULT_ADDR to the active node"},
	{"KV version 1", func(w *world) { w.mount.Engine = vault.Engine1 }, "onboard bootstrap rotate in-place", cli.ExitRefused, "is KV version 1", "vault kv enable-versioning secret"},
	{"one version", func(w *world) { w.mount.MaxVersions = 1 }, "rotate", cli.ExitRefused, "max_versions of the mount", "vault write secret/config max_versions=10"},
	{"a short time", func(w *world) { w.mount.DeleteAfter = 1 }, "rotate", cli.ExitRefused, "delete_version_after of the mount", "vault write secret/config delete_version_after=0s"},
	{"another team's path", func(w *world) {
		v := &memoryVault{w: w}
		if _, err := v.Write(w.Context(), "apps/payments/app/ci/quay-robot", vault.Data{"username": secret.New("team-platform+ci"), "token": secret.New("PLATFORMTOKEN")}, 1); err != nil {
			w.Fatal(err)
		}
	}, "bootstrap rotate in-place offboard", cli.ExitRefused, `has the credential of "team-platform+ci", which is no robot of team "payments"`, "check --division and --app"},
	{"nothing in Vault", func(w *world) { w.versions = map[string][]*vault.Secret{} }, "rotate in-place", cli.ExitMissing, "there is no credential at", "make it with bootstrap"},
	{"it never refreshes", withSpec("0", "refreshInterval"), "rotate in-place leak", cli.ExitRefused, "spec.refreshInterval is 0", "correct that field"},
	{"it was created once", withSpec("CreatedOnce", "refreshPolicy"), "rotate in-place leak", cli.ExitRefused, "spec.refreshPolicy is CreatedOnce", "correct that field"},
	{"its target is immutable", withSpec(true, "target", "immutable"), "rotate in-place leak", cli.ExitRefused, "spec.target.immutable is true", "correct that field"},
	{"it is not one path", withSpec([]any{map[string]any{"find": map[string]any{"path": "x"}}}, "dataFrom"), "bootstrap onboard rotate in-place leak offboard", cli.ExitRefused, "does not read one path in Vault alone", ""},
	{"it reads another path", withSpec([]any{map[string]any{"extract": map[string]any{"key": "apps/x/y/ci/quay-robot"}}}, "dataFrom"), "bootstrap onboard", cli.ExitRefused, "where no credential of team", "delete it, then run this again"},
	{"it is not ready", func(w *world) {
		w.setReady(w.externalSecret("payments").DeepCopy(), "False", "SecretSyncedError", "403 permission denied")
		w.asleep = true
	}, "leak-briefly", cli.ExitTimeout, `the ExternalSecret is not ready: SecretSyncedError "403 permission denied"`, "see the Vault role"},
	{"it sleeps", func(w *world) { w.asleep = true }, "rotate-briefly leak-briefly", cli.ExitTimeout, "still waiting for Secret", "run it again with more time"},
	{"there are two", func(w *world) {
		object := w.externalSecret("payments").DeepCopy()
		object.SetNamespace("quay-push-own")
		err := w.add([]byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: quay-push-own, labels: {apps.platform/team: payments}}\n"))
		if err != nil {
			w.Fatal(err)
		}
		if err := w.dynamic.Tracker().Create(externalsecret.Resource, object, "quay-push-own"); err != nil {
			w.Fatal(err)
		}
	}, "rotate in-place verify leak offboard", cli.ExitRefused, "in the namespaces", "delete one of them"},
	{"there is none", withoutExternalSecret, "rotate in-place verify", cli.ExitMissing, "has no ExternalSecret", "give --division and --app, or make it with onboard"},
	{"there is none to end", withoutExternalSecret, "offboard", cli.ExitMissing, "has no ExternalSecret", "if Vault still has its credential; if the team was offboarded with --apply there is nothing left to do"},
	{"there is none to burn", withoutExternalSecret, "leak", cli.ExitMissing, "has no ExternalSecret", "if Vault still has its credential; of a team that was offboarded no token is left to burn"},
	{"a run goes on", func(w *world) {
		run := &pipelinev1.PipelineRun{ObjectMeta: metav1.ObjectMeta{Namespace: shared, Name: "run", Labels: map[string]string{"pipeline.comptech-lab.com/team": "payments"}}}
		if err := w.tekton.Tracker().Add(run); err != nil {
			w.Fatal(err)
		}
	}, "offboard", cli.ExitConflict, `1 of team "payments"`, "stop what starts them"},
	{"the robots are gone", func(w *world) {
		w.quay.DeleteRobot("team-payments+ci")
		w.versions = map[string][]*vault.Secret{}
	}, "leak", cli.ExitMissing, "has no robot in Quay", "check the name of the team"},
}

// Whatever goes wrong with a command on a team, its exit code, its words and its next step are those of the cause.
func TestCausesHaveTheirNextStep(t *testing.T) {
	for _, c := range causes {
		commands := strings.Fields(c.commands)
		if c.commands == "" {
			commands = slices.Sorted(maps.Keys(commandLines))
		}
		for _, command := range commands {
			t.Run(c.name+"/"+command, func(t *testing.T) {
				w := newWorld(t)
				w.onboard("payments")
				c.spoil(w)
				exit, _, stderr := w.run(t.Context(), "", commandLines[command]...)
				lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
				last := lines[len(lines)-1]
				if exit != c.exit || !strings.Contains(stderr, c.text) || !strings.HasPrefix(last, "next: ") || !strings.Contains(last, c.next) {
					t.Errorf("exit %d, want %d; %q, next %q:\n%s", exit, c.exit, c.text, c.next, stderr)
				}
			})
		}
	}
}
