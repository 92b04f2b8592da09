// Update-overlay proposes an image's digest to a GitOps repository, on a branch of its own. docs/overlay.md says how it is
// used.
package main

import (
	"context"
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
	opts.Flags(flag.CommandLine)
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "update-overlay: unexpected argument %q; see update-overlay --help\n", flag.Arg(0))
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	result, err := gitops.Update(ctx, opts)
	if err != nil {
		gitops.LogFailure(opts.Logger(), err)
		os.Exit(gitops.ExitCode(err))
	}
	fmt.Println(result.Branch, result.Commit)
}
