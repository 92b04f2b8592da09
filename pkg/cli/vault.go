package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/onboard"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// serviceAccountToken is where a Pod has the token of its ServiceAccount.
const serviceAccountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token"

// addVaultFlags defines the flags of a command that talks to Vault. Its address, authorities and namespace are VAULT_ADDR,
// VAULT_CACERT and VAULT_NAMESPACE, as for Vault's own tools.
func (c *connection) addVaultFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&c.vaultTokenFile, "vault-token-file", "", "`file` with the Vault token, - for stdin (default $VAULT_TOKEN)")
	flags.StringVar(&c.vaultRole, "vault-role", "", "`role` to log in to Vault as, with the token of a ServiceAccount")
	flags.StringVar(&c.vaultJWTFile, "vault-jwt-file", serviceAccountToken, "`file` with the token of the ServiceAccount for --vault-role")
}

// Vault is a client of Vault.
type Vault interface {
	robot.Vault
	Capabilities(ctx context.Context, section, path string) ([]string, error)
	LoginKubernetes(ctx context.Context, mount, role, serviceAccountToken string) error
}

// vault returns a client of Vault that is logged in.
func (c *connection) vault(ctx context.Context) (Vault, error) {
	if _, err := c.tenancy(ctx); err != nil {
		return nil, err
	}
	if c.vaultRole == "" {
		token, err := c.token("Vault token", c.vaultTokenFile, "VAULT_TOKEN", "--vault-token-file or --vault-role")
		if err != nil {
			return nil, err
		}
		return c.openVault(token)
	}
	v, err := c.openVault("")
	if err != nil {
		return nil, err
	}
	jwt, err := c.token("token of the ServiceAccount", c.vaultJWTFile, "", "--vault-jwt-file")
	if err != nil {
		return nil, err
	}
	return v, v.LoginKubernetes(ctx, onboard.AuthMount, c.vaultRole, jwt)
}

// openVault returns a client with a token; without one it has to log in.
func (c *connection) openVault(token string) (Vault, error) {
	if c.program.Vault != nil {
		return c.program.Vault(c.config.VaultMount)
	}
	return vault.New(vault.Options{Token: token, Mount: c.config.VaultMount})
}
