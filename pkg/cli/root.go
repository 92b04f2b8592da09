package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/version"
)

// newRoot returns the program's commands.
func (p *Program) newRoot() *cobra.Command {
	c := &connection{program: p, format: "table"}
	root := &cobra.Command{
		Use:   "tkn-quay",
		Short: "Give tenants their push credential for Quay, replace it, check it, explain it",
		Long: `Gives tenants their push credential for Quay, replaces it, checks it, explains it.

Messages name pages of https://github.com/comptech-lab/quay-push, such as docs/cli.md. It reaches the cluster as kubectl does, Quay with
the OAuth token in $QUAY_TOKEN, and Vault as Vault's own tools do: by $VAULT_ADDR, $VAULT_CACERT and $VAULT_NAMESPACE, with the token in
$VAULT_TOKEN or that of vault login. Teams are named with or without the prefix: payments is team-payments.`,
		Version: version.Read().Short(),
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
	flags.StringVarP(&c.kubeconfig, "kubeconfig", "k", "", "`file` with the cluster's address (default $KUBECONFIG, ~/.kube/config, the Pod's own)")
	flags.StringArrayVarP(&c.contexts, "context", "c", nil, "`name` of the context in the kubeconfig")
	flags.Duration("timeout", defaultTimeout, "limit for all of it, as a `duration`")
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkRequired(cmd); err != nil {
			return err
		}
		if err := c.checkFlags(cmd); err != nil {
			return err
		}
		if err := c.checkContexts(cmd); err != nil {
			return err
		}
		return limit(cmd)
	}
	complete(root, "output", cobra.FixedCompletions([]string{"table", "json", "yaml"}, cobra.ShellCompDirectiveNoFileComp))
	complete(root, "context", c.completeContext)
	root.AddCommand(c.newOnboard(), c.newAdopt(), c.newBootstrap(), c.newRotate(), c.newPlatformToken(), c.newVerify(), c.newLeak(), c.newOffboard(), c.newExplain(), c.newLogs(), c.newPushes(), c.newReport(),
		c.newDoctor(), c.newOverlay(), c.newRetention(), c.newVersion(), c.newDocs())
	c.addOwnFlags(root)
	root.SetHelpCommand(newHelp(root))
	return root
}

// addOwnFlags gives each command that takes more than others do in a flag of all commands one of its own, which says so.
func (c *connection) addOwnFlags(cmd *cobra.Command) {
	if _, every := cmd.Annotations[everyCluster]; every {
		cmd.Flags().StringArrayVarP(&c.contexts, "context", "c", nil, "`name` of the context in the kubeconfig; repeated, of every cluster that renders the credential")
		complete(cmd, "context", c.completeContext)
	}
	if _, wide := cmd.Annotations[wideToo]; wide {
		cmd.Flags().StringVarP(&c.format, "output", "o", "table", "`format`: table, wide, json or yaml")
		complete(cmd, "output", cobra.FixedCompletions([]string{"table", "wide", "json", "yaml"}, cobra.ShellCompDirectiveNoFileComp))
	}
	for _, child := range cmd.Commands() {
		c.addOwnFlags(child)
	}
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
			return lacks(cmd, names[len(args)])
		case len(args) > len(names):
			return noArguments(cmd, args[len(names):])
		}
		if i := slices.Index(args, ""); i >= 0 {
			return lacks(cmd, names[i])
		}
		return nil
	}
}

// lacks is the error of a command without an argument that it needs. An empty one, of a variable that is not set, is none.
func lacks(cmd *cobra.Command, name string) error {
	return usagef(fmt.Sprintf("see %s --help", cmd.CommandPath()), "%s needs %s", cmd.Name(), name)
}

// atMostOne takes one argument or none.
func atMostOne(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return noArguments(cmd, args[1:])
	}
	return nil
}

// newGroup returns a command that is only the sum of its subcommands. Alone it is a wrong command line.
func newGroup(use, short string, commands ...*cobra.Command) *cobra.Command {
	group := &cobra.Command{Use: use, Short: short, RunE: needCommand, Args: noArguments}
	group.AddCommand(commands...)
	return group
}

// addCompletion adds cobra's command completion, which cobra itself would add with no error for a wrong command line. It writes to where
// root does now.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" {
			cmd.Args, cmd.RunE = noArguments, needCommand
		}
	}
}

// needCommand is what a group alone does.
func needCommand(cmd *cobra.Command, _ []string) error {
	cmd.PrintErrln(cmd.UsageString())
	return usagef(fmt.Sprintf("see %s --help", cmd.CommandPath()), "%s needs one of its commands", cmd.Name())
}

// newHelp returns the command help, for which a topic that does not exist is a wrong command line.
func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show the help of a command",
		ValidArgsFunction: func(_ *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
			at, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return commandsOf(at, prefix), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return noArguments(cmd, rest)
			}
			return cmd.Help()
		},
	}
}

// commandsOf names the subcommands of cmd that begin with prefix.
func commandsOf(cmd *cobra.Command, prefix string) (names []string) {
	for _, child := range cmd.Commands() {
		if child.IsAvailableCommand() && strings.HasPrefix(child.Name(), prefix) {
			names = append(names, cobra.CompletionWithDesc(child.Name(), child.Short))
		}
	}
	return names
}
