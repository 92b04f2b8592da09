// Push-image pushes the image that a build left behind to Red Hat Quay. docs/push-step.md says how it is used.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/comptech-lab/quay-push/pkg/push"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

func main() {
	opts := push.Options{LogOutput: os.Stderr}
	opts.Flags(flag.CommandLine)
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "push-image: unexpected argument %q; see push-image --help\n", flag.Arg(0))
		os.Exit(failure.ClassUsage.Exit)
	}
	// net/http writes there what a server sends unasked, which may be the credential that it was sent.
	log.SetOutput(io.Discard)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	result, err := push.Push(ctx, opts)
	if err != nil {
		failure.Log(opts.Logger(), err)
		if err := push.WriteFailure(opts, err); err != nil {
			opts.Logger().Warn("the result failure cannot be written", "err", err)
		}
		os.Exit(failure.ExitCode(err))
	}
	fmt.Println(result.Pinned())
}
