package cli

import (
	"context"
	"fmt"

	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// connection opens what a command needs, when it needs it. No token is ever a flag.
type connection struct {
	program *Program
	// format is the flag output.
	format, configFile, kubeconfig, context string

	quayURL, quayTokenFile, quayCAFile      string
	vaultAddr, vaultCAFile, vaultNamespace  string
	vaultTokenFile, vaultRole, vaultJWTFile string

	// issuer is the flag of that name.
	issuer string

	clients *Clients
	config  *config.Config
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

// services are everything that package robot works on, and the cluster with what the commands themselves ask of it.
type services struct {
	robot.Services
	cluster *cluster
}

// services opens everything that a command on teams works on. many is as with quay.
func (c *connection) services(ctx context.Context, many bool) (services, error) {
	if err := c.checkVault(); err != nil {
		return services{}, err
	}
	clients, err := c.cluster()
	if err != nil {
		return services{}, err
	}
	names, err := c.tenancy(ctx)
	if err != nil {
		return services{}, err
	}
	if names.Registry == "" {
		return services{}, usagef(fmt.Sprintf(`name it: kubectl patch configmap config-tenancy --namespace %s --type merge --patch '{"data":{"registry":"<host of Quay>"}}'`,
			systemNamespace), "ConfigMap config-tenancy names no registry")
	}
	q, err := c.quay(ctx, many)
	if err != nil {
		return services{}, err
	}
	v, err := c.vault(ctx)
	if err != nil {
		return services{}, err
	}
	view := &cluster{clients, names}
	exchange, err := c.exchange(q.Host())
	if err != nil {
		return services{}, err
	}
	return services{robot.Services{Quay: q, Vault: v, Cluster: view, Issuer: c.issuerName, Exchange: exchange, Poll: c.program.Poll, Now: c.program.Now}, view}, nil
}
