package cli

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/overlay"
)

// What the file system says has a next step, and what was refused keeps its own.
func TestReadable(t *testing.T) {
	denied := fmt.Errorf("writing: %w", &fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission})
	for _, test := range []struct {
		err  error
		next string
	}{
		{denied, "see whether the files of the working copy can be read and written"},
		{fmt.Errorf("editing: %w", &overlay.Refusal{Problem: "x", Next: "do this"}), "do this"},
	} {
		problem, next := split(readable(test.err))
		if next != test.next || strings.Contains(problem, "do this") {
			t.Errorf("after %v: %q, next %q, want %q", test.err, problem, next, test.next)
		}
	}
	if readable(nil) != nil {
		t.Error("nothing is wrong, and there is an error")
	}
}
