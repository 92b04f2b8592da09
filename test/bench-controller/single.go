package main

import (
	"context"
	"errors"

	"github.com/comptech-lab/quay-push/test/bench-controller/observer"
)

// singleRuns is enough for the 99th percentile to be the third worst.
const singleRuns = 300

// cost is what one run takes, of the API server and of the program.
type cost struct{ writes, reads, events, reconciles float64 }

// single measures runs that have the controller to themselves: each begins when the one before has ended.
func single(ctx context.Context, s *stage) (measured, error) {
	costs, waits, changed := map[subject]cost{}, map[subject][]float64{}, map[subject]float64{}
	for _, who := range []subject{peer, own} {
		runs, c, err := s.alone(ctx, who)
		if err != nil {
			return measured{}, err
		}
		costs[who], changed[who] = c, rewritten(runs)
		for _, r := range runs {
			waits[who] = append(waits[who], 1000*who.begun(r))
		}
	}
	mine, other := costs[own], costs[peer]
	return measured{
		checks: []check{
			atMost(3, mine.writes, "", "writes per push").beside(other.writes),
			atMost(3, mine.reads, "", "reads per push").beside(other.reads),
			atMost(6, mine.reconciles, "", "reconciles per push").beside(other.reconciles),
			just(mine.events, "", "events per push").beside(other.events),
			atMost(50, median(waits[own]), "ms", "CustomRun to TaskRun, one at a time, p50").beside(median(waits[peer])),
			atMost(200, quantile(waits[own], 0.99), "ms", "CustomRun to TaskRun, one at a time, p99").beside(quantile(waits[peer], 0.99)),
			atMost(0, changed[own], "", "ends rewritten, of %d", singleRuns).beside(changed[peer]),
		},
		samples: []sample{{Name: own.name, Y: waits[own]}, {Name: peer.name, Y: waits[peer]}},
	}, nil
}

// alone drives the subject's runs, one at a time, with the shipped limits.
func (s *stage) alone(ctx context.Context, who subject) ([]observer.Run, cost, error) {
	r, err := s.start(who, shippedQPS, 0)
	if err != nil {
		return nil, cost{}, err
	}
	defer r.Stop()
	if err := s.warm(who); err != nil {
		return nil, cost{}, err
	}
	s.printf("single: %d runs of %s", singleRuns, who.name)
	calls, err := s.server.Calls()
	metrics, err2 := r.Metrics(ctx)
	if err := errors.Join(err, err2); err != nil {
		return nil, cost{}, err
	}
	before := metrics.Reconciles()
	runs, err := s.drive("single-"+who.program, who, singleRuns, 1)
	if err != nil {
		return nil, cost{}, err
	}
	after, err := s.server.Calls()
	metrics, err2 = r.Metrics(ctx)
	if err := errors.Join(err, err2, who.wellEnded(runs)); err != nil {
		return nil, cost{}, err
	}
	writes, reads, events := after.Minus(calls).Count()
	per := func(n int) float64 { return float64(n) / singleRuns }
	return runs, cost{per(writes), per(reads), per(events), per(metrics.Reconciles() - before)}, nil
}

// shippedQPS is the KUBE_API_QPS of the Deployment; a test says so.
const shippedQPS = 50
