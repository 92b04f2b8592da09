package main

import (
	"context"
	"fmt"

	"github.com/comptech-lab/quay-push/test/bench-controller/replica"
	"github.com/comptech-lab/quay-push/test/bench-controller/simulator"
)

// level is how full the cluster is: CustomRuns of other controllers, and finished ones of ours, half of them with TaskRuns.
type level struct{ foreign, finished int }

func (l level) customRuns() int { return l.foreign + l.finished }

// The levels at which a run's cost is measured, and one more for the memory that a foreign CustomRun takes.
var (
	levels  = []level{{1000, 0}, {10000, 0}, {10000, 10000}}
	fullest = level{20000, 10000}
)

// How the cost of a run is measured: some runs at a time, and the median of the rounds, since a processor that others use has
// cold caches at times.
const (
	costRounds = 5
	costRuns   = 80
	costWidth  = 8
	costQPS    = 200
)

// usage is what a program takes at a level.
type usage struct {
	memory replica.Memory
	// milliseconds of processor, and requests, for a run; the former for each round.
	cpu   []float64
	calls float64
}

// size measures what a run costs, and what the program keeps in memory, the fuller the cluster is.
func size(_ context.Context, s *stage) (measured, error) {
	var now level
	cpu, memory := map[subject][]float64{}, map[subject][]float64{}
	half := map[subject]replica.Memory{} // at the last of levels
	var counts, calls []float64
	for _, next := range levels {
		if err := s.fill(&now, next); err != nil {
			return measured{}, err
		}
		counts = append(counts, float64(next.customRuns()))
		for _, who := range []subject{peer, own} {
			u, err := s.use(who, costRounds)
			if err != nil {
				return measured{}, err
			}
			half[who] = u.memory
			cpu[who], memory[who] = append(cpu[who], median(u.cpu)), append(memory[who], mebibytes(u.memory.Resident))
			if who == own {
				calls = append(calls, u.calls)
			}
		}
	}
	if err := s.fill(&now, fullest); err != nil {
		return measured{}, err
	}
	full := map[subject]replica.Memory{}
	for _, who := range []subject{peer, own} {
		u, err := s.use(who, 0)
		if err != nil {
			return measured{}, err
		}
		full[who] = u.memory
	}
	at := levels[len(levels)-1]
	foreign := float64(fullest.foreign - at.foreign)
	more := func(who subject, of func(replica.Memory) int64) float64 {
		return float64(of(full[who])-of(half[who])) / 1024 / foreign
	}
	resident, live := func(m replica.Memory) int64 { return m.Resident }, func(m replica.Memory) int64 { return m.Live }
	slope := func(values []float64) float64 { return 100 * (values[len(values)-1]/values[0] - 1) }
	return measured{
		checks: []check{
			atMost(96, mebibytes(half[own].Resident), "MiB", "resident, %d finished and %d foreign CustomRuns, %d TaskRuns", at.finished, at.foreign, at.finished/2).
				beside(mebibytes(half[peer].Resident)),
			just(mebibytes(half[own].Program), "MiB", "of which pages of the program's file").beside(mebibytes(half[peer].Program)),
			just(mebibytes(half[own].Peak), "MiB", "the most that was ever resident").beside(mebibytes(half[peer].Peak)),
			atMost(2, more(own, resident), "KiB", "resident, more for each foreign CustomRun").beside(more(peer, resident)),
			just(more(own, live), "KiB", "of which live").beside(more(peer, live)),
			atMost(5, slope(cpu[own]), "%", "processor time of a run, more at %d CustomRuns than at %d", at.customRuns(), levels[0].customRuns()).beside(slope(cpu[peer])),
			atMost(5, slope(calls), "%", "requests of a run, more at %d CustomRuns than at %d", at.customRuns(), levels[0].customRuns()),
			just(cpu[own][0], "ms", "processor time of a run").beside(cpu[peer][0]),
		},
		samples: []sample{
			{Name: own.name + ", ms of processor for a run", X: counts, Y: cpu[own]}, {Name: peer.name + ", ms of processor for a run", X: counts, Y: cpu[peer]},
			{Name: own.name + ", MiB resident", X: counts, Y: memory[own]}, {Name: peer.name + ", MiB resident", X: counts, Y: memory[peer]},
		},
	}, nil
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }

// fill makes what is missing from now to next.
func (s *stage) fill(now *level, next level) error {
	tell := func(what string) func(int) {
		return func(n int) { s.printf("size: %d more %s CustomRuns", n, what) }
	}
	first := *now
	*now = next
	if err := simulator.Each(s.ctx, next.foreign-first.foreign, tell("foreign"), func(ctx context.Context, i int) error {
		i += first.foreign
		return s.tekton.CreateForeign(ctx, s.tenants[i%len(s.tenants)], fmt.Sprintf("foreign-run-of-a-pipeline-%05d", i))
	}); err != nil {
		return fmt.Errorf("making foreign CustomRuns: %w", err)
	}
	if err := simulator.Each(s.ctx, next.finished-first.finished, tell("finished"), func(ctx context.Context, i int) error {
		i += first.finished
		return s.tekton.CreateFinished(ctx, s.tenants[i%len(s.tenants)], fmt.Sprintf("finished-run-of-a-pipeline-%05d", i), own.kind, i%2 == 0)
	}); err != nil {
		return fmt.Errorf("making finished CustomRuns: %w", err)
	}
	return nil
}

// use starts the subject, has it work a little, looks at its memory, has it work for some rounds, and says what that took.
func (s *stage) use(who subject, rounds int) (u usage, err error) {
	r, err := s.start(who, costQPS, 0)
	if err != nil {
		return u, err
	}
	defer r.Stop()
	s.uses++
	prefix := fmt.Sprintf("use-%s-%d", who.program, s.uses)
	if _, err := s.drive(prefix+"-warm", who, costRuns, costWidth); err != nil {
		return u, err
	}
	// The cluster has no more than its level says.
	if err := s.tekton.Prune(s.ctx, s.tenants); err != nil {
		return u, err
	}
	if u.memory, err = r.Memory(s.ctx); err != nil {
		return u, err
	}
	s.printf("size: %s: %.3g MiB resident, at most %.3g, %.3g live", who.name,
		mebibytes(u.memory.Resident), mebibytes(u.memory.Peak), mebibytes(u.memory.Live))
	before, err := s.server.Calls()
	if err != nil {
		return u, err
	}
	for round := range rounds {
		began, err := r.CPU()
		if err != nil {
			return u, err
		}
		runs, err := s.drive(fmt.Sprintf("%s-%d", prefix, round), who, costRuns, costWidth)
		if err != nil {
			return u, err
		}
		ended, err := r.CPU()
		if err != nil {
			return u, err
		}
		if err := who.wellEnded(runs); err != nil {
			return u, err
		}
		u.cpu = append(u.cpu, 1000*(ended-began).Seconds()/costRuns)
		s.printf("size: %s: %.3g ms of processor for a run", who.name, u.cpu[round])
	}
	after, err := s.server.Calls()
	if err != nil {
		return u, err
	}
	writes, reads, _ := after.Minus(before).Count()
	u.calls = float64(writes+reads) / float64(max(rounds, 1)*costRuns)
	return u, s.tekton.Prune(s.ctx, s.tenants)
}
