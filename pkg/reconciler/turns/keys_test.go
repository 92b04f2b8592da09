package turns

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/reconciler"
)

// slow takes a second for each key.
type slow struct {
	reconciler.LeaderAwareFuncs
	mu         sync.Mutex
	busy, most map[string]int
	order      []string
}

func (s *slow) Reconcile(_ context.Context, key string) error {
	namespace := key[:1]
	s.mu.Lock()
	s.busy[namespace]++
	s.most[namespace] = max(s.most[namespace], s.busy[namespace])
	s.order = append(s.order, key)
	s.mu.Unlock()
	time.Sleep(time.Second)
	s.mu.Lock()
	s.busy[namespace]--
	s.mu.Unlock()
	return nil
}

// queue is a work queue with 32 threads.
type queue struct {
	keys    chan string
	threads sync.WaitGroup
	r       *Keys
	skipped int
	mu      sync.Mutex
}

func newQueue(r LeaderAware, most int) *queue {
	q := &queue{keys: make(chan string, 10_000)}
	q.r = Share(r, most, func(key types.NamespacedName) { q.keys <- key.String() })
	for range 32 {
		q.threads.Go(func() {
			for key := range q.keys {
				if err := q.r.Reconcile(context.Background(), key); controller.IsSkipKey(err) {
					q.mu.Lock()
					q.skipped++
					q.mu.Unlock()
				}
			}
		})
	}
	return q
}

// 2,000 keys of one namespace are before one of another, which does not wait for any of them.
func TestKeysTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{busy: map[string]int{}, most: map[string]int{}}
		q := newQueue(s, 8)
		var want []string
		for i := range 2000 {
			want = append(want, fmt.Sprintf("a/%04d", i))
			q.keys <- want[i]
		}
		q.keys <- "b/victim"
		synctest.Wait() // No time has passed.
		s.mu.Lock()
		at := slices.Index(s.order, "b/victim")
		s.mu.Unlock()
		if at < 0 || at > 8 {
			t.Errorf("the other namespace's key is looked at as number %d", at)
		}
		// What came later, and what comes again, is not before what has come.
		time.Sleep(1500 * time.Millisecond)
		q.keys <- "a/later"
		q.keys <- want[1999]
		time.Sleep(2001 * time.Second / 8)
		synctest.Wait()
		close(q.keys)
		q.threads.Wait()
		if s.most["a"] != 8 || s.most["b"] != 1 {
			t.Errorf("at once: %v", s.most)
		}
		var got []string
		for _, key := range s.order {
			if key[:1] == "a" {
				got = append(got, key)
			}
		}
		if len(got) != 2001 || !slices.Contains(got[1960:], "a/later") {
			t.Fatalf("%d keys of a were looked at, the last %v", len(got), got[len(got)-40:])
		}
		// What a thread has taken from the queue and not parked yet may be late, and by some; without an order most of
		// the 2,000 would be late by hundreds.
		late := 0
		for i, key := range got {
			if at := slices.Index(want, key); at >= 0 && (i-at > 200 || at-i > 200) {
				late++
			}
		}
		if late > 200 {
			t.Errorf("%d keys were not looked at in the order that they came in", late)
		}
		if len(q.r.namespaces) > 0 {
			t.Errorf("left over: %v", q.r.namespaces)
		}
		// Each waits once, and is called once.
		if q.skipped > 2010 {
			t.Errorf("keys were put back %d times", q.skipped)
		}
	})
}

// One of a namespace may go on however few threads there are; a key that is none is the reconciler's to refuse.
func TestKeysOfFewThreads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{busy: map[string]int{}, most: map[string]int{}}
		k := Share(s, 0, func(types.NamespacedName) {})
		if err := k.Reconcile(t.Context(), "a/b"); err != nil {
			t.Error(err)
		}
		if err := k.Reconcile(t.Context(), "a/b/c"); err != nil || len(s.order) != 2 {
			t.Errorf("%v, %v", err, s.order)
		}
	})
}
