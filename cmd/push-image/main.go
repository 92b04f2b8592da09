// Push-image pushes the image that a build left behind to Red Hat Quay. docs/push-step.md says how it is used.
package main

import (
	"context"
	"errors"
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
	if err := opts.Parse(os.Args[1:], os.Stdout); errors.Is(err, flag.ErrHelp) {
		return
	} else if err != nil {
		fail(opts, err)
	}
	// net/http writes there what a server sends unasked, which may be the credential that it was sent.
	log.SetOutput(io.Discard)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	result, err := push.Push(ctx, opts)
	if err != nil {
		fail(opts, err)
	}
	fmt.Println(result.Pinned())
}

// fail leaves an error as a result and as the last line of the log, and ends the program.
func fail(opts push.Options, err error) {
	if err := push.WriteFailure(opts, err); err != nil {
		opts.Logger().Warn("the result failure cannot be written", "err", err)
	}
	failure.Log(opts.Logger(), err)
	os.Exit(failure.ExitCode(err))
}
