package cli

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// nextAnnotation is on a required flag the next step where it is missing.
const nextAnnotation = "next"

// require marks flags without which the command does nothing: in its help, for the shell's completion, and for checkRequired, which
// says next where one is missing.
func require(cmd *cobra.Command, next string, names ...string) {
	for _, name := range names {
		if err := errors.Join(cmd.MarkFlagRequired(name), cmd.Flags().SetAnnotation(name, nextAnnotation, []string{next})); err != nil {
			panic(err) // The flag is defined by the caller.
		}
		cmd.Flag(name).Usage += " (required)"
	}
}

// checkRequired refuses a command line in which a flag that require marked is missing or empty. Cobra does the same later, with an error
// that cannot be told from others.
func checkRequired(cmd *cobra.Command) error {
	var missing []string
	next := ""
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if said := f.Annotations[nextAnnotation]; said != nil && slices.Contains([]string{"", "[]"}, f.Value.String()) {
			missing, next = append(missing, "--"+f.Name), said[0]
		}
	})
	switch len(missing) {
	case 0:
		return nil
	case 1:
		return usagef(next, "%s is missing", missing[0])
	}
	// In the order of the line that shows how the command is used.
	slices.SortFunc(missing, func(a, b string) int { return strings.Index(cmd.Use, a) - strings.Index(cmd.Use, b) })
	return usagef(next, "%s are missing", strings.Join(missing, " and "))
}
