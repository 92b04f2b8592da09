//go:build e2e

// Package e2e proves on a real cluster, with real Tekton and real pods, what only they can show. See make e2e.
package e2e

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/test/stage"
)

// s is the stage that all tests share; each test uses names of its own.
var s *stage.Stage

func TestMain(m *testing.M) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute)
	fmt.Println("Setting the stage")
	var err error
	if s, err = stage.Open(ctx, "../..", os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	cancel()
	os.Exit(code)
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// waitUntil asks again until holds, or ctx ends.
func waitUntil(t *testing.T, ctx context.Context, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("waiting until %s: %v", what, ctx.Err())
		case <-tick.C:
		}
	}
}
