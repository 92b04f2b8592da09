package robot_test

import (
	"errors"
	"fmt"
	"testing"
)

// stride is which of the points of failure are tried: each one, or in short tests every third.
func stride() int {
	if testing.Short() {
		return 3
	}
	return 1
}

// everyCrash has the program die after each of its calls, at least at so many points, and run again: check looks at what comes of
// it, and of a run without a crash.
func everyCrash(t *testing.T, least int, prepare func(crashAt int) *world, run func(*world) error, check func(w *world, when string)) {
	t.Helper()
	t.Parallel() // Each has worlds of its own, and they take longest.
	points := 0
	for crashAt := 1; ; crashAt += stride() {
		w := prepare(crashAt)
		w.crashAt = crashAt
		err := run(w)
		if err == nil {
			check(w, "without a crash")
			break
		}
		if points++; !errors.Is(err, errCrash) {
			t.Fatalf("crash after call %d: %v", crashAt, err)
		}
		w.crashAt, w.dead = 0, false
		if err := run(w); err != nil {
			t.Errorf("run again after call %d: %v", crashAt, err)
		}
		check(w, fmt.Sprint("after a crash at call ", crashAt))
	}
	t.Logf("%d points", points)
	if points < least/stride() {
		t.Errorf("only %d points", points)
	}
}

// sampled reports whether a look that takes long is due at this call: it is at one of eight, and at another one for the next point.
func (w *world) sampled(point int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return (w.calls+point)%8 == 0
}

// listen has f called after each call of the program, by one at a time; nil: nobody is told.
func (w *world) listen(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.onCall = f
}
