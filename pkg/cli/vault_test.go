package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// The token of vault login is where Vault's own tools keep it: in ~/.vault-token, or with the helper that ~/.vault names.
func TestVaultLogin(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	write := func(name, content string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(home, name), []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	if token, err := vaultLogin(); !token.IsZero() || err != nil {
		t.Errorf("without a login: %q, %v", token.Reveal(), err)
	}
	write(".vault-token", "hvs.ONE\n", 0o600)
	if token, err := vaultLogin(); token.Reveal() != "hvs.ONE" || err != nil {
		t.Errorf("after one: %q, %v", token.Reveal(), err)
	}
	write("helper", "#!/bin/sh\necho hvs.TWO\n", 0o700)
	write(".vault", `token_helper = "`+filepath.Join(home, "helper")+`"`, 0o600)
	if token, err := vaultLogin(); token.Reveal() != "hvs.TWO" || err != nil {
		t.Errorf("with a helper: %q, %v", token.Reveal(), err)
	}
	write(".vault", "token_helper = 1 2", 0o600)
	if _, err := vaultLogin(); err == nil || !strings.HasPrefix(err.Error(), "finding the token of vault login: ") {
		t.Errorf("with a broken ~/.vault: %v", err)
	}
	t.Setenv("HOME", "")
	if token, err := vaultLogin(); !token.IsZero() || err != nil {
		t.Errorf("without a home: %q, %v", token.Reveal(), err)
	}
}

// Variables that Vault's client refuses are a wrong command line, with a next step that names them.
func TestOpenVaultRefusesVariables(t *testing.T) {
	t.Setenv("VAULT_SKIP_VERIFY", "true")
	c := &connection{program: New(), config: config.Default()}
	_, err := c.openVault(secret.Value{})
	if exitOf(t.Context(), err) != ExitUsage || nextOf(err) != "see --vault-addr and the variables VAULT_* of the environment" {
		t.Errorf("%v; next: %s", err, nextOf(err))
	}
}
