package push

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// late reports whether the time of the push is over.
func late(ctx context.Context) bool { return errors.Is(context.Cause(ctx), context.DeadlineExceeded) }

// ended explains an error that came with the end of ctx: at the deadline by what failed last, if anything did.
func (r *retrier) ended(ctx context.Context, err error) error {
	r.mu.Lock()
	last := r.last
	r.mu.Unlock()
	failure := (*Error)(nil)
	explained := errors.As(err, &failure) && failure.Class != ClassTimeout
	if last == nil || explained || !late(ctx) {
		return ended(ctx, err)
	}
	return &lateError{err: last}
}

// lateError is the last failure of a push whose time is over.
type lateError struct {
	err error
	// pause is how long the pause would have been that does not fit any more; 0 if the time ended in it.
	pause time.Duration
}

func (e *lateError) Error() string { return e.err.Error() }

func (e *lateError) Unwrap() error { return e.err }

// explain adds to failure that the time is over.
func (e *lateError) explain(failure *Error) {
	failure.Problem += ", and --timeout is over"
	if e.pause > 0 {
		failure.Problem = fmt.Sprintf("%s before the next try, in %s", failure.Problem, e.pause.Round(time.Millisecond))
	}
}
