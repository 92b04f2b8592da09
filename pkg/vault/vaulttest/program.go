package vaulttest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/vault/api"
)

// Admin returns Vault's own client with the root token.
func (s Server) Admin(t testing.TB) *api.Client {
	t.Helper()
	config := api.DefaultConfig()
	config.Address = s.Address
	c, err := api.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	c.SetToken(s.Token)
	return c
}

// Run does what Vault's own program does for a command line, with the root token: for those that the pages and the tool name. The
// program itself cannot be built from its module. Files are looked for in dir.
func (s Server) Run(t testing.TB, dir, line string) {
	t.Helper()
	file := func(name string) []byte {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	words, c, err := strings.Fields(line), s.Admin(t), error(nil)
	switch {
	case len(words) == 5 && strings.HasPrefix(line, "vault policy write "):
		err = c.Sys().PutPolicyWithContext(t.Context(), words[3], string(file(words[4])))
	case len(words) == 4 && strings.HasPrefix(line, "vault write ") && words[3][0] == '@':
		_, err = c.Logical().WriteBytesWithContext(t.Context(), words[2], file(words[3][1:]))
	case len(words) == 6 && strings.HasPrefix(line, "vault kv put -mount=") && strings.Contains(words[5], "=@"):
		key, name, _ := strings.Cut(words[5], "=@")
		_, err = c.KVv2(strings.TrimPrefix(words[3], "-mount=")).Put(t.Context(), words[4], map[string]any{key: string(file(name))})
	default:
		t.Fatalf("%q is not played here", line)
	}
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
}
