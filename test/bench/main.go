// Bench pushes the same images to the same registry with push-image and its peers, side by side, and writes
// docs/benchmarks. It needs root, for apt-get and podman.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/comptech-lab/quay-push/internal/benchmark"
)

func main() { benchmark.Main("bench", run) }

func run(ctx context.Context) error {
	root := flag.String("root", "../..", "the repository")
	filter := flag.String("case", "", "regular expression of the cases to run; the others keep their results")
	rounds := flag.Int("runs", 5, "rounds; each client pushes once in each")
	flag.Parse()
	if *rounds < 1 || *rounds > 50 {
		return fmt.Errorf("-runs is %d, not 1 to 50", *rounds)
	}
	b, err := open(ctx, *root, *rounds, os.Stdout)
	if err != nil {
		return err
	}
	defer b.close()
	results, err := readResults(*root)
	if err != nil {
		return err
	}
	err = benchmark.Each(cases, *filter, func(c benchCase) error {
		r, err := b.run(ctx, c)
		if err != nil {
			return err
		}
		results.Set(r)
		// At once: the next case takes its time and may be interrupted.
		return results.publish(*root)
	})
	if err != nil {
		return err
	}
	fmt.Print("\n", results.table())
	return nil
}
