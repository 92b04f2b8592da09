package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/onboard"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// onboarded is the result of onboard where the manifests go into files or into the cluster.
type onboarded struct {
	head
	Tenant string `json:"tenant,omitempty"`
	// Steps are those of bootstrap.
	Steps []robot.Step `json:"steps,omitempty"`
	// Files were written, Applied are the objects that the cluster has now.
	Files   []string `json:"files,omitempty"`
	Applied []string `json:"applied,omitempty"`
	// Commands are what is left to do in Vault, with VaultFiles, by name, where those were not written.
	Commands   []string          `json:"commands,omitempty"`
	VaultFiles map[string]string `json:"vaultFiles,omitempty"`
}

func (o onboarded) write(w io.Writer) error {
	if len(o.Steps) > 0 {
		if err := stepsTable(w, o.Steps); err != nil {
			return err
		}
	}
	writeLines(w, "wrote", o.Files)
	writeLines(w, "applied", o.Applied)
	for _, name := range slices.Sorted(maps.Keys(o.VaultFiles)) {
		fmt.Fprintf(w, "\nthe file %s:\n\n%s\n", name, o.VaultFiles[name])
	}
	writeLines(w, "then", o.Commands)
	return nil
}

// destination says where manifests go: to stdout, into a directory, or into the cluster.
type destination struct {
	directory string
	apply     bool
	// dryRun writes to stdout or a directory, and applies nothing.
	dryRun bool
}

func (d *destination) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&d.directory, "output-dir", "", "`directory` for the manifests, one file each (default stdout)")
	cmd.Flags().BoolVar(&d.apply, "apply", false, "apply the manifests to the cluster")
	if err := cmd.MarkFlagDirname("output-dir"); err != nil {
		panic(err) // The flag is defined above.
	}
}

// check refuses two places at once.
func (d *destination) check() error {
	if d.directory != "" && d.apply {
		return usagef("use one of them", "--output-dir and --apply cannot be used together")
	}
	return nil
}

func (c *connection) newOnboard() *cobra.Command {
	var flags bootstrapFlags
	var to destination
	var team onboard.Team
	var account string
	var keyless bool
	cmd := &cobra.Command{
		Use:   "onboard TEAM --division DIVISION --app APP",
		Short: "Bootstrap a team, and render what it needs in the cluster",
		Long: `Does what bootstrap does, then prints the team's manifests as YAML for GitOps: the ExternalSecret, the controller's right to its
Secret, labels of the team's namespace, and the right of a trigger to push as the team in the shared namespaces.

A team has one credential: a second app of it gets the rights and uses what is there.

With --keyless no credential is stored: the team's robot trusts a ServiceAccount in the custody namespace, which is rendered in place of
the ExternalSecret, and its own token is replaced by one that nobody keeps. It needs custody, a namespace of the team, Quay 3.13 or newer,
and an issuer of the cluster that Quay can ask (docs/custody.md).`,
		Example: `  tkn quay onboard payments --division retail --app checkout --service-account ci/trigger-payments > payments.yaml
  tkn quay onboard payments --division retail --app checkout --namespace apps-payments-checkout --output-dir tenants/payments
  tkn quay onboard payments --division retail --app checkout --namespace apps-payments-checkout --keyless --apply
  tkn quay onboard platform --vault-address https://vault.example.com:8200 --output-dir platform`,
		Args: arguments("a team"), ValidArgsFunction: c.completeTeam,
		RunE: func(cmd *cobra.Command, args []string) error {
			if given, err := flags.given(); err != nil || !given {
				if err == nil {
					err = usagef("see tkn quay onboard --help", "--division and --app are missing: they name the path in Vault")
				}
				return err
			}
			var err error
			if team.Trigger, err = parseAccount(account); err != nil {
				return err
			}
			to.dryRun = flags.dryRun
			if err := to.check(); err != nil {
				return err
			}
			if keyless {
				return c.onboardKeyless(cmd.Context(), args[0], flags, team, to)
			} else if c.issuer != "" {
				return usagef("give it with --keyless, or not at all", "--issuer is for a keyless team")
			}
			return c.onboard(cmd.Context(), args[0], flags, team, to)
		},
	}
	c.addBootstrapFlags(cmd, &flags)
	to.addFlags(cmd)
	addTeamFlags(cmd, &account, &team)
	cmd.Flags().BoolVar(&keyless, "keyless", false, "store no credential: the robot trusts the cluster's ServiceAccount")
	c.addIssuerFlag(cmd)
	c.addQuayFlags(cmd)
	c.addVaultFlags(cmd)
	cmd.AddCommand(c.newOnboardPlatform(), c.newOnboardFleet())
	return cmd
}

// addTeamFlags adds the flags that say what is rendered for a team, of a command that has the flag namespace.
func addTeamFlags(cmd *cobra.Command, account *string, team *onboard.Team) {
	cmd.Flag("namespace").Usage = "`namespace` of the team, which gets its labels (default none: its runs are in the shared namespaces)"
	cmd.Flags().StringVar(account, "service-account", "", "`NAMESPACE/NAME` of the trigger that may push as the team in the shared namespaces")
	cmd.Flags().BoolVar(&team.VersionAnnotation, "version-annotation", false, "write the version in Vault on the Secret; needs External Secrets v2.8")
}

// describe has a team with a stored credential rendered for this cluster.
func (c *cluster) describe(ctx context.Context, team *onboard.Team, t robot.Tenant, namespace string) (err error) {
	team.Convention, team.Tenant, team.Namespace, team.Custody = c.config.Convention, t, namespace, c.config.CustodyNamespace != ""
	team.NullBytePolicy, err = c.hasNullBytePolicy(ctx)
	return err
}

func parseAccount(text string) (onboard.ServiceAccount, error) {
	if text == "" {
		return onboard.ServiceAccount{}, nil
	}
	return parsePlace("--service-account", "ci/trigger-payments", text)
}

// parsePlace reads NAMESPACE/NAME, the value of a flag.
func parsePlace(flag, example, text string) (onboard.ServiceAccount, error) {
	namespace, name, ok := strings.Cut(text, "/")
	if !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
		return onboard.ServiceAccount{}, usagef("write "+flag+" "+example, "%s %q is not NAMESPACE/NAME", flag, text)
	}
	return onboard.ServiceAccount{Namespace: namespace, Name: name}, nil
}

// onboard bootstraps the team, and delivers its manifests.
func (c *connection) onboard(ctx context.Context, name string, flags bootstrapFlags, team onboard.Team, to destination) error {
	s, err := c.services(ctx, false)
	if err != nil {
		return err
	}
	view := s.cluster
	if err := c.checkHome(ctx, view, name, flags.namespace); err != nil {
		return err
	}
	done, t, err := c.bootstrap(ctx, s, name, flags)
	if err != nil {
		return err
	}
	if err := view.describe(ctx, &team, t, flags.namespace); err != nil {
		return err
	}
	team.Adopted = done.Adopted
	return c.deliver(ctx, onboarded{head: newHead("Onboarding"), Tenant: t.Team, Steps: done.Steps}, team.Manifests(), to)
}

// checkHome fails unless namespace can be the team's, and what the team has in the cluster already is where this puts it.
func (c *connection) checkHome(ctx context.Context, view *cluster, name, namespace string) error {
	team, err := view.config.ParseTeam(name)
	if err != nil {
		return usagef("correct the name", "%v", err)
	}
	if err := view.checkOwnership(ctx, team, namespace); err != nil {
		return err
	}
	has, err := view.located(ctx, team)
	if err != nil {
		return err
	}
	for _, t := range has {
		if wants := view.home(namespace); t.Namespace != wants {
			return view.elsewhere(team, t.Namespace, wants)
		}
	}
	return nil
}

// deliver brings manifests to where they are wanted, and prints what was done, unless that is the manifests themselves.
func (c *connection) deliver(ctx context.Context, done onboarded, files []onboard.Manifest, to destination) error {
	switch {
	case to.directory != "":
		for _, m := range files {
			data, err := m.Bytes()
			if err != nil {
				return err
			}
			path := filepath.Join(to.directory, m.Name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return fmt.Errorf("making --output-dir: %w", err)
			}
			if err := os.WriteFile(path, data, 0o644); err != nil {
				return fmt.Errorf("writing %q: %w", path, err)
			}
			done.Files = append(done.Files, path)
		}
	case to.apply && !to.dryRun:
		clients, err := c.cluster()
		if err != nil {
			return err
		}
		done.VaultFiles = vaultFiles(files)
		for _, m := range files {
			applied, err := clients.apply(ctx, m.Objects)
			done.Applied = append(done.Applied, applied...)
			if err != nil {
				return err
			}
		}
	default:
		return c.printManifests(files, done.Commands)
	}
	return c.print(done)
}

// vaultFiles are the contents of those manifests that are for Vault, by name.
func vaultFiles(files []onboard.Manifest) map[string]string {
	found := map[string]string{}
	for _, m := range files {
		if m.Objects == nil {
			found[m.Name] = m.Text
		}
	}
	return found
}
