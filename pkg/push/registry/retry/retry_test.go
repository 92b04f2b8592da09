package retry

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// Pauses grow, differ, and have a limit.
func TestBackoff(t *testing.T) {
	r := &Retrier{pause: time.Second}
	for n := range 20 {
		most := min(time.Second<<n, MaxPause)
		if got := r.backoff(n, errors.New("x")); got < most/2 || got > most {
			t.Errorf("pause %d is %v, want %v to %v", n, got, most/2, most)
		}
	}
	busy := &failure.Answer{Status: http.StatusTooManyRequests}
	if got := r.backoff(0, busy); got < busyFactor*time.Second/2 {
		t.Errorf("the pause after a 429 is %v", got)
	}
	if time.Until(r.until) <= 0 {
		t.Error("a 429 does not make the others wait")
	}
}
