// Push-image pushes the image that a build left behind to Red Hat Quay. docs/push-image.md says how it is used.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/comptech-lab/quay-push/pkg/push"
)

func main() {
	var opts push.Options
	flag.StringVar(&opts.Source, "source", "", "the image: oci:DIRECTORY[:REF] or a path")
	flag.StringVar(&opts.ImageRef, "image-ref", "", "where to push: HOST/ORGANIZATION/NAME[:TAG]")
	flag.Func("tag", "tag to set, may be repeated (default digest-<first 32 hex>)", func(tag string) error {
		opts.Tags = append(opts.Tags, tag)
		return nil
	})
	flag.StringVar(&opts.ResultsDir, "results-dir", "", "directory for the result files, such as /tekton/results")
	flag.StringVar(&opts.Dockerconfig, "dockerconfig", "", "file with the credential, or its directory (default $DOCKER_CONFIG)")
	flag.StringVar(&opts.CAFile, "ca-file", "", "PEM file of certificate authorities to trust beside the system's")
	flag.StringVar(&opts.TokenHost, "token-host", "", "host of the token service, if it is not the registry's")
	flag.BoolVar(&opts.PlainHTTP, "plain-http", false, "speak HTTP without TLS")
	flag.IntVar(&opts.Jobs, "jobs", 6, "blobs sent at the same time")
	flag.DurationVar(&opts.Timeout, "timeout", time.Hour, "limit for the whole push")
	flag.DurationVar(&opts.StallTimeout, "stall-timeout", 90*time.Second, "limit for a body of which no byte is accepted")
	format := flag.String("log-format", "text", "text or json")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "push-image: unexpected argument %q; see push-image -help\n", flag.Arg(0))
		os.Exit(push.ClassUsage.Exit)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, opts, *format))
}

// run pushes and prints: the image to stdout, all else to stderr.
func run(ctx context.Context, opts push.Options, format string) int {
	log, err := push.NewLogger(os.Stderr, format)
	if err != nil {
		fmt.Fprintln(os.Stderr, "push-image:", err)
		return push.ExitCode(err)
	}
	opts.Log = log
	result, err := push.Push(ctx, opts)
	if err != nil {
		push.LogFailure(log, err)
		return push.ExitCode(err)
	}
	fmt.Println(result.Pinned())
	return 0
}
