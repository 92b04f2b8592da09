// Demo tells the main job as a story on a real cluster, and exits with 1 when anything it tells is untrue.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/comptech-lab/quay-push/test/stage"
	"github.com/comptech-lab/quay-push/test/story"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Minute)
	defer cancel()
	if err := demo(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func demo(ctx context.Context) error {
	fmt.Println("Setting the stage")
	s, err := stage.Open(ctx, ".", os.Stdout)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "quay-push-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	st := &scenes{Story: story.New(os.Stdout), stage: s, dir: dir}
	for _, scene := range []func(context.Context) error{st.sources, st.pushImage, st.seedsWay, st.refused, st.overlay, st.running} {
		if err := scene(ctx); err != nil {
			return err
		}
	}
	return st.End()
}
