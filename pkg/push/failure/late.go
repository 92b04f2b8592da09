package failure

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// TimeIsOver reports whether the time of the push is over.
func TimeIsOver(ctx context.Context) bool {
	return errors.Is(context.Cause(ctx), context.DeadlineExceeded)
}

// Late is the last failure of a push whose time is over.
type Late struct {
	Err error
	// Pause is how long the pause would have been that does not fit any more; 0 if the time ended in it.
	Pause time.Duration
}

func (e *Late) Error() string { return e.Err.Error() }

func (e *Late) Unwrap() error { return e.Err }

// AddTo adds to failure that the time is over.
func (e *Late) AddTo(failure *Error) {
	failure.Problem += ", and --timeout is over"
	if e.Pause > 0 {
		failure.Problem = fmt.Sprintf("%s before the next try, in %s", failure.Problem, e.Pause.Round(time.Millisecond))
	}
}
