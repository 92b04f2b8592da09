package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// connection opens what a command needs, when it needs it. No token is ever a flag.
type connection struct {
	program *Program
	// format is the flag output.
	format, configFile, kubeconfig string
	// contexts are those of the flag: the first is of the cluster at hand. every says that the command works on all that are named.
	contexts []string
	every    bool

	quayURL, quayTokenFile, quayCAFile string
	// quayRate is the most requests per second to Quay; 0 means the default.
	quayRate                                float64
	vaultAddr, vaultCAFile, vaultNamespace  string
	vaultTokenFile, vaultRole, vaultJWTFile string
	vaultAuthMount                          string

	// issuer is the flag of that name.
	issuer string

	clients *Clients
	config  *config.Config
	// piped is the token that was read from stdin; zero as long as none was.
	piped secret.Value
	// leases is where the Leases are, if not in the cluster at hand.
	leases *otherCluster
}

// checkFlags refuses flags that cannot be, before anything is opened.
func (c *connection) checkFlags(cmd *cobra.Command) error {
	_, wide := cmd.Annotations[wideToo]
	switch {
	case slices.Contains([]string{"table", "json", "yaml"}, c.format):
	case !wide:
		return usagef("use table, json or yaml", "--output is %q", c.format)
	case c.format != "wide":
		return usagef("use table, wide, json or yaml", "--output is %q", c.format)
	}
	if c.quayTokenFile == "-" && c.vaultTokenFile == "-" {
		return usagef("put one of the tokens into a file or the environment", "--quay-token-file and --vault-token-file both read stdin")
	}
	if !(c.quayRate >= 0 && c.quayRate <= mostRate) {
		return usagef("give how many requests a second Quay may be sent, such as 40, or leave it out", "--rate is %v, which is not between 0 and %d", c.quayRate, mostRate)
	}
	if c.vaultTokenFile != "" && c.vaultRole != "" {
		return usagef("use one of them", "--vault-token-file and --vault-role cannot be used together")
	}
	if err := checkExists("--quay-token-file", c.quayTokenFile, "file"); err != nil {
		return err
	}
	if c.vaultRole != "" {
		return checkExists("--vault-jwt-file", c.vaultJWTFile, "file")
	}
	return checkExists("--vault-token-file", c.vaultTokenFile, "file")
}

// checkExists refuses the value of a flag that names a file, or a directory, which is not there. Stdin is there, and so is what was not given.
func checkExists(flag, path, kind string) error {
	if path == "" || path == "-" {
		return nil
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return usagef(fmt.Sprintf("give a %s that exists", kind), "%s %q does not exist", flag, path)
	}
	return nil
}

// services are everything that package robot works on, and the cluster with what the commands themselves ask of it.
type services struct {
	robot.Services
	cluster *cluster
	// others are the other clusters that render credentials from the same Vault, by context.
	others map[string]*otherCluster
}

// services opens everything that a command on teams works on. many is as with quay.
func (c *connection) services(ctx context.Context, many bool) (services, error) {
	if err := c.checkVault(); err != nil {
		return services{}, err
	}
	view, err := c.view(ctx)
	if err != nil {
		return services{}, err
	}
	if view.config.Registry == "" {
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
	exchange, err := c.exchange(q.Host())
	if err != nil {
		return services{}, err
	}
	s := services{Services: robot.Services{Quay: q, Vault: v, Cluster: view, Issuer: c.issuerName, Exchange: exchange, Poll: c.program.Poll, Now: c.program.Now}, cluster: view}
	if !c.every {
		return s, nil
	}
	if s.others, err = c.others(ctx, view.config, view.Context); err != nil || len(s.others) == 0 {
		return s, err
	}
	s.Name, s.Clusters = view.Context, map[string]robot.Cluster{}
	c.leases = leaseCluster(s.others, view.Context)
	return s, nil
}
