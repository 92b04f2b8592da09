package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/onboard"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// defaultOAuthPath is where in Vault Quay's OAuth token is, outside of every team's path.
const defaultOAuthPath = "platform/quay-push/quay-token"

func (c *connection) newOnboardFleet() *cobra.Command {
	var to destination
	var f onboard.Fleet
	var caFile string
	cmd := &cobra.Command{
		Use:   "fleet --vault-address ADDRESS",
		Short: "Render what config/fleet needs of this platform, so that verify and rotate run by themselves",
		Long: `Prints the ConfigMap with the address of Vault, SecretStore and ExternalSecret of Quay's OAuth token, the right to read the robots'
Secrets, and for Vault a policy and a role for each account. Nothing is changed in Vault: the commands for that are printed.
Where robots' Secrets are not in custody, run it again for new teams: each has a Role of its own.`,
		Example: `  tkn quay onboard fleet --vault-address https://vault.example.com:8200 --output-dir fleet
  tkn quay onboard fleet --vault-address https://vault.example.com:8200 --vault-ca-file vault-ca.pem --auth-mount k8s-prod`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.checkPlatform(&f.Platform, caFile); err != nil {
				return err
			}
			if err := checkOAuthPath(f.QuayTokenPath); err != nil {
				return err
			}
			if err := to.check(); err != nil {
				return err
			}
			return c.onboardFleet(cmd.Context(), f, to)
		},
	}
	to.addFlags(cmd)
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return usagef("see tkn quay onboard fleet --help; for a team of that name: tkn quay onboard team-fleet", "%v", err)
	})
	addPlatformFlags(cmd, &f.Platform, &caFile)
	addOAuthPathFlag(cmd, &f.QuayTokenPath, "")
	return cmd
}

// addOAuthPathFlag defines the flag of a command that needs Quay's OAuth token, or only where it is; when says when.
func addOAuthPathFlag(cmd *cobra.Command, path *string, when string) {
	cmd.Flags().StringVar(path, "oauth-path", defaultOAuthPath, when+"`path` in Vault of Quay's OAuth token, which is its key token")
}

// checkOAuthPath refuses what is no path in Vault.
func checkOAuthPath(path string) error {
	if err := vault.CheckPath(path); err != nil {
		return usagef("give a path below the mount, such as "+defaultOAuthPath, "--oauth-path: %v", err)
	}
	return nil
}

// onboardFleet renders the fleet's part, and delivers it.
func (c *connection) onboardFleet(ctx context.Context, f onboard.Fleet, to destination) error {
	view, err := c.view(ctx)
	if err != nil {
		return err
	}
	f.Convention, f.CustodyNamespace = view.config.Convention, view.config.CustodyNamespace
	if f.CustodyNamespace == "" {
		if f.Tenants, err = view.tenants(ctx); err != nil {
			return err
		}
	}
	files, err := f.Manifests()
	if err != nil {
		return err
	}
	return c.deliver(ctx, onboarded{head: newHead("Onboarding"), Commands: f.Commands()}, files, to)
}
