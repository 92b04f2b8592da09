package cli_test

import (
	"context"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/cli"
)

// Who stops a rotation, as SIGTERM does, gets the exit code for that; run again it goes on, and the Lease is free.
func TestCancelledRotation(t *testing.T) {
	w := newWorld(t)
	w.onboard("payments")
	w.asleep = true
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := w.program()
	var out strings.Builder
	p.Out, p.Err = &out, watch(func(line string) {
		if strings.HasPrefix(line, "  begin  have the Secret take it over") {
			cancel()
		}
	})
	if exit := p.Run(ctx, []string{"rotate", "payments"}); exit != cli.ExitCancelled || out.Len() > 0 {
		t.Errorf("exit %d\n%s", exit, out.String())
	}
	w.asleep = false
	lease, err := w.kube.CoordinationV1().Leases("quay-push").Get(t.Context(), "credential-payments", metav1.GetOptions{})
	if err != nil || *lease.Spec.HolderIdentity != "" {
		t.Errorf("the Lease is not free: %v, %v", lease, err)
	}
	if text := w.must("rotate", "payments", "-o", "json"); !strings.Contains(text, `"resumed": true`) {
		t.Errorf("run again:\n%s", text)
	}
	w.must("verify", "payments")
}

// watch is told each write.
type watch func(string)

func (w watch) Write(data []byte) (int, error) { w(string(data)); return len(data), nil }
