// Bench-controller measures the controller's real binary, and beside it a custom task of the shape of Tekton's example, on a
// real API server without nodes, where Tekton is simulated. It writes docs/benchmarks-controller.md. It takes root, and a
// network namespace of its own: make bench-controller gives it both.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/comptech-lab/quay-push/internal/benchmark"
)

func main() { benchmark.Main("bench-controller", run) }

func run(ctx context.Context) error {
	b := &bench{out: os.Stdout}
	flag.StringVar(&b.root, "root", "../..", "the repository")
	flag.StringVar(&b.bin, "bin", "", "directory of the programs controller and waittask")
	flag.StringVar(&b.kube, "kube", "", "the cluster's binary, which is etcd, API server and kubectl")
	flag.Uint64Var(&b.seed, "seed", 0, "what chance in the case kills begins with; 0: another one each time")
	filter := flag.String("case", "", "regular expression of the cases to run; the others keep their results")
	flag.Parse()
	if err := b.open(); err != nil {
		return err
	}
	defer b.close()
	all, err := readResults(b.root)
	if err != nil {
		return err
	}
	err = benchmark.Each(cases, *filter, func(c benchCase) error {
		r, err := b.run(ctx, c)
		if err != nil {
			return err
		}
		all.Set(r)
		// What has been seen is kept, whatever comes of the next case.
		return all.publish(b.root)
	})
	if err != nil {
		return err
	}
	fmt.Fprint(b.out, "\n", all.table())
	return nil
}
