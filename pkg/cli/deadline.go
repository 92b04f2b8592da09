package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"
)

const (
	// defaultTimeout is for a command that waits for nobody's work.
	defaultTimeout = 10 * time.Minute
	// requestTimeout is how long one request to the API server may take.
	requestTimeout = 30 * time.Second
	// lookTimeout is how long one look of doctor may take.
	lookTimeout = 10 * time.Second
	// completionTimeout is how long a shell waits for names after TAB.
	completionTimeout = 2 * time.Second
)

// timeoutOfEach is an annotation of a command: the name of the flag with which it works on many teams, and --timeout is for each of them.
const timeoutOfEach = "timeout-of-each"

// timeoutIfSet is an annotation of a command that ends by itself, when what it shows does: it has a limit only where --timeout is given.
const timeoutIfSet = "timeout-if-set"

// limit ends the command's context when its --timeout is over, unless that is for each of many teams.
func limit(cmd *cobra.Command) error {
	timeout, err := cmd.Flags().GetDuration("timeout")
	if err != nil {
		return err
	}
	if timeout <= 0 {
		return usagef("give a duration such as 5m", "--timeout %s leaves no time", timeout)
	}
	if name, ok := cmd.Annotations[timeoutOfEach]; ok && cmd.Flag(name).Value.String() == "true" {
		return nil
	}
	if _, ok := cmd.Annotations[timeoutIfSet]; ok && !cmd.Flags().Changed("timeout") {
		return nil
	}
	if replaces(cmd) {
		wait, err := cmd.Flags().GetDuration(waitForRuns)
		if err != nil {
			return err
		}
		timeout += max(0, wait)
	}
	parent := cmd.Context()
	ctx, cancel := context.WithTimeout(parent, timeout)
	context.AfterFunc(parent, cancel) // The parent ends with the program.
	cmd.SetContext(ctx)
	return nil
}
