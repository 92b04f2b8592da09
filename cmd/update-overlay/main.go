// Update-overlay proposes an image's digest to a GitOps repository, on a branch of its own. docs/overlay.md says how it is
// used.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/comptech-lab/quay-push/pkg/gitops"
)

// memory is what the garbage collector keeps to, in bytes: well below the limit of the Task.
const memory = 96 << 20

func main() {
	debug.SetMemoryLimit(memory)
	opts := gitops.Options{LogOutput: os.Stderr}
	if err := opts.Parse(os.Args[1:], os.Stdout); errors.Is(err, flag.ErrHelp) {
		return
	} else if err != nil {
		fail(opts, err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	result, err := gitops.Update(ctx, opts)
	if err != nil {
		fail(opts, err)
	}
	fmt.Println(result.Branch, result.Commit)
}

// fail leaves an error as a result and as the last line of the log, and ends the program.
func fail(opts gitops.Options, err error) {
	if err := gitops.WriteFailure(opts, err); err != nil {
		opts.Logger().Warn("the result failure cannot be written", "err", err)
	}
	gitops.LogFailure(opts.Logger(), err)
	os.Exit(gitops.ExitCode(err))
}
