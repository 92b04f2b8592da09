package push_test

import (
	"os"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/push"
)

func TestErrorText(t *testing.T) {
	err := &push.Error{Class: push.ClassQuota, Problem: "it is full", Proof: "POST: 403", Next: "delete something"}
	if got, want := err.Error(), "QP104 quota: it is full: POST: 403; delete something"; got != want {
		t.Errorf("Error = %q, want %q", got, want)
	}
	err = &push.Error{Class: push.ClassQuota, Problem: "it is full", Err: os.ErrNotExist}
	if got, want := err.Error(), "QP104 quota: it is full: file does not exist"; got != want {
		t.Errorf("Error = %q, want %q", got, want)
	}
	if got := push.ExitCode(os.ErrNotExist); got != push.ClassInternal.Exit {
		t.Errorf("ExitCode of another error = %d", got)
	}
	if got := push.ExitCode(nil); got != 0 {
		t.Errorf("ExitCode of no error = %d", got)
	}
}
