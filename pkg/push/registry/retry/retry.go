// Package retry tries again what failed for a passing reason, within the budget of one push.
package retry

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/comptech-lab/quay-push/pkg/cafile"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/retryafter"
)

// The limits of trying again.
const (
	// maxTries is how often one request, or one blob, is tried.
	maxTries = 6
	// maxRetries is how often anything is tried again in one push.
	maxRetries = 60
	// MaxPause is the longest pause between two tries, but for one that the registry asks for.
	MaxPause = 30 * time.Second
	// busyFactor is how much longer the pause is after a 429, which Quay sends without saying how long to wait.
	busyFactor = 5
)

// maxRefusals is how often a request is tried whose token is refused as soon as it was bought.
const maxRefusals = 4

// Retrier tries again what failed for a passing reason. All workers of a push share it: its budget, the pause after a 429, and
// what failed last. It is safe for concurrent use.
type Retrier struct {
	// pause is the first pause; each further one is twice as long.
	pause time.Duration
	log   *slog.Logger

	mu    sync.Mutex
	used  int
	until time.Time // when the registry may be asked again after a 429
	last  error     // what failed and did not succeed since; nil if nothing
}

// New returns one with the given first pause.
func New(pause time.Duration, log *slog.Logger) *Retrier {
	return &Retrier{pause: pause, log: log}
}

// Run calls try until it succeeds, fails for good, or budget or time is used up. At the end of the time the error is that of
// the last failure, in a Late, be it another worker's.
func (r *Retrier) Run(ctx context.Context, what string, try func(ctx context.Context, n int) error) error {
	var failed error
	for n := 0; ; n++ {
		if err := r.wait(ctx); err != nil {
			return err
		}
		err := try(ctx, n)
		if err == nil {
			r.forget(failed)
			return nil
		}
		if ctx.Err() != nil {
			if errors.As(err, new(*failure.Answer)) {
				r.remember(err)
			}
			return r.ended(ctx, err)
		}
		if !Passing(err) {
			return err
		}
		if n+1 == tries(err) || !r.spend() {
			return &triedError{n + 1, err}
		}
		failed = err
		r.remember(err)
		pause := r.backoff(n, err)
		if end, ok := ctx.Deadline(); ok && time.Until(end) < pause {
			return &failure.Late{Err: err, Pause: pause}
		}
		r.log.Warn("trying again", "what", what, "try", n+2, "pause", pause.Round(time.Millisecond).String(), "because", err.Error())
		if err := Sleep(ctx, pause); err != nil {
			return r.ended(ctx, err)
		}
	}
}

// After is how long the registry asks to be left alone after err; 0 if it does not say.
func After(err error) time.Duration {
	if answered := (*failure.Answer)(nil); errors.As(err, &answered) {
		return retryafter.Read(answered.Header, time.Now())
	}
	return 0
}

// Passing reports whether trying again may help after err.
func Passing(err error) bool {
	var reason *failure.Error
	var answered *failure.Answer
	var request *failure.Request
	switch {
	case errors.As(err, &reason):
		return false
	case errors.As(err, new(*failure.Unaccepted)):
		return true
	case errors.As(err, &answered):
		switch answered.Status {
		// With 200 something else, such as a page, is in the place of a manifest.
		case http.StatusOK, http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
			http.StatusServiceUnavailable, http.StatusGatewayTimeout, 499, 520, 521, 522, 523, 524:
			return true
		}
		// Quay says the first of these when its storage failed, too: the digest is checked here before it is sent.
		return answered.Code == "BLOB_UPLOAD_INVALID" || answered.Code == "BLOB_UPLOAD_UNKNOWN"
	case errors.As(err, &request):
		return !errors.Is(err, failure.ErrRedirect) && !cafile.Untrusted(err) && !failure.RefusedByProxy(err)
	}
	return false
}

// tries is how often what ends in err is tried.
func tries(err error) int {
	if errors.As(err, new(*failure.Unaccepted)) {
		return maxRefusals
	}
	return maxTries
}

// spend takes one retry from the budget.
func (r *Retrier) spend() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used++
	return r.used <= maxRetries
}

// remember keeps what failed last.
func (r *Retrier) remember(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = err
}

// forget drops err, after which something succeeded.
func (r *Retrier) forget(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == err {
		r.last = nil
	}
}

// backoff is how long to pause before try n+1. A 429 makes everyone else pause too.
func (r *Retrier) backoff(n int, err error) time.Duration {
	most := min(r.pause<<n, MaxPause)
	// Half of it is random, so that workers which failed together do not come back together.
	pause := most/2 + rand.N(most/2+1)
	var e *failure.Answer
	if !errors.As(err, &e) {
		return pause
	}
	if e.Status == http.StatusTooManyRequests {
		pause *= busyFactor
	}
	pause = max(pause, After(err))
	if e.Status == http.StatusTooManyRequests {
		r.mu.Lock()
		r.until = time.Now().Add(pause)
		r.mu.Unlock()
	}
	return pause
}

// wait lets the pause after a 429 pass, unless the time ends first.
func (r *Retrier) wait(ctx context.Context) error {
	r.mu.Lock()
	pause, last := time.Until(r.until), r.last
	r.mu.Unlock()
	if end, ok := ctx.Deadline(); ok && last != nil && pause > 0 && time.Until(end) < pause {
		return &failure.Late{Err: last, Pause: pause}
	}
	if err := Sleep(ctx, pause); err != nil {
		return r.ended(ctx, err)
	}
	return nil
}

// ended explains an error that came with the end of ctx: at the deadline by what failed last, if anything did.
func (r *Retrier) ended(ctx context.Context, err error) error {
	r.mu.Lock()
	last := r.last
	r.mu.Unlock()
	reason := (*failure.Error)(nil)
	explained := errors.As(err, &reason) && reason.Class != failure.ClassTimeout
	if last == nil || explained || !failure.TimeIsOver(ctx) {
		return failure.Ended(ctx, err)
	}
	return &failure.Late{Err: last}
}

// Sleep waits for d or the end of ctx, whose error it returns.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return failure.Ended(ctx, ctx.Err())
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return failure.Ended(ctx, ctx.Err())
	}
}

// triedError is a passing reason that did not pass.
type triedError struct {
	tries int
	err   error
}

func (e *triedError) Error() string {
	return e.err.Error() + " (tried " + strconv.Itoa(e.tries) + " times)"
}

func (e *triedError) Unwrap() error { return e.err }
