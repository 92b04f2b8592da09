package failure_test

import (
	"os"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

func TestErrorText(t *testing.T) {
	err := &failure.Error{Class: failure.ClassQuota, Problem: "it is full", Proof: "POST: 403", Next: "delete something"}
	if got, want := err.Error(), "QP104 quota: it is full: POST: 403; delete something"; got != want {
		t.Errorf("Error = %q, want %q", got, want)
	}
	err = &failure.Error{Class: failure.ClassQuota, Problem: "it is full", Err: os.ErrNotExist}
	if got, want := err.Error(), "QP104 quota: it is full: file does not exist"; got != want {
		t.Errorf("Error = %q, want %q", got, want)
	}
	if got := failure.ExitCode(os.ErrNotExist); got != failure.ClassInternal.Exit {
		t.Errorf("ExitCode of another error = %d", got)
	}
	if got := failure.ExitCode(nil); got != 0 {
		t.Errorf("ExitCode of no error = %d", got)
	}
}
