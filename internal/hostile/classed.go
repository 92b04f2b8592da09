package hostile

import (
	"errors"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// Classed fails for an error that a user could not do anything with.
func Classed(t *testing.T, err error) {
	t.Helper()
	reason := (*failure.Error)(nil)
	if err != nil && (!errors.As(err, &reason) || reason.Class == failure.ClassInternal || reason.Problem == "" || reason.Next == "") {
		t.Errorf("the error has no class: %v", err)
	}
}
