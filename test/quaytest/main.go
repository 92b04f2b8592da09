// Command quaytest serves a registry with Quay's habits over TLS, so that a
// test cluster can host one.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	var s server
	flags := flag.NewFlagSet("quaytest", flag.ExitOnError)
	flags.StringVar(&s.listen, "listen", ":8443", "address to serve on")
	flags.StringVar(&s.host, "host", "", "public name of the registry, with its port unless that is 443 (required)")
	flags.StringVar(&s.certFile, "tls-cert", "", "file with the PEM certificate (required)")
	flags.StringVar(&s.keyFile, "tls-key", "", "file with the PEM key (required)")
	flags.StringVar(&s.stateFile, "state", "", "YAML or JSON file with organizations, robots, repositories, permissions, OAuth tokens and settings")
	flags.StringVar(&s.storageDir, "storage-dir", "", "writable directory for the blobs (default the system's temporary directory)")
	flags.StringVar(&s.issuerCAFile, "issuer-ca-file", "", "PEM file with the authorities of issuers of tokens that robots trust, beside the system's")
	flags.StringVar(&s.vulnerable, "vulnerable", "", "repository ORG/NAME whose images have a critical vulnerability; with it there is a scanner, which finds nothing in all others")
	// ExitOnError leaves no error to return.
	_ = flags.Parse(os.Args[1:])
	if s.host == "" || s.certFile == "" || s.keyFile == "" || flags.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "quaytest: --host, --tls-cert and --tls-key are required and there are no arguments")
		flags.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := s.run(ctx, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "quaytest:", err)
		os.Exit(1)
	}
}
