package vault_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

const (
	path       = "apps/payments/checkout/ci/quay-robot"
	token      = "hvs.THE-VAULT-TOKEN"
	robotToken = "ROBOTTOKENROBOTTOKEN"
)

// serve returns a client of a Vault that gives each request the next of the answers, "STATUS body", and the requests that
// it got, as "METHOD path body".
func serve(t *testing.T, answers ...string) (*vault.Client, *[]string) {
	t.Helper()
	requests := &[]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		target := r.URL.Path
		if r.URL.RawQuery != "" {
			target += "?" + r.URL.RawQuery
		}
		*requests = append(*requests, strings.TrimSpace(r.Method+" "+target+" "+string(body)))
		if got := r.Header.Get("X-Vault-Token"); got != token && !strings.Contains(r.URL.Path, "/login") {
			t.Errorf("token is %q", got)
		}
		if len(*requests) > len(answers) {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		status, text := 0, answers[len(*requests)-1]
		fmt.Sscan(text, &status)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		io.WriteString(w, text[4:])
	}))
	t.Cleanup(server.Close)
	c, err := vault.New(vault.Options{Address: server.URL, Token: secret.New(token), Mount: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	return c, requests
}

// sent compares the requests with those wanted.
func sent(t *testing.T, got *[]string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, *got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

const current = `200 {"data":{"data":{"username":"team-payments+ci","token":"` + robotToken + `"},
	"metadata":{"version":3,"created_time":"2026-11-24T10:00:00Z","deletion_time":"","destroyed":false,"custom_metadata":null}}}`

func TestRead(t *testing.T) {
	c, requests := serve(t, current, current)
	want := vault.Secret{Data: vault.Data{"username": secret.New("team-payments+ci"), "token": secret.New(robotToken)}, Version: 3,
		Created: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)}
	got, err := c.Read(t.Context(), path)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("secret (-want +got):\n%s%v", diff, err)
	}
	if _, err := c.ReadVersion(t.Context(), path, 2); err != nil {
		t.Error(err)
	}
	sent(t, requests, "GET /v1/secret/data/"+path, "GET /v1/secret/data/"+path+"?version=2")
}

func TestWrite(t *testing.T) {
	c, requests := serve(t, `200 {"data":{"version":4,"created_time":"2026-11-24T10:00:00Z","deletion_time":"","destroyed":false}}`)
	version, err := c.Write(t.Context(), path, vault.Data{"username": secret.New("team-payments+ci")}, 3)
	if version != 4 || err != nil {
		t.Errorf("version is %d, %v", version, err)
	}
	sent(t, requests, "PUT /v1/secret/data/"+path+` {"data":{"username":"team-payments+ci"},"options":{"cas":3}}`)
}

func TestMetadataAndDestroy(t *testing.T) {
	c, requests := serve(t, `200 {"data":{"current_version":12,"oldest_version":3,"max_versions":0,"cas_required":false,"delete_version_after":"0s",
		"created_time":"2026-11-24T10:00:00Z","updated_time":"2026-11-24T10:00:00Z","custom_metadata":null,"versions":{
		"9":{"created_time":"2026-11-24T10:00:00Z","deletion_time":"2026-11-24T11:00:00Z","destroyed":false},
		"10":{"created_time":"2026-11-24T10:00:00Z","deletion_time":"","destroyed":true},
		"11":{"created_time":"2026-11-24T10:00:00Z","deletion_time":"","destroyed":false},
		"12":{"created_time":"2026-11-24T12:00:00Z","deletion_time":"","destroyed":false}}}}`, "204 ", `404 {"errors":[]}`)
	got, err := c.Metadata(t.Context(), path)
	if diff := cmp.Diff(vault.Metadata{Current: 12, Live: []int{11, 12}, Written: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}, got); diff != "" || err != nil {
		t.Errorf("metadata (-want +got):\n%s%v", diff, err)
	}
	if err := c.Destroy(t.Context(), path, []int{11}); err != nil {
		t.Error(err)
	}
	if err := c.Destroy(t.Context(), path, nil); err != nil {
		t.Error(err)
	}
	if got, err := c.Metadata(t.Context(), "apps/none"); err != nil || got.Current != 0 {
		t.Errorf("metadata of nothing: %v, %v", got, err)
	}
	sent(t, requests, "GET /v1/secret/metadata/"+path, "PUT /v1/secret/destroy/"+path+` {"versions":[11]}`, "GET /v1/secret/metadata/apps/none")
}

// Deleting takes the metadata too: what is left of a secret otherwise is the number of its last version.
func TestDelete(t *testing.T) {
	c, requests := serve(t, "204 ", `403 {"errors":["permission denied"]}`)
	if err := c.Delete(t.Context(), path); err != nil {
		t.Error(err)
	}
	if err := c.Delete(t.Context(), path); !errors.Is(err, vault.ErrDenied) || !strings.Contains(err.Error(), `deleting "secret/`+path+`" in Vault`) {
		t.Errorf("error is %v", err)
	}
	sent(t, requests, "DELETE /v1/secret/metadata/"+path, "DELETE /v1/secret/metadata/"+path)
}

func TestCapabilities(t *testing.T) {
	c, requests := serve(t, `200 {"data":{"capabilities":["update","read"],"secret/data/`+path+`":["update","read"]}}`)
	got, err := c.Capabilities(t.Context(), "data", path)
	if diff := cmp.Diff([]string{"read", "update"}, got); diff != "" || err != nil {
		t.Errorf("capabilities (-want +got):\n%s%v", diff, err)
	}
	sent(t, requests, `POST /v1/sys/capabilities-self {"path":"secret/data/`+path+`","token":"`+token+`"}`)
}

// jwt is the token of a ServiceAccount.
func jwt() (secret.Value, error) { return secret.New("the.jwt"), nil }

func TestLoginKubernetes(t *testing.T) {
	c, requests := serve(t, `200 {"auth":{"client_token":"`+token+`"}}`, current, `400 {"errors":["invalid role name \"x\""]}`, `200 {}`)
	if err := c.LoginKubernetes(t.Context(), "kubernetes", "quay-push", jwt); err != nil {
		t.Error(err)
	}
	if _, err := c.Read(t.Context(), path); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"invalid role name", "has no token"} {
		err := c.LoginKubernetes(t.Context(), "kubernetes", "x", jwt)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "the.jwt") {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
	if (*requests)[0] != `PUT /v1/auth/kubernetes/login {"jwt":"the.jwt","role":"quay-push"}` {
		t.Errorf("request is %q", (*requests)[0])
	}
}

func TestErrorsHaveAKind(t *testing.T) {
	deleted := `404 {"data":{"data":null,"metadata":{"version":2,"created_time":"2026-11-24T10:00:00Z","deletion_time":"2026-11-24T11:00:00Z","destroyed":false}}}`
	for _, test := range []struct {
		answer string
		kind   error
		text   string
	}{
		{`404 {"errors":[]}`, vault.ErrNotFound, `reading "secret/` + path + `" from Vault: not found in Vault`},
		{deleted, vault.ErrNotFound, "the version is deleted"},
		{`403 {"errors":["permission denied"]}`, vault.ErrDenied, "denied by Vault: GET http"},
		{`400 {"errors":["something else"]}`, nil, "something else"},
		{`200 {"data":{"data":{"token":7},"metadata":{"version":2,"created_time":"2026-11-24T10:00:00Z","deletion_time":"","destroyed":false}}}`, nil, `the value of "token" is not a text`},
	} {
		c, _ := serve(t, test.answer)
		_, err := c.Read(t.Context(), path)
		if err == nil || test.kind != nil && !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.text) || strings.Contains(err.Error(), token) {
			t.Errorf("error is %v, want %q", err, test.text)
		}
	}
	c, _ := serve(t, `400 {"errors":["check-and-set parameter did not match the current version"]}`)
	if _, err := c.Write(t.Context(), path, vault.Data{"token": secret.New(robotToken)}, 1); !errors.Is(err, vault.ErrConflict) || strings.Contains(err.Error(), robotToken) {
		t.Errorf("error is %v", err)
	}
}

func TestHostilePaths(t *testing.T) {
	c, requests := serve(t)
	for _, hostile := range []string{"", "/apps", "apps/../sys", "apps//x", "apps/./x", "apps/x?version=1", "apps/x%2f", "apps/+/x", "apps/*", "apps/x\n"} {
		if _, err := c.Read(t.Context(), hostile); err == nil || !strings.Contains(err.Error(), "not a path") {
			t.Errorf("reading %q: %v", hostile, err)
		}
		if _, err := c.Write(t.Context(), hostile, nil, 0); err == nil {
			t.Errorf("writing %q: no error", hostile)
		}
		if err := c.Delete(t.Context(), hostile); err == nil {
			t.Errorf("deleting %q: no error", hostile)
		}
	}
	if len(*requests) > 0 {
		t.Errorf("requests were sent: %q", *requests)
	}
	if _, err := vault.New(vault.Options{Mount: "../sys"}); err == nil {
		t.Error("a mount that leads elsewhere was taken")
	}
	if _, err := vault.New(vault.Options{Mount: "secret", CAFile: "/does/not/exist"}); err == nil {
		t.Error("a missing file of authorities was taken")
	}
}

// The environment of Vault's own tools counts, and options come before it.
func TestEnvironment(t *testing.T) {
	requests := &[]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Vault-Token") != "from-environment" || r.Header.Get("X-Vault-Namespace") != "team/" {
			t.Errorf("header is %v", r.Header)
		}
		*requests = append(*requests, r.URL.Path)
		io.WriteString(w, current[4:])
	}))
	defer server.Close()
	t.Setenv("VAULT_ADDR", server.URL)
	t.Setenv("VAULT_TOKEN", "from-environment")
	t.Setenv("VAULT_NAMESPACE", "team/")
	fromEnvironment, err := vault.New(vault.Options{Mount: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fromEnvironment.Read(t.Context(), path); err != nil {
		t.Error(err)
	}
	sent(t, requests, "/v1/secret/data/"+path)
}

func TestNoValueIsPrinted(t *testing.T) {
	s := vault.Secret{Data: vault.Data{"token": secret.New(robotToken)}, Version: 1}
	var printed strings.Builder
	for _, v := range []any{s, &s, s.Data, []vault.Secret{s}, map[string]vault.Data{"x": s.Data}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			fmt.Fprintf(&printed, verb+"\n", v)
		}
		data, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		printed.Write(data)
	}
	if text := printed.String(); strings.Contains(text, robotToken) || strings.Contains(text, fmt.Sprintf("%x", robotToken)) || !strings.Contains(text, "token") {
		t.Errorf("printed: %s", text)
	}
}
