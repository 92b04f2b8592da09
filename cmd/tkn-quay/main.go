// Tkn-quay is the platform team's tool, alone and as `tkn quay`. docs/cli.md says how it is used.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/comptech-lab/quay-push/pkg/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(int(cli.New().Run(ctx, os.Args[1:])))
}
