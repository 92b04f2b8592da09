package cli

import (
	"cmp"
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/onboard"
)

func (c *connection) newOnboardPlatform() *cobra.Command {
	var to destination
	var p onboard.Platform
	var caFile string
	cmd := &cobra.Command{
		Use:   "platform --vault-address ADDRESS",
		Short: "Render the platform's own part, once: SecretStore, Vault policy and role",
		Long: `Prints the SecretStore with which External Secrets reads every team's path, and for Vault the policy and the role that it logs in
with. Nothing is changed in Vault: the commands for that are printed. A team that is called platform is onboarded as team-platform.`,
		Example: `  tkn quay onboard platform --vault-address https://vault.example.com:8200 --output-dir platform
  tkn quay onboard platform --vault-address https://vault.example.com:8200 --vault-ca-file vault-ca.pem --vault-namespace admin/ci`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.checkPlatform(&p, caFile); err != nil {
				return err
			}
			if err := to.check(); err != nil {
				return err
			}
			return c.onboardPlatform(cmd.Context(), p, to)
		},
	}
	to.addFlags(cmd)
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return usagef("see tkn quay onboard platform --help; for a team of that name: tkn quay onboard team-platform", "%v", err)
	})
	addPlatformFlags(cmd, &p, &caFile)
	flags := cmd.Flags()
	flags.StringVar(&p.Audience, "audience", "", "`audience` of the tokens with which External Secrets logs in, which Vault then wants (default none)")
	flags.StringArrayVarP(&p.Namespaces, "namespace", "n", nil, "`namespace` that gets a SecretStore, may be repeated (default where robots' Secrets are)")
	complete(cmd, "namespace", c.completeNamespace)
	return cmd
}

// addPlatformFlags defines the flags of a command that renders how to reach Vault.
func addPlatformFlags(cmd *cobra.Command, p *onboard.Platform, caFile *string) {
	flags := cmd.Flags()
	flags.StringVar(&p.VaultAddress, "vault-address", "", "`address` of Vault as External Secrets reaches it")
	require(cmd, "give the address at which External Secrets reaches Vault", "vault-address")
	flags.StringVar(caFile, "vault-ca-file", "", "PEM `file` of the authorities that External Secrets is to trust for Vault (default those of its image)")
	flags.StringVar(&p.VaultNamespace, "vault-namespace", "", "`namespace` of Vault Enterprise (default $VAULT_NAMESPACE)")
	flags.StringVar(&p.AuthMount, "auth-mount", onboard.AuthMount, "`path` at which Vault's Kubernetes login is mounted")
}

// checkPlatform refuses what cannot be, and reads the environment and the authorities.
func (c *connection) checkPlatform(p *onboard.Platform, caFile string) error {
	p.VaultNamespace = cmp.Or(p.VaultNamespace, c.program.Getenv("VAULT_NAMESPACE"))
	if p.VaultAddress == "" {
		return usagef("give the address at which External Secrets reaches Vault", "--vault-address is missing")
	}
	if err := checkAddress("--vault-address", p.VaultAddress); err != nil {
		return err
	}
	for _, namespace := range p.Namespaces {
		if err := checkNamespaceName(namespace); err != nil {
			return err
		}
	}
	if caFile == "" {
		return nil
	}
	_, err := authorities("--vault-ca-file", caFile)
	if err == nil {
		p.CABundle, err = os.ReadFile(caFile)
	}
	return err
}

// onboardPlatform renders the platform's part, and delivers it.
func (c *connection) onboardPlatform(ctx context.Context, p onboard.Platform, to destination) error {
	names, err := c.tenancy(ctx)
	if err != nil {
		return err
	}
	p.Convention = names.Convention
	if len(p.Namespaces) == 0 {
		p.Namespaces = []string{(&cluster{config: names}).home("")}
	}
	files, err := p.Manifests()
	if err != nil {
		return err
	}
	return c.deliver(ctx, onboarded{head: newHead("Onboarding"), Commands: p.Commands()}, files, to)
}
