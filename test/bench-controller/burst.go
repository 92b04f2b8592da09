package main

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/comptech-lab/quay-push/test/bench-controller/observer"
	"github.com/comptech-lab/quay-push/test/bench-controller/simulator"
)

// burstRuns is how many runs come at once.
const burstRuns = 1000

// threads is the K_THREADS_PER_CONTROLLER of the Deployment; a test says so.
const threads = 32

// burst measures what happens when many runs come at once, with qps requests per second.
func burst(qps int) func(context.Context, *stage) (measured, error) {
	return func(_ context.Context, s *stage) (measured, error) {
		last, calls, unfair := map[subject]float64{}, map[subject]float64{}, map[subject]float64{}
		var seen measured
		for _, who := range []subject{peer, own} {
			runs, perRun, err := s.atOnce(who, qps)
			if err != nil {
				return measured{}, err
			}
			starts := startsOf(who, runs)
			calls[who], last[who], unfair[who] = perRun, slices.Max(starts), unfairness(starts)
			sorted := slices.Sorted(slices.Values(starts))
			share := make([]float64, len(sorted))
			for i := range share {
				share[i] = float64(i + 1)
			}
			seen.samples = append(seen.samples, sample{Name: who.name, X: sorted, Y: share})
		}
		bound := burstRuns * calls[own] / float64(qps)
		seen.checks = []check{
			just(calls[own], "", "requests per run, %d at once, %d per second", burstRuns, qps).beside(calls[peer]),
			atMost(1.1*bound, last[own], "s", "last of %d TaskRuns, %d requests per second", burstRuns, qps).beside(last[peer]),
			just(last[own]/bound, "", "that ÷ (runs × requests per run ÷ %d)", qps).beside(last[peer] / (burstRuns * calls[peer] / float64(qps))),
			atMost(2, unfair[own], "", "first in, first out, %d requests per second: latest ÷ its turn", qps).beside(unfair[peer]),
		}
		return seen, nil
	}
}

// atOnce has all runs made as fast as it goes, and returns what was seen of them in the order in which they were made, and
// the requests that each took; events, which have a limit of their own, are not counted.
func (s *stage) atOnce(who subject, qps int) ([]observer.Run, float64, error) {
	r, err := s.start(who, qps, 0)
	if err != nil {
		return nil, 0, err
	}
	defer r.Stop()
	if err := s.warm(who); err != nil {
		return nil, 0, err
	}
	prepared, err := s.prepare("burst-"+who.program, burstRuns)
	if err != nil {
		return nil, 0, err
	}
	// The limit's burst, which the warm-up took from, is whole again.
	time.Sleep(3 * time.Second)
	before, err := s.server.Calls()
	if err != nil {
		return nil, 0, err
	}
	s.printf("burst: %d runs of %s", burstRuns, who.name)
	if err := simulator.Each(s.ctx, burstRuns, nil, func(ctx context.Context, i int) error {
		return s.tekton.Create(ctx, prepared[i], who.kind)
	}); err != nil {
		return nil, 0, err
	}
	all := keys(prepared)
	if _, err := s.observer.Wait(s.ctx, all, func(r observer.Run) bool { return who.begun(r) != 0 }); err != nil {
		return nil, 0, err
	}
	s.printf("burst: all %d runs of %s have begun", burstRuns, who.name)
	runs, err := s.observer.Wait(s.ctx, all, done)
	if err != nil {
		return nil, 0, err
	}
	s.printf("burst: all %d runs of %s have ended", burstRuns, who.name)
	after, err := s.server.Calls()
	if err != nil {
		return nil, 0, err
	}
	writes, reads, _ := after.Minus(before).Count()
	slices.SortStableFunc(runs, func(a, b observer.Run) int { return a.Created.Compare(b.Created) })
	return runs, float64(writes+reads) / burstRuns, who.wellEnded(runs)
}

// startsOf is when each run was begun, in seconds after the first run was made.
func startsOf(who subject, runs []observer.Run) []float64 {
	starts := make([]float64, len(runs))
	for i, r := range runs {
		starts[i] = r.Created.Sub(runs[0].Created).Seconds() + who.begun(r)
	}
	return starts
}

// unfairness is how many times as late as its turn a run was begun, at worst: 1 if the first in is the first out. starts are
// in the order of arrival. The first few, which all threads take at the same time, have no order.
func unfairness(starts []float64) float64 {
	turns := slices.Sorted(slices.Values(starts))
	worst := math.NaN()
	for i := 2 * threads; i < len(starts); i++ {
		if ratio := starts[i] / turns[i]; math.IsNaN(worst) || ratio > worst {
			worst = ratio
		}
	}
	return worst
}
