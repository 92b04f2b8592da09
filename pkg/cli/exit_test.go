package cli

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/overlay"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

func TestExitOf(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		ctx  context.Context
		err  error
		want Exit
	}{
		{t.Context(), nil, ExitOK},
		{t.Context(), errors.New("x"), ExitFailure},
		{t.Context(), usagef("", "x"), ExitUsage},
		{t.Context(), fmt.Errorf("doing: %w", &robot.Error{Reason: robot.ReasonRefused}), ExitRefused},
		{t.Context(), &robot.Error{Reason: robot.ReasonMissing}, ExitMissing},
		{t.Context(), &robot.Error{Reason: robot.ReasonDrift}, ExitDrift},
		{t.Context(), &robot.Error{Reason: robot.ReasonConflict}, ExitConflict},
		{t.Context(), &robot.Error{Reason: robot.ReasonNoRight}, ExitNoRight},
		{t.Context(), &robot.Error{Reason: robot.ReasonTimeout, Err: context.DeadlineExceeded}, ExitTimeout},
		{cancelled, &robot.Error{Reason: robot.ReasonTimeout, Err: context.Canceled}, ExitCancelled},
		{cancelled, errors.New("x"), ExitCancelled},
		{t.Context(), fmt.Errorf("x: %w", context.DeadlineExceeded), ExitTimeout},
		{t.Context(), &overlay.Refusal{}, ExitRefused},
		{t.Context(), &quay.Error{Status: 401}, ExitNoRight},
		{t.Context(), fmt.Errorf("x: %w", vault.ErrDenied), ExitNoRight},
		{t.Context(), fmt.Errorf("x: %w", vault.ErrConflict), ExitConflict},
	} {
		if got := exitOf(test.ctx, test.err); got != test.want {
			t.Errorf("%v: exit %d, want %d", test.err, got, test.want)
		}
	}
}

// Every reason of package robot has an exit code, every symptom has one of its own, and of several the worst counts.
func TestExitOfReports(t *testing.T) {
	report := func(symptoms ...robot.Symptom) []robot.Report {
		r := robot.Report{}
		for _, s := range symptoms {
			r.Checks = append(r.Checks, robot.Check{Status: robot.Failed, Symptom: s})
		}
		return []robot.Report{{}, r}
	}
	seen := map[Exit]bool{}
	for i, symptom := range robot.WorstFirst {
		exit := bySymptom[symptom]
		if got := exitOfReports(report(symptom)); got != exit || exit == ExitOK || seen[got] {
			t.Errorf("%s: exit %d", symptom, got)
		}
		seen[exit] = true
		for _, milder := range robot.WorstFirst[i+1:] {
			if got := exitOfReports(report(milder, symptom)); got != exit {
				t.Errorf("%s and %s: exit %d, want %d", milder, symptom, got, exit)
			}
		}
	}
	if len(seen) != len(bySymptom) {
		t.Errorf("%d symptoms are ordered, %d have an exit code", len(seen), len(bySymptom))
	}
	if got := exitOfReports([]robot.Report{{Checks: []robot.Check{{Status: robot.Skipped}}}}); got != ExitFindings {
		t.Errorf("a skipped check alone: exit %d", got)
	}
}
