package cli

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/shown"
)

// confirm asks whoever sits at the terminal before what cannot be undone. With yes, and where nobody sits there, it asks nothing: a
// script says what it wants by being run. The error is that the answer was no.
func (c *connection) confirm(ctx context.Context, yes bool, question string) error {
	if yes || !c.program.Terminal() || c.quayTokenFile == "-" || c.vaultTokenFile == "-" {
		return nil
	}
	fmt.Fprintf(c.program.Err, "%s [y/N] ", shown.Line(question))
	answer := make(chan string, 1)
	go func() { // A terminal cannot be read with a limit: it ends with the program.
		line, _ := bufio.NewReader(c.program.In).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case text := <-answer:
		if text == "y" || text == "yes" {
			return nil
		}
		return &failure{ExitCancelled, "nothing was done", "look at it with --dry-run, then answer y, or use --yes"}
	case <-ctx.Done():
		return ctx.Err()
	}
}
