// Bench pushes the same images to the same registry with push-image and its peers, side by side, and writes
// docs/benchmarks. It needs root, for apt-get and podman.
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
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	root := flag.String("root", "../..", "the repository")
	filter := flag.String("case", "", "regular expression of the cases to run; the others keep their results")
	rounds := flag.Int("runs", 5, "rounds; each client pushes once in each")
	flag.Parse()
	chosen, err := regexp.Compile(*filter)
	if err != nil {
		return fmt.Errorf("-case: %w", err)
	}
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
	for _, c := range cases {
		if !chosen.MatchString(c.name) {
			continue
		}
		r, err := b.run(ctx, c)
		if err != nil {
			return fmt.Errorf("case %s: %w", c.name, err)
		}
		// At once: the next case takes its time and may be interrupted.
		if err := results.set(r).publish(*root); err != nil {
			return err
		}
	}
	fmt.Print("\n", results.table())
	return nil
}
