package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/proxy"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

const (
	// quayTimeout is how long one request to Quay may take.
	quayTimeout = 30 * time.Second
	// unlimitedRate is how many requests a second a Quay without rate limits is asked; with them it is package quay's default.
	unlimitedRate = 120
	// mostRate is the most that can be asked for.
	mostRate = 10_000
)

// addQuayFlags defines the flags of a command that talks to Quay.
func (c *connection) addQuayFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&c.quayTokenFile, "quay-token-file", "", "`file` with the OAuth token, - for stdin (default $QUAY_TOKEN)")
	c.addQuayAddressFlags(cmd)
}

// addQuayAddressFlags defines those of a command that finds the OAuth token itself.
func (c *connection) addQuayAddressFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.quayURL, "quay-url", "", "`address` of Quay (default https:// and the registry of config-tenancy)")
	c.addQuayCAFlag(cmd)
}

// addQuayCAFlag defines that of a command that knows the address.
func (c *connection) addQuayCAFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.quayCAFile, "quay-ca-file", "", "PEM `file` of certificate authorities to trust beside the system's")
}

// addRateFlag defines the flag of a command that asks Quay about many teams and changes something.
func (c *connection) addRateFlag(cmd *cobra.Command) {
	cmd.Flags().Float64Var(&c.quayRate, "rate", 0, "`requests` per second to Quay at most, over all teams (default 40; with --all 120 where Quay's own limits are off)")
}

// quay returns a client of Quay. many says that it will be asked about all tenants.
func (c *connection) quay(ctx context.Context, many bool) (*quay.Client, error) {
	address, err := c.quayAddress(ctx)
	if err != nil {
		return nil, err
	}
	token, err := c.token("OAuth token of Quay", c.quayTokenFile, "QUAY_TOKEN", "set QUAY_TOKEN, or name a file with --quay-token-file")
	if err != nil {
		return nil, err
	}
	return c.quayWith(ctx, address, token, many)
}

// quayAddress is where Quay is.
func (c *connection) quayAddress(ctx context.Context) (string, error) {
	names, err := c.tenancy(ctx)
	if err != nil {
		return "", err
	}
	if c.quayURL == "" && names.Registry == "" {
		return "", usagef("use --quay-url, or set registry in ConfigMap config-tenancy", "ConfigMap config-tenancy names no registry")
	}
	if c.quayURL != "" {
		if err := checkAddress("--quay-url", c.quayURL); err != nil {
			return "", err
		}
	}
	return cmp.Or(c.quayURL, "https://"+names.Registry), nil
}

// quayWith returns a client that asks with token.
func (c *connection) quayWith(ctx context.Context, address string, token secret.Value, many bool) (*quay.Client, error) {
	client, err := c.quayHTTP()
	if err != nil {
		return nil, err
	}
	opts := quay.Options{URL: address, Token: token, HTTPClient: client, Rate: cmp.Or(c.quayRate, c.program.Rate)}
	q, err := quay.New(opts)
	if err != nil {
		return nil, usagef("see --quay-url, or registry in config-tenancy, and the file or variable with the OAuth token", "%v", err)
	} else if !many || c.quayRate > 0 {
		return q, nil
	}
	settings, err := q.Config(ctx)
	if err != nil {
		return nil, err
	}
	if limited, told := settings.Features["RATE_LIMITS"]; told && !limited {
		opts.Rate = max(opts.Rate, unlimitedRate)
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
	transport.OnProxyConnectResponse = proxy.Connected
	if c.quayCAFile != "" {
		pool, err := authorities("--quay-ca-file", c.quayCAFile)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	return &http.Client{Transport: transport, Timeout: quayTimeout}, nil
}
