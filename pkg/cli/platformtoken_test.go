package cli_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/externalsecret"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

const oauthPath = "platform/quay-push/quay-token"

var rotatePlatformToken = []string{"platform-token", "rotate", "--organization", "team-platform", "--application", "APP"}

// withOAuth has an application, whose token is in Vault and nowhere else.
func (w *world) withOAuth() *world {
	w.Helper()
	token := w.quay.AddApplication("team-platform", "APP", []quaytest.Scope{quaytest.OrgAdmin, quaytest.RepoAdmin})
	if _, err := (&memoryVault{w: w}).Write(w.Context(), oauthPath, vault.Data{"token": secret.New(token)}, 0); err != nil {
		w.Fatal(err)
	}
	return w
}

// The command takes the token from Vault, prints none, and tells what is left to a person; the Secret has the new one when it ends.
func TestPlatformTokenRotate(t *testing.T) {
	t.Parallel()
	w := newWorld(t).withOAuth()
	w.onboard("payments")
	w.must("onboard", "fleet", "--vault-address", "https://vault.example.com:8200", "--apply")
	// External Secrets, for this one.
	w.dynamic.PrependReactor("patch", "externalsecrets", func(action clienttesting.Action) (bool, runtime.Object, error) {
		if action.(clienttesting.PatchAction).GetName() != "fleet-quay-token" {
			return false, nil, nil
		}
		all := w.versions[oauthPath]
		made := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "quay-push", Name: "fleet-quay-token"},
			Data: map[string][]byte{"token": []byte(all[len(all)-1].Data["token"].Reveal())}}
		secrets := corev1.SchemeGroupVersion.WithResource("secrets")
		if w.kube.Tracker().Create(secrets, made, "quay-push") != nil {
			return false, nil, w.kube.Tracker().Update(secrets, made, "quay-push")
		}
		return false, nil, nil
	})
	if _, err := w.dynamic.Resource(externalsecret.Resource).Namespace("quay-push").Get(t.Context(), "fleet-quay-token", metav1.GetOptions{}); err != nil {
		t.Fatal(err)
	}
	waited := append(rotatePlatformToken, "--wait-for", "quay-push/fleet-quay-token", "-o", "json")
	var result struct {
		Kind             string
		Rotated, Resumed bool
		Created, Expires time.Time
		Deleted, ByHand  []string
	}
	if err := json.Unmarshal([]byte(w.must(waited...)), &result); err != nil {
		t.Fatal(err)
	}
	if result.Kind != "PlatformTokenRotation" || !result.Rotated || len(result.ByHand) != 1 || len(result.Deleted) > 0 || result.Expires.Sub(result.Created) != 90*24*time.Hour {
		t.Errorf("first: %+v", result)
	}
	if err := json.Unmarshal([]byte(w.must(waited...)), &result); err != nil || len(result.Deleted) != 1 {
		t.Errorf("second: %+v, %v", result, err)
	}
	found, err := w.kube.CoreV1().Secrets("quay-push").Get(t.Context(), "fleet-quay-token", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if good, known := w.quay.OAuthTokens("team-platform", "APP", string(found.Data["token"])); good != 2 || !known {
		t.Errorf("%d tokens are good, that of the Secret: %v", good, known)
	}
	if out := w.must(append(rotatePlatformToken, "--max-age", "720h")...); !strings.HasPrefix(out, "the OAuth token is young enough, and stays\nit is of ") || !strings.Contains(out, "made by hand") {
		t.Errorf("young:\n%s", out)
	}
}

// What cannot be is refused before anything is asked, and what Quay cannot do with the reason.
func TestPlatformTokenIsRefused(t *testing.T) {
	t.Parallel()
	for line, test := range map[string]struct {
		exit       cli.Exit
		says, next string
	}{
		"platform-token":                                                                  {cli.ExitUsage, "platform-token needs one of its commands", "see tkn quay platform-token --help"},
		"platform-token rotate --organization a":                                          {cli.ExitUsage, "--application is missing", "give both"},
		strings.Join(rotatePlatformToken, " "):                                            {cli.ExitRefused, "Quay 3.17.4 has no API that makes OAuth tokens", "make one by hand"},
		strings.Join(rotatePlatformToken, " ") + " --wait-for a":                          {cli.ExitUsage, `--wait-for is "a"`, "write it as namespace/name"},
		strings.Join(rotatePlatformToken, " ") + " --max-age -1h":                         {cli.ExitUsage, "--max-age is -1h0m0s", "give a duration such as 720h"},
		strings.Join(rotatePlatformToken, " ") + " --max-age 720h --lifetime 720h":        {cli.ExitUsage, "--lifetime is 720h0m0s", "more than --max-age"},
		strings.Join(rotatePlatformToken, " ") + " --oauth-path platform/nothing/is/here": {cli.ExitMissing, `there is no OAuth token at "platform/nothing/is/here"`, "put the first one there"},
	} {
		w := newWorld(t).withOAuth()
		w.quay.SetVersion("3.17.4")
		exit, _, errs := w.run(t.Context(), "", strings.Fields(line)...)
		if exit != test.exit || !strings.Contains(errs, test.says) || !strings.Contains(errs, "\nnext: "+test.next) && !strings.Contains(errs, test.next) {
			t.Errorf("%s: exit %d\n%s", line, exit, errs)
		}
	}
}

// Doctor tells how old the token is where Vault knows it, and else why nobody does.
func TestDoctorTellsTheAgeOfTheOAuthToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, byID := w.doctor(); !strings.HasPrefix(byID["quay-token-age"], "unknown Quay does not tell how old your OAuth token is, and Vault has none at ") {
		t.Errorf("without one in Vault: %s", byID["quay-token-age"])
	}
	w.withOAuth()
	w.quay.Advance(24 * time.Hour)
	if _, byID := w.doctor(); byID["quay-token-age"] != "ok the OAuth token in Vault is 1 day old; " {
		t.Errorf("young: %s", byID["quay-token-age"])
	}
	w.quay.Advance(100 * 24 * time.Hour)
	if _, byID := w.doctor(); !strings.HasPrefix(byID["quay-token-age"], "warning the OAuth token in Vault is 101 days old; replace it with tkn quay platform-token rotate") {
		t.Errorf("old: %s", byID["quay-token-age"])
	}
	w.env["VAULT_TOKEN"] = ""
	if _, byID := w.doctor(); !strings.HasPrefix(byID["quay-token-age"], "unknown Quay does not tell how old your OAuth token is, and Vault was not asked: there is no Vault token") {
		t.Errorf("without Vault: %s", byID["quay-token-age"])
	}
}
