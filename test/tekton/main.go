// Tekton installs Tekton Pipelines, at the version that go.mod pins, or External Secrets onto the cluster of $KUBECONFIG.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/comptech-lab/quay-push/test/tekton/externalsecrets"
	"github.com/comptech-lab/quay-push/test/tekton/install"
	"github.com/comptech-lab/quay-push/test/tekton/pipelines"
)

// programs are what can be installed.
var programs = map[string]install.Program{"pipelines": pipelines.Program, "external-secrets": externalsecrets.Program}

func main() {
	if len(os.Args) != 3 || os.Args[1] != "install" || programs[os.Args[2]].Name == "" {
		fmt.Fprintln(os.Stderr, "usage: tekton install pipelines|external-secrets")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := programs[os.Args[2]].Install(ctx, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "tekton:", err)
		os.Exit(1)
	}
}
