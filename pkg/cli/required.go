package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// require marks flags without which the command does nothing: in its help, for the shell's completion, and for checkRequired.
func require(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // The flag is defined by the caller.
		}
		cmd.Flag(name).Usage += " (required)"
	}
}

// checkRequired refuses a command line without one of the flags that require marked. Cobra does the same later, with an error that
// cannot be told from others.
func checkRequired(cmd *cobra.Command) error {
	if cmd.ValidateRequiredFlags() == nil {
		return nil
	}
	var missing []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if _, required := f.Annotations[cobra.BashCompOneRequiredFlag]; required && !f.Changed {
			missing = append(missing, "--"+f.Name)
		}
	})
	// In the order of the line that shows how the command is used.
	slices.SortFunc(missing, func(a, b string) int { return strings.Index(cmd.Use, a) - strings.Index(cmd.Use, b) })
	are := "is"
	if len(missing) > 1 {
		are = "are"
	}
	return usagef(fmt.Sprintf("see %s --help", cmd.CommandPath()), "%s %s missing", strings.Join(missing, " and "), are)
}
