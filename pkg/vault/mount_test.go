package vault_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/vault"
)

const (
	kv2    = `200 {"data":{"type":"kv","path":"secret/","options":{"version":"2"}}}`
	denied = `403 {"errors":["permission denied"]}`
	absent = `404 {"errors":[]}`
)

func TestMount(t *testing.T) {
	for name, test := range map[string]struct {
		entry, config string
		want          vault.Mount
		// problem and mend are of Wrong.
		problem, mend string
	}{
		"KV version 2": {kv2, `200 {"data":{"cas_required":false,"delete_version_after":"720h0m0s","max_versions":3}}`,
			vault.Mount{Name: "secret", Engine: vault.Engine2, Limits: vault.Limits{MaxVersions: 3, DeleteAfter: 720 * time.Hour}}, "", ""},
		"never deleting":     {kv2, `200 {"data":{"delete_version_after":"-1s","max_versions":0}}`, vault.Mount{Name: "secret", Engine: vault.Engine2, Limits: vault.Limits{DeleteAfter: -time.Second}}, "", ""},
		"no right to read":   {denied, denied, vault.Mount{Name: "secret", Hidden: true}, "", ""},
		"config not allowed": {kv2, denied, vault.Mount{Name: "secret", Engine: vault.Engine2, Hidden: true}, "", ""},
		"no such route":      {absent, absent, vault.Mount{Name: "secret", Hidden: true}, "", ""},
		"KV version 1": {`200 {"data":{"type":"kv","options":{"version":"1"}}}`, absent, vault.Mount{Name: "secret", Engine: vault.Engine1},
			`the mount "secret" in Vault is KV version 1`, "vault kv enable-versioning secret"},
		"KV of long ago": {`200 {"data":{"type":"generic","options":null}}`, absent, vault.Mount{Name: "secret", Engine: vault.Engine1},
			`the mount "secret" in Vault is KV version 1`, "vault kv enable-versioning secret"},
		"a secret called config": {`200 {"data":{"type":"kv","options":null}}`, `200 {"data":{"max_versions":1}}`, vault.Mount{Name: "secret", Engine: vault.Engine1},
			`the mount "secret" in Vault is KV version 1`, "vault kv enable-versioning secret"},
		"another engine": {`200 {"data":{"type":"pki","options":{}}}`, absent, vault.Mount{Name: "secret", Engine: "pki"},
			`the mount "secret" in Vault is of type "pki"`, "name a mount of KV version 2"},
	} {
		t.Run(name, func(t *testing.T) {
			c, requests := serve(t, test.entry, test.config)
			for range 2 {
				got, err := c.Mount(t.Context())
				problem, mend := got.Wrong()
				if got != test.want || err != nil || problem != test.problem || !strings.Contains(mend, test.mend) || (mend == "") != (test.mend == "") {
					t.Errorf("mount is %+v, %v, %q, %q", got, err, problem, mend)
				}
			}
			sent(t, requests, "GET /v1/sys/internal/ui/mounts/secret", "GET /v1/secret/config")
		})
	}
	// A mount is not there if none of its paths has a handler.
	noRoute := `404 {"errors":["no handler for route \"secret/config\". route entry not found."]}`
	for data, gone := range map[string]bool{noRoute: true, absent: false, denied: false, `200 {"data":{}}`: false} {
		c, requests := serve(t, denied, noRoute, data)
		got, err := c.Mount(t.Context())
		if want := (vault.Mount{Name: "secret", Absent: gone, Hidden: !gone}); got != want || err != nil {
			t.Errorf("mount is %+v, %v, want %+v", got, err, want)
		}
		problem, mend := got.Wrong()
		if gone && (problem != `there is no mount "secret" in Vault` || !strings.Contains(mend, "vault secrets enable -path=secret kv-v2")) {
			t.Errorf("it says %q, %q", problem, mend)
		}
		sent(t, requests, "GET /v1/sys/internal/ui/mounts/secret", "GET /v1/secret/config", "GET /v1/secret/data/quay-push")
	}
	// What fails for another reason is asked again.
	c, _ := serve(t, `400 {"errors":["no"]}`, kv2, `400 {"errors":["no"]}`, kv2, absent)
	for range 2 {
		if got, err := c.Mount(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "reading \"s") {
			t.Errorf("mount is %v, %v", got, err)
		}
	}
	if got, err := c.Mount(t.Context()); got.Engine != vault.Engine2 || err != nil {
		t.Errorf("mount is %v, %v", got, err)
	}
}

// The larger number of versions counts, and the shorter time, unless the mount deletes nothing.
func TestLoses(t *testing.T) {
	const day = 24 * time.Hour
	for name, test := range map[string]struct {
		mount, own    vault.Limits
		problem, mend string
	}{
		"nothing is set":              {vault.Limits{}, vault.Limits{}, "", ""},
		"two versions":                {vault.Limits{MaxVersions: 2}, vault.Limits{}, "", ""},
		"one version":                 {vault.Limits{MaxVersions: 1}, vault.Limits{}, `max_versions of the mount "kv" in Vault is 1`, "vault write kv/config max_versions=10"},
		"one of the secret":           {vault.Limits{}, vault.Limits{MaxVersions: 1}, `max_versions of the secret "a/b" in Vault is 1`, "vault kv metadata put -mount=kv -max-versions=10 a/b"},
		"one of both":                 {vault.Limits{MaxVersions: 1}, vault.Limits{MaxVersions: 1}, `max_versions of the mount "kv" in Vault is 1`, "vault write kv/config max_versions=10"},
		"one, and the secret's more":  {vault.Limits{MaxVersions: 1}, vault.Limits{MaxVersions: 5}, "", ""},
		"one, and the mount's more":   {vault.Limits{MaxVersions: 5}, vault.Limits{MaxVersions: 1}, "", ""},
		"a long time":                 {vault.Limits{DeleteAfter: 720 * time.Hour}, vault.Limits{DeleteAfter: day}, "", ""},
		"a short time":                {vault.Limits{DeleteAfter: time.Hour}, vault.Limits{}, `delete_version_after of the mount "kv" in Vault is 1h0m0s`, "vault write kv/config delete_version_after=0s"},
		"a short time of the secret":  {vault.Limits{DeleteAfter: 720 * time.Hour}, vault.Limits{DeleteAfter: time.Minute}, `delete_version_after of the secret "a/b" in Vault is 1m0s`, "vault kv metadata put -mount=kv -delete-version-after=0s a/b"},
		"the mount deletes nothing":   {vault.Limits{DeleteAfter: -time.Second}, vault.Limits{DeleteAfter: time.Minute}, "", ""},
		"one version of a short time": {vault.Limits{MaxVersions: 1, DeleteAfter: time.Minute}, vault.Limits{}, `max_versions of the mount "kv" in Vault is 1`, "vault write kv/config max_versions=10"},
	} {
		problem, mend := vault.Mount{Name: "kv", Limits: test.mount}.Loses("a/b", test.own, day)
		if problem != test.problem || mend != test.mend {
			t.Errorf("%s: %q, %q", name, problem, mend)
		}
	}
}

// What nobody could look at is named, unless the secret's own setting counts anyway.
func TestUnseen(t *testing.T) {
	for name, test := range map[string]struct {
		hidden bool
		own    int
		said   bool
	}{"told": {false, 0, false}, "not told": {true, 0, true}, "one of the secret": {true, 1, true}, "more of the secret": {true, 2, false}} {
		problem, mend := vault.Mount{Name: "kv", Hidden: test.hidden}.Unseen("a/b", vault.Limits{MaxVersions: test.own})
		if test.said != strings.Contains(problem, `max_versions of the mount "kv" in Vault is not known`) || test.said != strings.Contains(mend, "read on kv/config") ||
			!test.said && problem+mend != "" {
			t.Errorf("%s: %q, %q", name, problem, mend)
		}
	}
}

// A version that Vault deletes some day can be read until then.
func TestMetadataOfWhatEnds(t *testing.T) {
	later := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	c, _ := serve(t, `200 {"data":{"current_version":2,"max_versions":7,"delete_version_after":"720h0m0s","created_time":"2026-11-24T10:00:00Z","updated_time":"2026-11-24T10:00:00Z","versions":{
		"1":{"created_time":"2026-11-24T10:00:00Z","deletion_time":"`+later+`","destroyed":false},
		"2":{"created_time":"2026-11-24T10:00:00Z","deletion_time":"`+later+`","destroyed":false}}}}`,
		`200 {"data":{"data":{"username":"x"},"metadata":{"version":2,"created_time":"2026-11-24T10:00:00Z","deletion_time":"`+later+`","destroyed":false}}}`)
	got, err := c.Metadata(t.Context(), path)
	if err != nil || !slices.Equal(got.Live, []int{1, 2}) || got.Limits != (vault.Limits{MaxVersions: 7, DeleteAfter: 720 * time.Hour}) {
		t.Errorf("metadata is %+v, %v", got, err)
	}
	if secret, err := c.Read(t.Context(), path); err != nil || secret.Ends.Format(time.RFC3339) != later {
		t.Errorf("it ends %s, want %s: %v", secret.Ends, later, err)
	}
}

// What a person can do something about has a next step.
func TestNext(t *testing.T) {
	for answer, want := range map[string]struct {
		kind error
		next string
	}{
		`503 {"errors":["Vault is sealed"]}`:                         {vault.ErrSealed, "unseal Vault"},
		`503 {"errors":["Vault is not initialized"]}`:                {vault.ErrSealed, "unseal Vault"},
		`429 {"errors":["request path: rate limit quota exceeded"]}`: {vault.ErrBusy, "wait a minute"},
		`307 `: {vault.ErrRedirect, "VAULT_ADDR"},
		`400 {"errors":["check-and-set parameter required"]}`:           {nil, ""},
		`503 {"errors":["local node not active but active not found"]}`: {nil, ""},
	} {
		t.Setenv("VAULT_MAX_RETRIES", "0")
		c, _ := serve(t, answer)
		_, err := c.Read(t.Context(), path)
		if got := vault.Next(err); err == nil || want.kind != nil && !errors.Is(err, want.kind) || !strings.Contains(got, want.next) || (got == "") != (want.next == "") {
			t.Errorf("%s: %v, %q", answer, err, got)
		}
	}
}
