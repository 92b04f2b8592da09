package push

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// late reports whether the time of the push is over.
func late(ctx context.Context) bool { return errors.Is(context.Cause(ctx), context.DeadlineExceeded) }

// lateError is the last failure of a push whose time is over.
type lateError struct {
	err error
	// pause is how long the pause would have been that does not fit any more; 0 if the time ended in it.
	pause time.Duration
}

func (e *lateError) Error() string { return e.err.Error() }

func (e *lateError) Unwrap() error { return e.err }

// addTo adds to failure that the time is over.
func (e *lateError) addTo(failure *Error) {
	failure.Problem += ", and --timeout is over"
	if e.pause > 0 {
		failure.Problem = fmt.Sprintf("%s before the next try, in %s", failure.Problem, e.pause.Round(time.Millisecond))
	}
}
