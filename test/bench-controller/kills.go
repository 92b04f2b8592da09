package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	killRuns     = 600
	killInterval = 100 * time.Millisecond // between two runs
	// shortLease lets one of two replicas follow the other in seconds; freeze is longer than it lasts.
	shortLease = `{"data":{"lease-duration":"3s","renew-deadline":"2s","retry-period":"500ms"}}`
	freeze     = 5 * time.Second
)

// kills has runs come in while the leader is killed, or frozen for longer than its lease lasts and let go on beside the one
// that followed it, at moments that chance decides.
func kills(ctx context.Context, s *stage) (measured, error) {
	if err := s.configure("config-leader-election", shortLease); err != nil {
		return measured{}, err
	}
	for host := range hosts {
		if _, err := s.start(own, shippedQPS, host); err != nil {
			return measured{}, err
		}
	}
	if err := s.warm(own); err != nil {
		return measured{}, err
	}
	s.printf("kills: seed %d", s.seed)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	type count struct {
		killed, frozen int
		err            error
	}
	counted := make(chan count, 1)
	coming, end := context.WithCancel(ctx)
	go func() {
		killed, frozen, err := s.trouble(ctx, coming, rand.New(rand.NewPCG(s.seed, 1)))
		counted <- count{killed, frozen, err}
	}()
	runs, err := s.comeIn(ctx)
	end()
	trouble := <-counted
	if err == nil {
		err = trouble.err
	}
	if err != nil {
		return measured{}, err
	}
	seen, err := s.observer.Wait(ctx, runs, done)
	if err != nil {
		return measured{}, err
	}
	twice, lost := faults(seen)
	waits := make([]float64, len(seen))
	for i, r := range seen {
		waits[i] = own.begun(r)
	}
	return measured{
		checks: []check{
			just(float64(trouble.killed), "", "leaders killed while %d runs came in", len(seen)),
			just(float64(trouble.frozen), "", "leaders frozen for %s, then let go on", freeze),
			atMost(0, twice, "", "TaskRuns made twice, of %d runs", len(seen)),
			atMost(0, lost, "", "runs lost, of %d", len(seen)),
			atMost(0, rewritten(seen), "", "ends rewritten, of %d", len(seen)),
			just(quantile(waits, 1), "s", "longest wait for a TaskRun, with leases of 3 s"),
		},
		samples: []sample{{Name: own.name, Y: waits}},
	}, nil
}

// comeIn makes the runs, one after the other.
func (s *stage) comeIn(ctx context.Context) ([]string, error) {
	runs, err := s.prepare("kills", killRuns)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(killInterval)
	defer tick.Stop()
	for i, run := range runs {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-tick.C:
		}
		if err := s.tekton.Create(ctx, run, own.kind); err != nil {
			return nil, err
		}
		if (i+1)%100 == 0 {
			s.printf("kills: %d of %d runs came in", i+1, len(runs))
		}
	}
	return keys(runs), nil
}

// trouble kills or freezes the leader, whichever it is, again and again until coming ends, and leaves two replicas.
func (s *stage) trouble(ctx, coming context.Context, chance *rand.Rand) (killed, frozen int, err error) {
	for {
		pause := time.NewTimer(time.Duration(chance.Int64N(int64(4 * time.Second))))
		select {
		case <-coming.Done():
			pause.Stop()
			return killed, frozen, nil
		case <-pause.C:
		}
		leader, host, err := s.leader(ctx)
		if err != nil {
			return killed, frozen, fmt.Errorf("looking for the leader: %w", err)
		}
		if chance.IntN(2) == 0 {
			killed++
			leader.Kill()
			s.printf("kills: replica %d killed", host)
			if _, err := s.start(own, shippedQPS, host); err != nil {
				return killed, frozen, err
			}
			continue
		}
		frozen++
		s.printf("kills: replica %d frozen", host)
		leader.Pause()
		select {
		case <-ctx.Done():
		case <-time.After(freeze):
		}
		leader.Resume()
	}
}
