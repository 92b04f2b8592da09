package quay

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"
)

const (
	// maxTries is how often one call is sent.
	maxTries = 5
	// maxPause is the longest pause between two tries.
	maxPause = 20 * time.Second
	// busyFactor is how much longer the pause is after a 429, which Quay's nginx sends without saying how long to wait.
	busyFactor = 4
)

// retry calls try until it succeeds or fails for good. A call that must not be sent twice is tried again only after an
// answer that says that nothing was done. The error is one for IsUnsure if that of any try was.
func (c *Client) retry(ctx context.Context, again bool, try func() error) error {
	unsure := false
	for n := 1; ; n++ {
		err := try()
		if unsure = unsure || IsUnsure(err); err != nil && unsure {
			err = &unsureError{err}
		}
		if err == nil || ctx.Err() != nil || !passing(err, again) {
			return err
		}
		if n == maxTries {
			return fmt.Errorf("%w (tried %d times)", err, n)
		}
		timer := time.NewTimer(c.backoff(n, err))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("%w, after: %w", context.Cause(ctx), err)
		}
	}
}

// passing reports whether err may be gone the next time.
func passing(err error, again bool) bool {
	if e := (*Error)(nil); errors.As(err, &e) {
		switch e.Status {
		case http.StatusTooManyRequests:
			return true
		case http.StatusBadGateway, http.StatusGatewayTimeout:
			return again
		case http.StatusServiceUnavailable:
			return again && !e.readOnly
		}
		return false
	}
	lost := (*transportError)(nil)
	return again && errors.As(err, &lost) && !IsUntrusted(err) && !IsBlocked(err)
}

// backoff is how long to pause after try n.
func (c *Client) backoff(n int, err error) time.Duration {
	most := c.pause << (n - 1)
	e := (*Error)(nil)
	if errors.As(err, &e) && e.Status == http.StatusTooManyRequests {
		most *= busyFactor
	}
	most = min(most, maxPause)
	// Half of it is random, so that clients which failed together do not come back together.
	pause := most/2 + rand.N(most/2+1)
	if e != nil {
		pause = max(pause, min(e.retryAfter, maxPause))
	}
	return pause
}
