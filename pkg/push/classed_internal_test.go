package push

import (
	"errors"
	"testing"
)

// classed fails for an error that a user could not do anything with.
func classed(t *testing.T, err error) {
	t.Helper()
	failure := (*Error)(nil)
	if err != nil && (!errors.As(err, &failure) || failure.Class == ClassInternal || failure.Problem == "" || failure.Next == "") {
		t.Errorf("the error has no class: %v", err)
	}
}
