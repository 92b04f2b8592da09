package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/comptech-lab/quay-push/test/bench-controller/observer"
	"github.com/comptech-lab/quay-push/test/bench-controller/replica"
)

const (
	failovers = 3
	// underWay is how many runs the leader has when it is killed.
	underWay = 50
)

// failover kills the leader of two replicas, with what the Deployment and config-leader-election ship, and measures how long
// a run that comes in at that moment waits for the other.
func failover(ctx context.Context, s *stage) (measured, error) {
	for host := range hosts {
		if _, err := s.start(own, shippedQPS, host); err != nil {
			return measured{}, err
		}
	}
	if err := s.warm(own); err != nil {
		return measured{}, err
	}
	var waits []float64
	var all []observer.Run
	for round := range failovers {
		runs, err := s.prepare(fmt.Sprintf("failover-%d", round), underWay+1)
		if err != nil {
			return measured{}, err
		}
		for _, run := range runs[:underWay] {
			if err := s.tekton.Create(ctx, run, own.kind); err != nil {
				return measured{}, err
			}
		}
		leader, host, err := s.leader(ctx)
		if err != nil {
			return measured{}, err
		}
		killed := time.Now()
		leader.Kill()
		if err := s.tekton.Create(ctx, runs[underWay], own.kind); err != nil {
			return measured{}, err
		}
		seen, err := s.observer.Wait(ctx, keys(runs), done)
		if err != nil {
			return measured{}, err
		}
		wait := seen[underWay].TaskRun.Sub(killed).Seconds()
		s.printf("failover: replica %d killed, first decision after %.1f s", host, wait)
		waits, all = append(waits, wait), append(all, seen...)
		if _, err := s.start(own, shippedQPS, host); err != nil {
			return measured{}, err
		}
	}
	twice, lost := faults(all)
	return measured{
		checks: []check{
			atMost(20, quantile(waits, 1), "s", "leader killed: first decision after, at worst of %d", failovers),
			atMost(0, twice, "", "TaskRuns made twice, of %d runs", len(all)),
			atMost(0, lost, "", "runs lost, of %d", len(all)),
			atMost(0, rewritten(all), "", "ends rewritten, of %d", len(all)),
		},
		samples: []sample{{Name: own.name, Y: waits}},
	}, nil
}

// leader is the replica that answers PushImage, and its host.
func (s *stage) leader(ctx context.Context) (*replica.Replica, int, error) {
	ctx, stop := context.WithTimeoutCause(ctx, time.Minute, errors.New("no replica has led for a minute"))
	defer stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, r := range s.replicas {
			if !r.Alive() {
				continue
			}
			if metrics, err := r.Metrics(ctx); err == nil && metrics.Leads(own.kind.Name) {
				return r, r.Host(), nil
			}
		}
		select {
		case <-ctx.Done():
			return nil, 0, context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// faults counts what must not be: runs with more than one TaskRun, and runs without one or without success.
func faults(runs []observer.Run) (twice, lost float64) {
	for _, r := range runs {
		if r.TaskRuns > 1 {
			twice++
		}
		if r.TaskRuns == 0 || !r.Succeeded {
			lost++
		}
	}
	return twice, lost
}
