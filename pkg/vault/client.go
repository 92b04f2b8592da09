package vault

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/vault/api"

	"github.com/comptech-lab/quay-push/pkg/proxy"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// Options say which Vault to speak to. What is empty comes from the environment variables that Vault's own tools read:
// VAULT_ADDR, VAULT_CACERT, VAULT_NAMESPACE, VAULT_TOKEN. VAULT_AGENT_ADDR, VAULT_SKIP_VERIFY and VAULT_SRV_LOOKUP are refused.
type Options struct {
	// Address is the address of Vault, such as https://vault.example.com:8200.
	Address string
	// CAFile is a PEM file with the authorities to trust.
	CAFile string
	// Namespace is Vault Enterprise's.
	Namespace string
	// Token is a Vault token; it may also come from LoginKubernetes.
	Token secret.Value
	// Mount is where the KV v2 engine is mounted.
	Mount string
}

// Client reads and writes one KV v2 mount. It is safe for concurrent use once logged in.
type Client struct {
	api     *api.Client
	session *session
	mount   string

	mounted sync.Mutex
	// about is the mount once it was asked for.
	about Mount
}

// New returns a client. The error says what is wrong with an option or a variable, without the token.
func New(opts Options) (*Client, error) {
	if opts.Mount == "" || CheckPath(opts.Mount) != nil {
		return nil, fmt.Errorf("vault mount %q is not a path", opts.Mount)
	}
	if err := checkEnvironment(); err != nil {
		return nil, err
	}
	config := api.DefaultConfig()
	if config.Error != nil {
		return nil, fmt.Errorf("reading the environment of Vault: %w", config.Error)
	}
	if opts.Address != "" {
		config.Address = opts.Address
	}
	if opts.CAFile != "" {
		if err := config.ConfigureTLS(&api.TLSConfig{CACert: opts.CAFile}); err != nil {
			return nil, fmt.Errorf("reading Vault's authorities %q: %w", opts.CAFile, err)
		}
	}
	config.DisableRedirects, config.CheckRetry = true, retry
	client, err := api.NewClient(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to Vault %q: %w", config.Address, err)
	}
	if transport, ok := config.HttpClient.Transport.(*http.Transport); ok {
		transport.OnProxyConnectResponse = proxy.Connected
	}
	kept := &session{next: oneHost{config.HttpClient.Transport}}
	config.HttpClient.Transport = kept
	if opts.Namespace != "" {
		client.SetNamespace(opts.Namespace)
	}
	if !opts.Token.IsZero() {
		client.SetToken(opts.Token.Reveal())
	}
	return &Client{api: client, session: kept, mount: opts.Mount}, nil
}

// Capabilities are what the client's own token may do with path in one of KV v2's sections: data, metadata, destroy. It
// asks Vault's policies as they are, which is the one way to see whether a wildcard in them matches.
func (c *Client) Capabilities(ctx context.Context, section, path string) ([]string, error) {
	if err := CheckPath(path); err != nil {
		return nil, err
	}
	full := c.mount + "/" + section + "/" + path
	capabilities, err := c.api.Sys().CapabilitiesSelfWithContext(ctx, full)
	if err != nil {
		return nil, fmt.Errorf("asking Vault for the capabilities on %q: %w", full, wrap(err))
	}
	slices.Sort(capabilities)
	return capabilities, nil
}

// CheckPath refuses a path with an empty or a dot element; the error wraps ErrPath.
func CheckPath(path string) error {
	for _, element := range strings.Split(path, "/") {
		if element == "" || element == "." || element == ".." || strings.ContainsAny(element, "?#%*+\\ \r\n") {
			return fmt.Errorf("%w: %q", ErrPath, path)
		}
	}
	return nil
}
