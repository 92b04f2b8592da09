package main

import (
	"context"
	"fmt"

	"github.com/comptech-lab/quay-push/test/bench-controller/observer"
	"github.com/comptech-lab/quay-push/test/bench-controller/simulator"
)

// prepare makes n PipelineRuns called prefix and a number, spread over the tenants.
func (s *stage) prepare(prefix string, n int) ([]*simulator.Run, error) {
	runs := make([]*simulator.Run, n)
	err := simulator.Each(s.ctx, n, nil, func(ctx context.Context, i int) (err error) {
		runs[i], err = s.tekton.Prepare(ctx, s.tenants[i%len(s.tenants)], fmt.Sprintf("%s-%05d", prefix, i))
		return err
	})
	return runs, err
}

// drive brings n runs of the kind to their end, at most width at a time, and returns what was seen of them.
func (s *stage) drive(prefix string, who subject, n, width int) ([]observer.Run, error) {
	runs, err := s.prepare(prefix, n)
	if err != nil {
		return nil, err
	}
	turns := make(chan struct{}, width)
	failed := make(chan error, n)
	for _, run := range runs {
		turns <- struct{}{}
		go func() {
			defer func() { <-turns }()
			err := s.tekton.Create(s.ctx, run, who.kind)
			if err == nil {
				_, err = s.observer.Wait(s.ctx, []string{run.Key()}, done)
			}
			failed <- err
		}()
	}
	for range runs {
		if err := <-failed; err != nil {
			return nil, err
		}
	}
	return s.observer.Seen(keys(runs)), nil
}

// warm has the subject answer a few runs: it leads, and its connections are open.
func (s *stage) warm(who subject) error {
	_, err := s.drive("warm-"+who.program, who, 5, 1)
	return err
}

func keys(runs []*simulator.Run) []string {
	all := make([]string, len(runs))
	for i, run := range runs {
		all[i] = run.Key()
	}
	return all
}

func done(r observer.Run) bool { return !r.Done.IsZero() }

// begun is when the subject has begun to work on the run: ours makes a TaskRun, the other writes that it runs.
func (who subject) begun(r observer.Run) float64 {
	at := r.Running
	if who == own {
		at = r.TaskRun
	}
	if at.IsZero() {
		return 0
	}
	return at.Sub(r.Created).Seconds()
}

// wellEnded is an error unless all runs succeeded, and those of ours with one TaskRun each.
func (who subject) wellEnded(runs []observer.Run) error {
	for i, r := range runs {
		if !r.Succeeded || who == own && r.TaskRuns != 1 {
			return fmt.Errorf("run %d of %d of %s: %+v", i, len(runs), who.name, r)
		}
	}
	return nil
}

// rewritten is how many of the runs had their status changed after their end.
func rewritten(runs []observer.Run) (n float64) {
	for _, r := range runs {
		if r.Rewritten > 0 {
			n++
		}
	}
	return n
}
