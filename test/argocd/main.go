// Command argocd does to a cluster what Argo CD would, by Argo CD's own engine, and says what Argo CD would say: whether a cluster still
// is what the files in Git say, and whether a first sync of them works.
//
//	argocd sync NAME NAMESPACE < manifests.yaml   an Application's first sync: applies wave after wave, prints what is not healthy
//	argocd drift NAME NAMESPACE < manifests.yaml  prints what is OutOfSync, a line each
//
// The cluster is that of $KUBECONFIG. It exits with 1 where it printed anything, or failed.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	found, err := run(ctx, os.Stdin, os.Args[1:])
	for _, line := range found {
		fmt.Println(line)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "argocd:", err)
	}
	if err != nil || len(found) > 0 {
		stop()
		os.Exit(1)
	}
}

// run runs a command on the Application of the manifests, and returns what is not as it should be.
func run(ctx context.Context, manifests io.Reader, args []string) ([]string, error) {
	if len(args) != 3 || args[0] != "sync" && args[0] != "drift" {
		return nil, fmt.Errorf("usage: argocd sync|drift NAME NAMESPACE < manifests.yaml, not %q", strings.Join(args, " "))
	}
	text, err := io.ReadAll(manifests)
	if err != nil {
		return nil, fmt.Errorf("reading the manifests: %w", err)
	}
	cluster, err := Connect(os.Getenv("KUBECONFIG"))
	if err != nil {
		return nil, err
	}
	application, err := cluster.New(args[1], args[2], text)
	if err != nil {
		return nil, err
	}
	if args[0] == "drift" {
		return cluster.Drift(ctx, application)
	}
	if err := cluster.Sync(ctx, application, nil); err != nil {
		return nil, err
	}
	return cluster.WaitHealthy(ctx, application)
}
