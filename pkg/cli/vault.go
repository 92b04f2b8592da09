package cli

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/hashicorp/vault/api/cliconfig"
	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/onboard"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// serviceAccountToken is where a Pod has the token of its ServiceAccount.
const serviceAccountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token"

// addVaultFlags defines the flags of a command that talks to Vault. What is not given is what Vault's own tools take.
func (c *connection) addVaultFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&c.vaultAddr, "vault-addr", "", "`address` of Vault (default $VAULT_ADDR)")
	flags.StringVar(&c.vaultCAFile, "vault-ca-file", "", "PEM `file` of certificate authorities to trust (default $VAULT_CACERT)")
	flags.StringVar(&c.vaultNamespace, "vault-namespace", "", "`namespace` of Vault Enterprise (default $VAULT_NAMESPACE)")
	flags.StringVar(&c.vaultTokenFile, "vault-token-file", "", "`file` with the Vault token, - for stdin (default $VAULT_TOKEN, else that of vault login)")
	flags.StringVar(&c.vaultRole, "vault-role", "", "`role` to log in to Vault as, with the token of a ServiceAccount")
	flags.StringVar(&c.vaultAuthMount, "vault-auth-mount", onboard.AuthMount, "`path` at which Vault's Kubernetes login is mounted, for --vault-role")
	flags.StringVar(&c.vaultJWTFile, "vault-jwt-file", serviceAccountToken, "`file` with the token of the ServiceAccount for --vault-role")
}

// Vault is a client of Vault.
type Vault interface {
	robot.Vault
	Capabilities(ctx context.Context, section, path string) ([]string, error)
	LoginKubernetes(ctx context.Context, mount, role string, serviceAccountToken func() (secret.Value, error)) error
}

// checkVault refuses an address or authorities that cannot be, before anything is asked.
func (c *connection) checkVault() error {
	from, address := "--vault-addr", c.vaultAddr
	if address == "" {
		from, address = "VAULT_ADDR", c.program.Getenv("VAULT_ADDR")
	}
	if address != "" {
		if err := checkAddress(from, address); err != nil {
			return err
		}
	}
	from, file := "--vault-ca-file", c.vaultCAFile
	if file == "" {
		from, file = "VAULT_CACERT", c.program.Getenv("VAULT_CACERT")
	}
	if file != "" {
		if _, err := authorities(from, file); err != nil {
			return err
		}
	}
	return nil
}

// vault returns a client of Vault that is logged in.
func (c *connection) vault(ctx context.Context) (Vault, error) {
	if _, err := c.tenancy(ctx); err != nil {
		return nil, err
	}
	if c.vaultRole == "" {
		token, err := c.vaultToken()
		if err != nil {
			return nil, err
		}
		return c.openVault(token)
	}
	v, err := c.openVault(secret.Value{})
	if err != nil {
		return nil, err
	}
	return v, v.LoginKubernetes(ctx, c.vaultAuthMount, c.vaultRole, func() (secret.Value, error) {
		return c.token("token of the ServiceAccount", c.vaultJWTFile, "", "name a file with --vault-jwt-file")
	})
}

// vaultToken returns the token of the file, the environment, or of vault login.
func (c *connection) vaultToken() (secret.Value, error) {
	if c.vaultTokenFile == "" && c.program.Getenv("VAULT_TOKEN") == "" {
		token, err := c.program.VaultLogin()
		if !token.IsZero() || err != nil {
			return token, err
		}
	}
	return c.token("Vault token", c.vaultTokenFile, "VAULT_TOKEN", "run vault login, set VAULT_TOKEN, or use --vault-token-file or --vault-role")
}

// vaultLogin returns the token that vault login left, in ~/.vault-token or with the token helper of ~/.vault; none is no error.
func vaultLogin() (secret.Value, error) {
	if _, err := os.UserHomeDir(); err != nil {
		return secret.Value{}, nil // Without a home there was no vault login.
	}
	helper, err := cliconfig.DefaultTokenHelper()
	if err != nil {
		return secret.Value{}, fmt.Errorf("finding the token of vault login: %w", err)
	}
	token, err := helper.Get()
	if err != nil {
		return secret.Value{}, fmt.Errorf("reading the token of vault login: %w", err)
	}
	return secret.New(strings.TrimSpace(token)), nil
}

// openVault returns a client with a token; without one it has to log in.
func (c *connection) openVault(token secret.Value) (Vault, error) {
	if err := c.checkVault(); err != nil {
		return nil, err
	}
	if c.program.Vault != nil {
		return c.program.Vault(c.config.VaultMount)
	}
	v, err := vault.New(vault.Options{Address: c.vaultAddr, CAFile: c.vaultCAFile, Namespace: c.vaultNamespace, Token: token, Mount: c.config.VaultMount})
	if err != nil {
		return nil, usagef("see --vault-addr and the variables VAULT_* of the environment", "%v", err)
	}
	return v, nil
}
