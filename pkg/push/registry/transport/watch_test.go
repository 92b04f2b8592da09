package transport

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"
)

// What a body says once it is closed is no fault of the source: the registry answered before it had all of it.
func TestWatchTakesNoFailureAfterClose(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		err   error
		close bool
		want  error
	}{
		"broken":       {broken, false, broken},
		"closed":       {os.ErrClosed, true, nil},
		"all was read": {io.EOF, false, nil},
	} {
		_, cancel := context.WithCancelCause(t.Context())
		w := NewWatch(time.Hour, cancel)
		body := w.Reader(failing{test.err})
		if test.close {
			if err := body.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, err := body.Read(make([]byte, 1)); err != test.err {
			t.Errorf("%s: Read = %v", name, err)
		}
		if got := w.Failure(); got != test.want {
			t.Errorf("%s: the failure is %v, want %v", name, got, test.want)
		}
		w.Stop()
	}
}

// failing is a body that cannot be read.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
func (failing) Close() error               { return nil }
