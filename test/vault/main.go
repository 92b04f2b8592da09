// Command vault is the real Vault server for tests: kept in memory, unsealed, with KV v2 at secret/ and the Kubernetes
// login at auth/kubernetes/. It speaks plain HTTP; serve it on loopback or inside a test cluster only.
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
	flags := flag.NewFlagSet("vault", flag.ExitOnError)
	flags.StringVar(&s.listen, "listen", "127.0.0.1:0", "address to serve on")
	flags.StringVar(&s.tokenFile, "token-file", "", "file with a token that gets root's rights; if there is none, the root token is written there (required)")
	// ExitOnError leaves no error to return.
	_ = flags.Parse(os.Args[1:])
	if s.tokenFile == "" || flags.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "vault: --token-file is required and there are no arguments")
		flags.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := s.run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "vault:", err)
		os.Exit(1)
	}
}
