package quay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Whatever came before, a pause or many that wait, no second has more than the rate; and what may be sent is sent.
func TestNoSecondHasMoreThanTheRate(t *testing.T) {
	for _, perSecond := range []float64{0.5, 1, 1.5, 40, 199.5} {
		t.Run(fmt.Sprint(perSecond), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, began := newPace(perSecond), []time.Time{}
				var mu sync.Mutex
				var waiting sync.WaitGroup
				many := func(n int) {
					for range n {
						waiting.Go(func() {
							if err := p.wait(t.Context()); err != nil {
								t.Error(err)
							}
							mu.Lock()
							began = append(began, time.Now())
							mu.Unlock()
						})
					}
				}
				start := time.Now()
				many(int(2*perSecond) + 2)
				waiting.Wait()
				took := time.Since(start)
				time.Sleep(time.Minute)
				many(int(2*perSecond) + 2)
				time.Sleep(300 * time.Millisecond)
				many(3)
				waiting.Wait()
				// Timers that are late by a little make it neither faster nor slower, by much no faster.
				for _, by := range []time.Duration{20 * time.Millisecond, 200 * time.Millisecond} {
					start, n := time.Now(), int(3*perSecond)
					for range n {
						time.Sleep(max(0, time.Until(p.next)) + by)
						many(1)
						waiting.Wait()
					}
					if took, most := time.Since(start), time.Duration(n+1)*p.apart+by; by < late && by < p.apart && took > most {
						t.Errorf("%d requests, each late by %s, took %s, more than %s", n, by, took, most)
					}
					many(int(perSecond) + 2)
					waiting.Wait()
				}
				slices.SortFunc(began, time.Time.Compare)
				for i, first := range began {
					n := 0
					for _, at := range began[i:] {
						if at.Sub(first) < time.Second {
							n++
						}
					}
					if float64(n) > max(1, perSecond) {
						t.Fatalf("%d requests within a second", n)
					}
				}
				if most := 5 * time.Second; perSecond >= 1 && took > most {
					t.Errorf("twice the rate took %s, more than %s", took, most)
				}
			})
		})
	}
}

// Who is told to stop does not wait for its time, and takes nobody else's.
func TestPaceEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, why := newPace(0.001), errors.New("why")
		if err := p.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		failed := make(chan error, 2)
		for range 2 {
			go func() { failed <- p.wait(ctx) }()
		}
		synctest.Wait()
		cancel(why)
		for range 2 {
			if err := <-failed; !errors.Is(err, why) {
				t.Errorf("error is %v", err)
			}
		}
		if p.next = (time.Time{}); p.wait(t.Context()) != nil || !errors.Is(p.wait(ctx), why) {
			t.Error("the turn was not given back, or an ended context begins one")
		}
	})
}
