//go:build vault

package cli_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	batchv1 "k8s.io/api/batch/v1"
	"sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/fleet"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
	"github.com/comptech-lab/quay-push/pkg/vault/vaulttest"
)

// teamPaths are the credentials of newWorld's two teams in Vault.
var teamPaths = []string{"apps/payments/app/ci/quay-robot", "apps/platform/app/ci/quay-robot"}

// copied is the real Vault. The one in memory follows it, for External Secrets of the world to read.
type copied struct {
	*vault.Client
	memory *memoryVault
}

func (v copied) Write(ctx context.Context, path string, data vault.Data, current int) (int, error) {
	version, err := v.Client.Write(ctx, path, data, current)
	if err == nil {
		_, err = v.memory.Write(ctx, path, data, current)
	}
	return version, err
}

func (v copied) Destroy(ctx context.Context, path string, versions []int) error {
	if err := v.Client.Destroy(ctx, path, versions); err != nil {
		return err
	}
	return v.memory.Destroy(ctx, path, versions)
}

// onVault has the tool work on the real Vault with a token, or without one until it logs in.
func (w *world) onVault(server vaulttest.Server, token string) {
	w.realVault = func() cli.Vault {
		client, err := vault.New(vault.Options{Address: server.Address, Token: secret.New(token), Mount: "secret"})
		if err != nil {
			w.Fatal(err)
		}
		return copied{client, &memoryVault{w: w}}
	}
}

// fleetWorld has two teams on the real Vault, of which nothing else is there, and policies and roles as onboard fleet renders them.
func fleetWorld(t *testing.T, server vaulttest.Server) *world {
	t.Helper()
	for _, path := range append(teamPaths, oauthPath) {
		if err := server.Admin(t).KVv2("secret").DeleteMetadata(t.Context(), path); err != nil {
			t.Fatal(err)
		}
	}
	w, directory := newWorld(t).withRecords(), t.TempDir()
	w.onVault(server, server.Token)
	w.onboard("payments")
	w.onboard("platform")
	for line := range strings.Lines(w.must("onboard", "fleet", "--vault-address", server.Address, "--output-dir", directory)) {
		if command, ok := strings.CutPrefix(strings.TrimSpace(line), "then "); ok {
			server.Run(t, directory, command)
		}
	}
	w.onVault(server, "")
	return w
}

// runs runs the command of a CronJob, as a Pod of its ServiceAccount has it.
func (w *world) runs(run string) (exit cli.Exit, stdout, stderr string) {
	w.Helper()
	data, err := os.ReadFile("../../config/fleet/500-" + run + ".yaml")
	if err != nil {
		w.Fatal(err)
	}
	var job batchv1.CronJob
	if err := yaml.UnmarshalStrict(data, &job); err != nil {
		w.Fatal(err)
	}
	put := strings.NewReplacer("/quay-push/quay/token", w.file(w.oauth), "$(VAULT_AUTH_MOUNT)", "kubernetes", "$(OAUTH_PATH)", oauthPath,
		"/quay-push/vault/token", w.file(vaulttest.ServiceAccountToken("quay-push", "fleet-"+run, "vault")))
	args := []string{}
	for _, arg := range job.Spec.JobTemplate.Spec.Template.Spec.Containers[0].Args {
		args = append(args, put.Replace(arg))
	}
	w.env["QUAY_TOKEN"], w.env["VAULT_TOKEN"] = "", ""
	exit, stdout, stderr = w.run(w.Context(), "", args...)
	v, err := fleet.Decode[fleet.Verification](w.recorded(fleet.VerifyConfigMap))
	if err != nil {
		w.Error(err)
	}
	return exit, fmt.Sprintf("%s\nthe age of the OAuth token is recorded: %t", stdout, !v.OAuthWritten.IsZero()), stderr
}

// oldWorld is a fleetWorld with an OAuth token in Vault, and tokens that are old enough to be rotated.
func oldWorld(t *testing.T, server vaulttest.Server) *world {
	t.Helper()
	w := fleetWorld(t, server)
	w.quay.Advance(800 * time.Hour)
	if _, err := server.Admin(t).KVv2("secret").Put(t.Context(), oauthPath, map[string]any{"token": w.oauth}); err != nil {
		t.Fatal(err)
	}
	return w
}

// On one server, since it takes long to link.
func TestFleetOnTheRealVault(t *testing.T) {
	server := vaulttest.Start(t)
	server.Believe(t)
	t.Run("what the policies allow is needed", func(t *testing.T) { testPoliciesAreNeeded(t, server) })
	t.Run("the rest is refused", func(t *testing.T) { testTheRestIsRefused(t, server) })
	t.Run("the OAuth token is replaced", func(t *testing.T) { testOAuthTokenIsReplaced(t, server) })
}

// What onboard fleet renders for Vault is enough for both commands, and each line of it is needed: without one capability the command does
// not end as it does with all.
func testPoliciesAreNeeded(t *testing.T, server vaulttest.Server) {
	for run, need := range map[string][]string{"verify": {"read", "read", "read", "read"}, "rotate": {"read", "update", "read", "read", "update"}} {
		exit, all, stderr := oldWorld(t, server).runs(run)
		if exit != cli.ExitOK {
			t.Errorf("%s: exit %d\n%s%s", run, exit, all, stderr)
		}
		whole, err := server.Admin(t).Sys().GetPolicyWithContext(t.Context(), "quay-push-fleet-"+run)
		if err != nil {
			t.Fatal(err)
		}
		have := []string{}
		for n := 0; ; n++ {
			capability, less := without(whole, n)
			if capability == "" {
				break
			}
			have = append(have, capability)
			w := oldWorld(t, server)
			if err := server.Admin(t).Sys().PutPolicyWithContext(t.Context(), "quay-push-fleet-"+run, less); err != nil {
				t.Fatal(err)
			}
			// The mount's settings tell rotate whether older versions are kept: on a mount that keeps them it goes on without.
			settings := run == "rotate" && n == 3
			if exit, some, _ := w.runs(run); exit == cli.ExitOK && some == all && !settings {
				t.Errorf("%s has no use for capability %d, %q, of\n%s", run, n, capability, whole)
			}
		}
		if !slices.Equal(have, need) {
			t.Errorf("the policy of %s has %q, want %q", run, have, need)
		}
	}
}

// without returns the n-th capability of a policy, and the policy without that; nothing if it has no more.
func without(policy string, n int) (capability, less string) {
	lines := strings.Split(policy, "\n")
	for i, line := range lines {
		before, list, found := strings.Cut(line, "capabilities = [")
		if !found {
			continue
		}
		all := strings.Split(strings.TrimSuffix(list, "]"), ", ")
		if n < len(all) {
			capability = strings.Trim(all[n], `"`)
			lines[i] = before + "capabilities = [" + strings.Join(slices.Delete(all, n, n+1), ", ") + "]"
			return capability, strings.Join(lines, "\n")
		}
		n -= len(all)
	}
	return "", ""
}

// request is one that somebody may send to Vault with a token of the fleet's.
type request struct {
	method, path string
	body         map[string]any
}

// requests are what the accounts of the fleet may send, each to be refused but to those who need it.
var requests = map[string]request{
	"read a token":                  {"GET", "secret/data/" + teamPaths[0], nil},
	"read when it was written":      {"GET", "secret/metadata/" + teamPaths[0], nil},
	"read the settings":             {"GET", "secret/config", nil},
	"write a token":                 {"PUT", "secret/data/" + teamPaths[0], map[string]any{"data": map[string]any{"username": "a", "token": "b"}}},
	"destroy a version":             {"PUT", "secret/destroy/" + teamPaths[1], map[string]any{"versions": []int{1}}},
	"read the OAuth token":          {"GET", "secret/data/" + oauthPath, nil},
	"write the OAuth token":         {"PUT", "secret/data/" + oauthPath, map[string]any{"data": map[string]any{"token": "b"}}},
	"read about the OAuth token":    {"GET", "secret/metadata/" + oauthPath, nil},
	"destroy the OAuth token":       {"PUT", "secret/destroy/" + oauthPath, map[string]any{"versions": []int{1}}},
	"make a team's token":           {"PUT", "secret/data/apps/new/app/ci/quay-robot", map[string]any{"data": map[string]any{"token": "b"}}},
	"patch a token":                 {"PATCH", "secret/data/" + teamPaths[0], map[string]any{"data": map[string]any{"token": "b"}}},
	"delete the last version":       {"DELETE", "secret/data/" + teamPaths[0], nil},
	"delete a version":              {"PUT", "secret/delete/" + teamPaths[0], map[string]any{"versions": []int{1}}},
	"undelete a version":            {"PUT", "secret/undelete/" + teamPaths[0], map[string]any{"versions": []int{1}}},
	"delete all":                    {"DELETE", "secret/metadata/" + teamPaths[0], nil},
	"write about a token":           {"PUT", "secret/metadata/" + teamPaths[0], map[string]any{"max_versions": 1}},
	"write the settings":            {"PUT", "secret/config", map[string]any{"max_versions": 1}},
	"list the divisions":            {"LIST", "secret/metadata/apps", nil},
	"list an application":           {"LIST", "secret/metadata/apps/payments/app", nil},
	"read an application's secret":  {"GET", "secret/data/apps/payments/app/db/password", nil},
	"read what is one level deeper": {"GET", "secret/data/apps/payments/app/x/ci/quay-robot", nil},
	"read what is one level higher": {"GET", "secret/data/apps/payments/ci/quay-robot", nil},
	"read below a token":            {"GET", "secret/data/" + teamPaths[0] + "/x", nil},
	"write a policy":                {"PUT", "sys/policies/acl/quay-push-fleet-verify", map[string]any{"policy": ""}},
	"read a policy":                 {"GET", "sys/policies/acl/quay-push-fleet-verify", nil},
	"write a role":                  {"PUT", "auth/kubernetes/role/quay-push-fleet-verify", map[string]any{"token_policies": "root"}},
	"configure the login":           {"PUT", "auth/kubernetes/config", map[string]any{"kubernetes_host": "https://attacker.example.com"}},
	"make a token":                  {"PUT", "auth/token/create", map[string]any{"policies": []string{"quay-push-fleet-rotate"}}},
	"mount an engine":               {"PUT", "sys/mounts/other", map[string]any{"type": "kv"}},
}

// Each account may do in Vault what its work needs, for ten minutes, and is refused everything else; and nobody else gets its role.
func testTheRestIsRefused(t *testing.T, server vaulttest.Server) {
	for account, allowed := range map[string][]string{
		"fleet-verify":     {"read a token", "read about the OAuth token", "read the settings", "read when it was written"},
		"fleet-rotate":     {"destroy a version", "read a token", "read the settings", "read when it was written", "write a token"},
		"fleet-quay-token": {"read the OAuth token"},
	} {
		oldWorld(t, server)
		login := func(namespace, name, audience string) (*api.Secret, error) {
			client := server.Admin(t)
			client.ClearToken()
			return client.Logical().WriteWithContext(t.Context(), "auth/kubernetes/login", map[string]any{"role": "quay-push-" + account,
				"jwt": vaulttest.ServiceAccountToken(namespace, name, audience)})
		}
		for who, stranger := range map[string][3]string{
			"an account of a tenant's with that name": {"apps-payments-checkout", account, "vault"},
			"another account of quay-push":            {"quay-push", "controller", "vault"},
			"a token for the API server":              {"quay-push", account, "https://kubernetes.default.svc"},
		} {
			if _, err := login(stranger[0], stranger[1], stranger[2]); status(err) != http.StatusForbidden && status(err) != http.StatusBadRequest {
				t.Errorf("%s logs in as quay-push-%s: %v", who, account, err)
			}
		}
		in, err := login("quay-push", account, "vault")
		if err != nil {
			t.Fatal(err)
		}
		if in.Auth.LeaseDuration != 600 || !slices.Equal(in.Auth.TokenPolicies, []string{"default", "quay-push-" + account}) {
			t.Errorf("the token of %s is good for %ds, for %q", account, in.Auth.LeaseDuration, in.Auth.TokenPolicies)
		}
		client, got := server.Admin(t), []string{}
		client.SetToken(in.Auth.ClientToken)
		for what, r := range requests {
			switch err := r.send(t.Context(), client); {
			case err == nil:
				got = append(got, what)
			case status(err) != http.StatusForbidden:
				t.Errorf("%s: to %s is answered by neither yes nor no: %v", account, what, err)
			}
		}
		if slices.Sort(got); !slices.Equal(got, allowed) {
			t.Errorf("%s may %q, want %q", account, got, allowed)
		}
	}
}

// send sends it with the client's token. The error is Vault's refusal.
func (r request) send(ctx context.Context, c *api.Client) (err error) {
	switch r.method {
	case "GET":
		_, err = c.Logical().ReadWithContext(ctx, r.path)
	case "LIST":
		_, err = c.Logical().ListWithContext(ctx, r.path)
	case "DELETE":
		_, err = c.Logical().DeleteWithContext(ctx, r.path)
	case "PATCH":
		_, err = c.Logical().JSONMergePatch(ctx, r.path, r.body)
	default:
		_, err = c.Logical().WriteWithContext(ctx, r.path, r.body)
	}
	return err
}

// status is that of Vault's refusal; 0 if err is none.
func status(err error) int {
	if refusal := (*api.ResponseError)(nil); errors.As(err, &refusal) {
		return refusal.StatusCode
	}
	return 0
}

// platform-token rotate needs in Vault what the page says, and no more.
func testOAuthTokenIsReplaced(t *testing.T, server vaulttest.Server) {
	const policy = `path "secret/data/platform/quay-push/quay-token" {
  capabilities = ["read", "update"]
}
path "secret/metadata/platform/quay-push/quay-token" {
  capabilities = ["read"]
}
path "secret/destroy/platform/quay-push/quay-token" {
  capabilities = ["update"]
}
`
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "fleet.md"))
	if err != nil {
		t.Fatal(err)
	}
	if says := "It needs a Vault token with `read` and `update` on `secret/data/platform/quay-push/quay-token`, `read` on its metadata\n" +
		"and `update` on `secret/destroy/platform/quay-push/quay-token`;"; !strings.Contains(string(page), says) {
		t.Errorf("the page does not say %q", says)
	}
	rotate := func(policy string) (cli.Exit, string) {
		w := fleetWorld(t, server)
		token := w.quay.AddApplication("team-platform", "APP", []quaytest.Scope{quaytest.OrgAdmin, quaytest.RepoAdmin})
		w.onVault(server, server.Token)
		if _, err := w.realVault().Write(t.Context(), oauthPath, vault.Data{"token": secret.New(token)}, 0); err != nil {
			t.Fatal(err)
		}
		if err := server.Admin(t).Sys().PutPolicyWithContext(t.Context(), "platform-token", policy); err != nil {
			t.Fatal(err)
		}
		limited, err := server.Admin(t).Auth().Token().CreateWithContext(t.Context(), &api.TokenCreateRequest{Policies: []string{"platform-token"}})
		if err != nil {
			t.Fatal(err)
		}
		w.onVault(server, limited.Auth.ClientToken)
		w.env["QUAY_TOKEN"] = ""
		// The first leaves the token that was made by hand, the second has one of its own to end.
		exit, _, stderr := w.run(t.Context(), "", rotatePlatformToken...)
		if exit != cli.ExitOK {
			return exit, stderr
		}
		exit, _, stderr = w.run(t.Context(), "", rotatePlatformToken...)
		metadata, err := server.Admin(t).KVv2("secret").GetMetadata(t.Context(), oauthPath)
		if err != nil {
			t.Fatal(err)
		}
		for n, version := range metadata.Versions {
			if exit == cli.ExitOK && version.Destroyed == (n == "3") {
				t.Errorf("version %s of 3 is destroyed: %v", n, version.Destroyed)
			}
		}
		return exit, stderr
	}
	if exit, stderr := rotate(policy); exit != cli.ExitOK {
		t.Errorf("exit %d\n%s", exit, stderr)
	}
	for n := range 4 {
		capability, less := without(policy, n)
		if exit, stderr := rotate(less); exit != cli.ExitNoRight {
			t.Errorf("without capability %d, %q: exit %d\n%s", n, capability, exit, stderr)
		}
	}
}
