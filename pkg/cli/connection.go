package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/onboard"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// connection opens what a command needs, when it needs it. No token is ever a flag.
type connection struct {
	program *Program
	// format is the flag output.
	format, configFile, kubeconfig, context string

	quayURL, quayTokenFile, quayCAFile      string
	vaultTokenFile, vaultRole, vaultJWTFile string

	clients *Clients
	config  *config.Config
}

const (
	// quayTimeout is how long one request to Quay may take.
	quayTimeout = 30 * time.Second
	// unlimitedRate is how many requests a second a Quay without rate limits is asked; with them it is package quay's default.
	unlimitedRate = 120
	// maxToken is the largest file that is read as a token, in bytes.
	maxToken = 64 << 10
	// serviceAccountToken is where a Pod has the token of its ServiceAccount.
	serviceAccountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token"
)

// addQuayFlags defines the flags of a command that talks to Quay.
func (c *connection) addQuayFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&c.quayURL, "quay-url", "", "`address` of Quay (default https:// and the registry of config-tenancy)")
	flags.StringVar(&c.quayTokenFile, "quay-token-file", "", "`file` with the OAuth token, - for stdin (default $QUAY_TOKEN)")
	flags.StringVar(&c.quayCAFile, "quay-ca-file", "", "PEM `file` of certificate authorities to trust beside the system's")
}

// addVaultFlags defines the flags of a command that talks to Vault. Its address, authorities and namespace are VAULT_ADDR,
// VAULT_CACERT and VAULT_NAMESPACE, as for Vault's own tools.
func (c *connection) addVaultFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&c.vaultTokenFile, "vault-token-file", "", "`file` with the Vault token, - for stdin (default $VAULT_TOKEN)")
	flags.StringVar(&c.vaultRole, "vault-role", "", "`role` to log in to Vault as, with the token of a ServiceAccount")
	flags.StringVar(&c.vaultJWTFile, "vault-jwt-file", serviceAccountToken, "`file` with that token")
}

// checkFlags refuses flags that cannot be, before anything is opened.
func (c *connection) checkFlags() error {
	if c.format != "table" && c.format != "json" && c.format != "yaml" {
		return usagef("use table, json or yaml", "--output is %q", c.format)
	}
	if c.quayTokenFile == "-" && c.vaultTokenFile == "-" {
		return usagef("put one of the tokens into a file or the environment", "--quay-token-file and --vault-token-file both read stdin")
	}
	if c.vaultTokenFile != "" && c.vaultRole != "" {
		return usagef("use one of them", "--vault-token-file and --vault-role exclude each other")
	}
	return nil
}

// token reads a token from file, - for stdin, or where file is empty from an environment variable.
func (c *connection) token(what, file, variable, flag string) (string, error) {
	text := c.program.Getenv(variable)
	if file != "" {
		in := c.program.In
		if file != "-" {
			opened, err := os.Open(file)
			if err != nil {
				return "", fmt.Errorf("reading %s: %w", what, err)
			}
			defer opened.Close()
			in = opened
		}
		data, err := io.ReadAll(io.LimitReader(in, maxToken))
		if err != nil {
			return "", fmt.Errorf("reading %s: %w", what, err)
		}
		text = string(data)
	}
	if text = strings.TrimSpace(text); text == "" {
		next := "name a file with " + flag
		if variable != "" {
			next = "set " + variable + ", or " + next
		}
		return "", usagef(next, "there is no %s", what)
	}
	return text, nil
}

// quay returns a client of Quay. many says that it will be asked about all tenants.
func (c *connection) quay(ctx context.Context, many bool) (*quay.Client, error) {
	names, err := c.tenancy(ctx)
	if err != nil {
		return nil, err
	}
	token, err := c.token("OAuth token of Quay", c.quayTokenFile, "QUAY_TOKEN", "--quay-token-file")
	if err != nil {
		return nil, err
	}
	client, err := c.quayHTTP()
	if err != nil {
		return nil, err
	}
	opts := quay.Options{URL: cmp.Or(c.quayURL, "https://"+names.Registry), Token: token, HTTPClient: client}
	q, err := quay.New(opts)
	if err != nil || !many {
		return q, err
	}
	settings, err := q.Config(ctx)
	if err != nil {
		return nil, err
	}
	if limited, told := settings.Features["RATE_LIMITS"]; told && !limited {
		opts.Rate = unlimitedRate
	}
	return quay.New(opts)
}

// quayHTTP returns the HTTP client for Quay.
func (c *connection) quayHTTP() (*http.Client, error) {
	transport := c.program.Transport
	if transport == nil {
		transport = http.DefaultTransport.(*http.Transport)
	}
	transport = transport.Clone()
	if c.quayCAFile != "" {
		pool, err := x509.SystemCertPool()
		if err != nil {
			return nil, fmt.Errorf("reading the system's authorities: %w", err)
		}
		data, err := os.ReadFile(c.quayCAFile)
		if err != nil {
			return nil, fmt.Errorf("reading Quay's authorities: %w", err)
		}
		if !pool.AppendCertsFromPEM(data) {
			return nil, usagef("give a PEM file", "--quay-ca-file %q has no PEM certificate", c.quayCAFile)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	return &http.Client{Transport: transport, Timeout: quayTimeout}, nil
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

// services opens everything that package robot works on. many is as with quay.
func (c *connection) services(ctx context.Context, many bool) (robot.Services, error) {
	clients, err := c.cluster()
	if err != nil {
		return robot.Services{}, err
	}
	names, err := c.tenancy(ctx)
	if err != nil {
		return robot.Services{}, err
	}
	q, err := c.quay(ctx, many)
	if err != nil {
		return robot.Services{}, err
	}
	v, err := c.vault(ctx)
	if err != nil {
		return robot.Services{}, err
	}
	return robot.Services{Quay: q, Vault: v, Cluster: &cluster{clients, names}, Poll: c.program.Poll, Now: c.program.Now}, nil
}
