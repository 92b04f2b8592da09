// Bench-controller measures the controller's real binary, and beside it a custom task of the shape of Tekton's example, on a
// real API server without nodes, where Tekton is simulated. It writes docs/benchmarks-controller.md. It takes root, and a
// network namespace of its own: make bench-controller gives it both.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench-controller:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	b := &bench{out: os.Stdout}
	flag.StringVar(&b.root, "root", "../..", "the repository")
	flag.StringVar(&b.bin, "bin", "", "directory of the programs controller and waittask")
	flag.StringVar(&b.kube, "kube", "", "the cluster's binary, which is etcd, API server and kubectl")
	flag.Uint64Var(&b.seed, "seed", 0, "what chance in the case kills begins with; 0: another one each time")
	filter := flag.String("case", "", "regular expression of the cases to run; the others keep their results")
	flag.Parse()
	chosen, err := regexp.Compile(*filter)
	if err != nil {
		return fmt.Errorf("-case: %w", err)
	}
	if err := b.open(); err != nil {
		return err
	}
	defer b.close()
	all, err := readResults(b.root)
	if err != nil {
		return err
	}
	for _, c := range cases {
		if !chosen.MatchString(c.name) {
			continue
		}
		r, err := b.run(ctx, c)
		if err != nil {
			return fmt.Errorf("case %s: %w", c.name, err)
		}
		all.set(r)
		// What has been seen is kept, whatever comes of the next case.
		if err := all.publish(b.root); err != nil {
			return err
		}
	}
	fmt.Fprint(b.out, "\n", all.table())
	return nil
}
