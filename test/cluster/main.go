// Cluster starts and stops a real one-node Kubernetes, with an image registry, on this machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/comptech-lab/quay-push/test/cluster/node"
)

const usage = "usage: cluster up|down|status [--dir DIR] [--api-port PORT] [--registry-port PORT] [--admission-plugins NAMES]"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

// run does what args say. Standard output is the path of the kubeconfig, if there is a cluster to use it on.
func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("no command given; %s", usage)
	}
	dir, err := node.DefaultDir()
	if err != nil {
		return err
	}
	var n node.Node
	flags := flag.NewFlagSet(args[0], flag.ExitOnError)
	flags.StringVar(&n.Dir, "dir", dir, "directory of everything that the cluster writes")
	flags.IntVar(&n.APIPort, "api-port", 16443, "TCP port of 127.0.0.1 for the Kubernetes API")
	flags.IntVar(&n.RegistryPort, "registry-port", 5000, "TCP port of 127.0.0.1 for the image registry")
	flags.StringVar(&n.AdmissionPlugins, "admission-plugins", "NodeRestriction", "admission plugins that are enabled besides the default ones")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	switch args[0] {
	case "up":
		err = n.Up(ctx, os.Stderr)
	case "status":
		err = n.Check(ctx)
	case "serve":
		return n.Serve(ctx)
	case "down":
		return n.Down(ctx)
	default:
		return fmt.Errorf("unknown command %q; %s", args[0], usage)
	}
	if err == nil {
		fmt.Println(n.Kubeconfig())
	}
	return err
}
