//go:build vault

package vault_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
	"github.com/comptech-lab/quay-push/pkg/vault/vaulttest"
)

// A policy with *, as it is often written, and this project's with +. Vault takes both without a warning.
const (
	starPolicy = `path "secret/data/apps/*/*/ci/quay-robot" { capabilities = ["read"] }`
	ourPolicy  = `path "secret/data/apps/+/+/ci/quay-robot" { capabilities = ["read"] }
path "secret/metadata/apps/+/+/ci/quay-robot" { capabilities = ["read"] }`
)

// client returns a client of the server with a token.
func client(t *testing.T, server vaulttest.Server, token string) *vault.Client {
	t.Helper()
	c, err := vault.New(vault.Options{Address: server.Address, Token: secret.New(token), Mount: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// admin returns Vault's own client with the root token.
func admin(t *testing.T, server vaulttest.Server) *api.Client {
	t.Helper()
	config := api.DefaultConfig()
	config.Address = server.Address
	c, err := api.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	c.SetToken(server.Token)
	return c
}

// tokenFor returns a token that has the policy alone.
func tokenFor(t *testing.T, server vaulttest.Server, name, policy string) string {
	t.Helper()
	c := admin(t, server)
	if err := c.Sys().PutPolicyWithContext(t.Context(), name, policy); err != nil {
		t.Fatal(err)
	}
	secret, err := c.Auth().Token().CreateWithContext(t.Context(), &api.TokenCreateRequest{Policies: []string{name}, NoDefaultPolicy: false})
	if err != nil {
		t.Fatal(err)
	}
	return secret.Auth.ClientToken
}

func TestServer(t *testing.T) {
	server := vaulttest.Start(t)
	root := client(t, server, server.Token)
	data := vault.Data{"username": secret.New("team-payments+ci"), "token": secret.New(robotToken)}
	if version, err := root.Write(t.Context(), path, data, 0); version != 1 || err != nil {
		t.Fatalf("first version is %d, %v", version, err)
	}

	t.Run("a policy with * denies, one with + allows", func(t *testing.T) {
		star, ours := client(t, server, tokenFor(t, server, "star", starPolicy)), client(t, server, tokenFor(t, server, "ours", ourPolicy))
		if _, err := star.Read(t.Context(), path); !errors.Is(err, vault.ErrDenied) {
			t.Errorf("with *: %v", err)
		}
		if got, err := star.Capabilities(t.Context(), "data", path); !slices.Equal(got, []string{"deny"}) || err != nil {
			t.Errorf("capabilities with *: %q, %v", got, err)
		}
		got, err := ours.Read(t.Context(), path)
		if err != nil || got.Data["token"].Reveal() != robotToken || got.Version != 1 || got.Created.IsZero() {
			t.Errorf("with +: %v, %v", got, err)
		}
		if got, err := ours.Capabilities(t.Context(), "data", path); !slices.Equal(got, []string{"read"}) || err != nil {
			t.Errorf("capabilities with +: %q, %v", got, err)
		}
		for _, other := range []string{"apps/payments/checkout/db/password", "apps/payments/ci/quay-robot", "apps/payments/checkout/x/ci/quay-robot"} {
			if _, err := ours.Read(t.Context(), other); !errors.Is(err, vault.ErrDenied) {
				t.Errorf("with +, %q: %v", other, err)
			}
		}
		if _, err := ours.Write(t.Context(), path, data, 1); !errors.Is(err, vault.ErrDenied) {
			t.Errorf("writing with +: %v", err)
		}
	})

	t.Run("of two writers one is told", func(t *testing.T) {
		if version, err := root.Write(t.Context(), path, data, 1); version != 2 || err != nil {
			t.Errorf("first writer: %d, %v", version, err)
		}
		for _, current := range []int{0, 1, 3} {
			if _, err := root.Write(t.Context(), path, data, current); !errors.Is(err, vault.ErrConflict) || strings.Contains(err.Error(), robotToken) {
				t.Errorf("writer that read version %d: %v", current, err)
			}
		}
	})

	t.Run("what is destroyed is gone", func(t *testing.T) {
		if _, err := root.ReadVersion(t.Context(), path, 1); err != nil {
			t.Error(err)
		}
		if err := root.Destroy(t.Context(), path, []int{1}); err != nil {
			t.Error(err)
		}
		if _, err := root.ReadVersion(t.Context(), path, 1); !errors.Is(err, vault.ErrNotFound) {
			t.Errorf("destroyed version: %v", err)
		}
		if got, err := root.Metadata(t.Context(), path); got.Current != 2 || !slices.Equal(got.Live, []int{2}) || err != nil {
			t.Errorf("metadata is %v, %v", got, err)
		}
		if err := admin(t, server).KVv2("secret").Delete(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		if _, err := root.Read(t.Context(), path); !errors.Is(err, vault.ErrNotFound) {
			t.Errorf("deleted secret: %v", err)
		}
		// A deleted version still counts.
		if got, err := root.Metadata(t.Context(), path); got.Current != 2 || len(got.Live) != 0 || err != nil {
			t.Errorf("metadata of a deleted secret is %v, %v", got, err)
		}
		if _, err := root.Write(t.Context(), path, data, 0); !errors.Is(err, vault.ErrConflict) {
			t.Errorf("writing a deleted secret as a new one: %v", err)
		}
		if version, err := root.Write(t.Context(), path, data, 2); version != 3 || err != nil {
			t.Errorf("writing on a deleted secret: %d, %v", version, err)
		}
		if _, err := root.Read(t.Context(), "apps/never/was/ci/quay-robot"); !errors.Is(err, vault.ErrNotFound) {
			t.Errorf("a secret that never was: %v", err)
		}
	})

	t.Run("what is deleted never was", func(t *testing.T) {
		const other = "apps/payments/gone/ci/quay-robot"
		if _, err := root.Write(t.Context(), other, data, 0); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := root.Delete(t.Context(), other); err != nil {
				t.Error(err)
			}
		}
		if got, err := root.Metadata(t.Context(), other); got.Current != 0 || err != nil {
			t.Errorf("metadata is %v, %v", got, err)
		}
		if version, err := root.Write(t.Context(), other, data, 0); version != 1 || err != nil {
			t.Errorf("writing it as a new one: %d, %v", version, err)
		}
	})

	t.Run("what keeps no older version is told", func(t *testing.T) {
		config := func(fields map[string]any) {
			if _, err := admin(t, server).Logical().WriteWithContext(t.Context(), "secret/config", fields); err != nil {
				t.Fatal(err)
			}
		}
		config(map[string]any{"max_versions": 1, "delete_version_after": "720h"})
		got, err := client(t, server, server.Token).Mount(t.Context())
		if want := (vault.Mount{Name: "secret", Engine: vault.Engine2, Limits: vault.Limits{MaxVersions: 1, DeleteAfter: 720 * time.Hour}}); got != want || err != nil {
			t.Errorf("mount is %+v, %v", got, err)
		}
		// A policy of before has no right to the settings: they are not known, and the engine is.
		got, err = client(t, server, tokenFor(t, server, "ours", ourPolicy)).Mount(t.Context())
		if want := (vault.Mount{Name: "secret", Engine: vault.Engine2, Hidden: true}); got != want || err != nil {
			t.Errorf("mount for a weak token is %+v, %v", got, err)
		}
		elsewhere, err := vault.New(vault.Options{Address: server.Address, Token: secret.New(server.Token), Mount: "elsewhere"})
		if err != nil {
			t.Fatal(err)
		}
		got, err = elsewhere.Mount(t.Context())
		if want := (vault.Mount{Name: "elsewhere", Absent: true}); got != want || err != nil {
			t.Errorf("a mount that is not there is %+v, %v", got, err)
		}
		// Each version ends some day, and can be read until then.
		config(map[string]any{"max_versions": 0})
		const ending = "apps/payments/ending/ci/quay-robot"
		for n := range 2 {
			if _, err := root.Write(t.Context(), ending, data, n); err != nil {
				t.Fatal(err)
			}
		}
		if metadata, err := root.Metadata(t.Context(), ending); err != nil || !slices.Equal(metadata.Live, []int{1, 2}) {
			t.Errorf("metadata is %+v, %v", metadata, err)
		}
		if current, err := root.Read(t.Context(), ending); err != nil || time.Until(current.Ends).Round(time.Hour) != 720*time.Hour {
			t.Errorf("it ends at %s, %v", current.Ends, err)
		}
		// The commands that are named mend it.
		config(map[string]any{"max_versions": 10, "delete_version_after": "0s"})
		if got, err = client(t, server, server.Token).Mount(t.Context()); got.MaxVersions != 10 || got.DeleteAfter != 0 || err != nil {
			t.Errorf("mount is %+v, %v", got, err)
		}
	})

	t.Run("KV version 1 is told", func(t *testing.T) {
		if err := admin(t, server).Sys().MountWithContext(t.Context(), "old", &api.MountInput{Type: "kv", Options: map[string]string{"version": "1"}}); err != nil {
			t.Fatal(err)
		}
		c, err := vault.New(vault.Options{Address: server.Address, Token: secret.New(server.Token), Mount: "old"})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Mount(t.Context()); got.Engine != vault.Engine1 || err != nil {
			t.Errorf("mount is %+v, %v", got, err)
		}
	})

	t.Run("a ServiceAccount logs in", func(t *testing.T) {
		tokenFor(t, server, "ours", ourPolicy)
		reviewers(t, server)
		c := client(t, server, "")
		if err := c.LoginKubernetes(t.Context(), "kubernetes", "quay-push", account("openshift-pipelines", "external-secrets")); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(t.Context(), path); err != nil {
			t.Error(err)
		}
		// A token that lives for two seconds is replaced: the work goes on for four.
		brief := client(t, server, "")
		if err := brief.LoginKubernetes(t.Context(), "kubernetes", "brief", account("openshift-pipelines", "external-secrets")); err != nil {
			t.Fatal(err)
		}
		for began := time.Now(); time.Since(began) < 4*time.Second; time.Sleep(200 * time.Millisecond) {
			if _, err := brief.Read(t.Context(), path); err != nil {
				t.Fatalf("after %s: %v", time.Since(began), err)
			}
		}
		for text, login := range map[string][2]string{
			"namespace not authorized":            {"quay-push", serviceAccount("team-payments", "external-secrets")},
			"service account name not authorized": {"quay-push", serviceAccount("openshift-pipelines", "default")},
			"invalid role name":                   {"other", serviceAccount("openshift-pipelines", "external-secrets")},
		} {
			err := client(t, server, "").LoginKubernetes(t.Context(), "kubernetes", login[0], func() (secret.Value, error) { return secret.New(login[1]), nil })
			if err == nil || !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), login[1]) {
				t.Errorf("error is %v, want %q", err, text)
			}
		}
	})
}

// serviceAccount is a token with the claims of a ServiceAccount's. Vault looks at them and leaves the signature to the
// TokenReview.
func serviceAccount(namespace, name string) string {
	encode := func(v any) string {
		data, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(data)
	}
	claims := map[string]any{"iss": "https://kubernetes.default.svc", "sub": "system:serviceaccount:" + namespace + ":" + name,
		"exp": 4102444800, "iat": 1, "aud": []string{"vault"}, "kubernetes.io": map[string]any{"namespace": namespace,
			"serviceaccount": map[string]any{"name": name, "uid": "6f6f2ac5-8b41-4bd5-9d63-6dcbd1b4d5c1"}}}
	return encode(map[string]string{"alg": "RS256", "typ": "JWT"}) + "." + encode(claims) + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 256))
}

// account tells that token as a login asks for it.
func account(namespace, name string) func() (secret.Value, error) {
	return func() (secret.Value, error) { return secret.New(serviceAccount(namespace, name)), nil }
}

// reviewers sets up the login, with an API server that believes every token.
func reviewers(t *testing.T, server vaulttest.Server) {
	t.Helper()
	kubernetes := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review struct {
			Spec struct{ Token string }
		}
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil || r.URL.Path != "/apis/authentication.k8s.io/v1/tokenreviews" {
			t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		}
		payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(review.Spec.Token, ".")[1])
		var claims struct {
			Sub string
		}
		if err := json.Unmarshal(payload, &claims); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		json.NewEncoder(w).Encode(map[string]any{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
			"status": map[string]any{"authenticated": true, "audiences": []string{"vault"}, "user": map[string]any{"username": claims.Sub, "uid": "6f6f2ac5-8b41-4bd5-9d63-6dcbd1b4d5c1",
				"groups": []string{"system:serviceaccounts"}}}})
	}))
	t.Cleanup(kubernetes.Close)
	for at, data := range map[string]map[string]any{
		"auth/kubernetes/config": {"kubernetes_host": kubernetes.URL, "token_reviewer_jwt": serviceAccount("vault", "vault"), "disable_local_ca_jwt": true},
		"auth/kubernetes/role/quay-push": {"bound_service_account_names": "external-secrets", "bound_service_account_namespaces": "openshift-pipelines",
			"token_policies": "ours", "audience": "vault"},
		"auth/kubernetes/role/brief": {"bound_service_account_names": "external-secrets", "bound_service_account_namespaces": "openshift-pipelines",
			"token_policies": "ours", "audience": "vault", "token_ttl": "2s", "token_max_ttl": "2s"},
	} {
		if _, err := admin(t, server).Logical().WriteWithContext(t.Context(), at, data); err != nil {
			t.Fatal(err)
		}
	}
}

// That a version is destroyed which never was is written, and changes nothing: that is how it is tried whether Vault takes changes.
func TestDestroyOfAVersionThatNeverWas(t *testing.T) {
	server := vaulttest.Start(t)
	c := client(t, server, server.Token)
	for version := range 2 {
		if _, err := c.Write(t.Context(), path, vault.Data{"token": secret.New(fmt.Sprint("T", version))}, version); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Destroy(t.Context(), path, []int{math.MaxInt32}); err != nil {
		t.Error(err)
	}
	metadata, err := c.Metadata(t.Context(), path)
	if err != nil || metadata.Current != 2 || !slices.Equal(metadata.Live, []int{1, 2}) {
		t.Errorf("metadata is %+v, %v", metadata, err)
	}
	if found, err := c.Read(t.Context(), path); err != nil || found.Data["token"].Reveal() != "T1" {
		t.Errorf("it is %v, %v", found.Version, err)
	}
}
