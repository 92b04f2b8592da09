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

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run runs the tests while all that the cluster says is read, and fails them if a secret is in it.
func run(m *testing.M) int {
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Minute)
	defer cancel()
	fmt.Println("Setting the stage")
	var err error
	if s, err = stage.Open(ctx, "../..", os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	transcript.mustNotHave(s.Quay.Tokens()...)
	transcript.mustNotHave(s.Quay.OAuthToken(), s.Git.Password)
	listening, err := listen(ctx, s.Config, transcript)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := listening.close(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	summary, err := transcript.check()
	fmt.Println("Read by anybody:", summary)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
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
