package cli

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// newRoot returns the program's commands.
func (p *Program) newRoot() *cobra.Command {
	c := &connection{program: p, format: "table"}
	root := &cobra.Command{
		Use:   "tkn-quay",
		Short: "Give tenants their push credential for Quay, replace it, check it, explain it",
		Long: `Gives tenants their push credential for Quay, replaces it, checks it, explains it.

It reaches the cluster as kubectl does, Quay with the OAuth token in $QUAY_TOKEN, and Vault as Vault's own tools do, by $VAULT_ADDR,
$VAULT_TOKEN, $VAULT_CACERT and $VAULT_NAMESPACE. Teams are named with or without the prefix: payments is team-payments.`,
		Version: version(),
		Annotations: map[string]string{
			cobra.CommandDisplayNameAnnotation: "tkn quay",
		},
		// The program prints errors itself, with the next step.
		SilenceErrors: true, SilenceUsage: true,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef(fmt.Sprintf("see %s --help", cmd.CommandPath()), "%v", err)
	})
	flags := root.PersistentFlags()
	flags.StringVarP(&c.format, "output", "o", "table", "`format`: table, json or yaml")
	flags.StringVar(&c.configFile, "config", "", "`file` with ConfigMap config-tenancy (default the cluster's, else the built-in names)")
	flags.StringVar(&c.kubeconfig, "kubeconfig", "", "`file` with the cluster's address (default $KUBECONFIG, ~/.kube/config, the Pod's own)")
	flags.StringVar(&c.context, "context", "", "`name` of the context in the kubeconfig")
	root.PersistentPreRunE = func(*cobra.Command, []string) error { return c.checkFlags() }
	if err := root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"table", "json", "yaml"}, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // The flag is defined above.
	}
	root.AddCommand(c.newOnboard(), c.newBootstrap(), c.newRotate(), c.newVerify(), c.newLeak(), c.newOffboard(), c.newExplain(), c.newDoctor(), c.newOverlay(), c.newDocs())
	return root
}

// version is the module's version, or the commit that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && info.Main.Version == "(devel)" {
			return s.Value
		}
	}
	return info.Main.Version
}

// noArguments refuses arguments of a command that takes none, or an unknown subcommand.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	next := fmt.Sprintf("see %s --help", cmd.CommandPath())
	cmd.SuggestionsMinimumDistance = 2
	if meant := cmd.SuggestionsFor(args[0]); len(meant) > 0 {
		next = fmt.Sprintf("did you mean %s %s? %s", cmd.CommandPath(), meant[0], next)
	}
	return usagef(next, "unknown argument %q of %s", args[0], cmd.CommandPath())
}

// arguments wants as many arguments as there are names.
func arguments(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usagef(fmt.Sprintf("see %s --help", cmd.CommandPath()), "%s needs %s", cmd.Name(), names[len(args)])
		case len(args) > len(names):
			return noArguments(cmd, args[len(names):])
		}
		return nil
	}
}

// atMostOne takes one argument or none.
func atMostOne(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return noArguments(cmd, args[1:])
	}
	return nil
}

// newGroup returns a command that is only the sum of its subcommands.
func newGroup(use, short string, commands ...*cobra.Command) *cobra.Command {
	group := &cobra.Command{Use: use, Short: short, Args: noArguments, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	group.AddCommand(commands...)
	return group
}
