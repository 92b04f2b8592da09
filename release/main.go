// Release makes a release of the commit that the working copy is at: docs/releasing.md. make release runs it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/comptech-lab/quay-push/release/provenance"
)

func main() {
	r := release{say: func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }}
	var platforms string
	flag.StringVar(&r.version, "version", "", "`tag` of the release, such as v0.2.0")
	flag.StringVar(&r.registry, "registry", "", "`host/organization` that the images go to")
	flag.StringVar(&r.key, "key", "", "`file` with cosign's private key, whose password is in $COSIGN_PASSWORD")
	flag.StringVar(&r.base, "base", "", "`image` below ours (default that of ko.yaml)")
	flag.StringVar(&r.url, "url", "", "`address` of the directory that the archives will be in (default the release's page on GitHub)")
	flag.StringVar(&platforms, "platforms", "", "`list` of os/arch, with commas, of the archives; those of linux are the images', too (default all)")
	flag.StringVar(&r.out, "out", "dist", "`directory` to make")
	flag.Parse()
	if platforms != "" {
		r.platforms = strings.Split(platforms, ",")
	}
	if r.url == "" {
		r.url = provenance.Repository + "/releases/download/" + r.version
	}
	if err := r.check(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\nusage: make release VERSION=v0.2.0 REGISTRY=quay.example.com/quay-push KEY=release.key\n", err)
		flag.PrintDefaults()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := r.run(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "making release %s: %v\n", r.version, err)
		os.Exit(1)
	}
}
