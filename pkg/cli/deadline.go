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

// limit ends the command's context when its --timeout is over.
func limit(cmd *cobra.Command) error {
	timeout, err := cmd.Flags().GetDuration("timeout")
	if err != nil {
		return err
	}
	if timeout <= 0 {
		return usagef("give a duration such as 5m", "--timeout %s leaves no time", timeout)
	}
	parent := cmd.Context()
	ctx, cancel := context.WithTimeout(parent, timeout)
	context.AfterFunc(parent, cancel) // The parent ends with the program.
	cmd.SetContext(ctx)
	return nil
}
