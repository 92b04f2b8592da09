// Try tells the main job as a story in one process, without a cluster, and exits with 1 when anything it tells is untrue.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	if err := try(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "try:", err)
		os.Exit(1)
	}
}

// try tells the story to out.
func try(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "quay-push-try-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := open(dir, out)
	if err != nil {
		return fmt.Errorf("setting the stage: %w", err)
	}
	defer s.close()
	return s.tell(ctx)
}

// tell tells all scenes. The error says what kept it from that, or that something told is untrue.
func (s *stage) tell(ctx context.Context) error {
	for _, scene := range []func(context.Context) error{s.decided, s.pushed, s.refused, s.proposed} {
		if err := scene(ctx); err != nil {
			return err
		}
	}
	return s.End()
}
