// Gitserver serves Git's own server program over TLS to one user, so that a test cluster can host GitOps repositories.
// A repository is there once somebody pushes to it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	var s server
	flag.StringVar(&s.listen, "listen", ":8443", "`address` to serve on")
	flag.StringVar(&s.certFile, "tls-cert", "", "`file` with the PEM certificate (required)")
	flag.StringVar(&s.keyFile, "tls-key", "", "`file` with the PEM key (required)")
	flag.StringVar(&s.credentialDir, "credential", "", "`directory` with the files username and password (required)")
	flag.StringVar(&s.storageDir, "storage-dir", "", "writable `directory` for the repositories (required)")
	flag.StringVar(&s.gitDir, "git-dir", filepath.Join(os.Getenv("KO_DATA_PATH"), "git"), "`directory` with git and git-http-backend")
	flag.Parse()
	if s.certFile == "" || s.keyFile == "" || s.credentialDir == "" || s.storageDir == "" || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "gitserver: --tls-cert, --tls-key, --credential and --storage-dir are required and there are no arguments")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := s.run(ctx, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "gitserver:", err)
		os.Exit(1)
	}
}
