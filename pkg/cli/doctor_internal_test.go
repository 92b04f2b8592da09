package cli

import (
	"context"
	"testing"
	"time"
)

// What failed decides the exit code, and where nothing did, that a look ran out of time.
func TestVerdict(t *testing.T) {
	over, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	for name, test := range map[string]struct {
		ctx    context.Context
		health health
		late   bool
		want   Exit
	}{
		"well":            {t.Context(), healthy, false, ExitOK},
		"unknown":         {t.Context(), unknown, false, ExitOK},
		"a late look":     {t.Context(), unknown, true, ExitTimeout},
		"a failed one":    {t.Context(), sick, true, ExitFindings},
		"no time is left": {over, sick, false, ExitTimeout},
	} {
		d := &doctor{late: test.late, found: diagnosis{Looks: []look{{Health: test.health}}}}
		if exit := exitOf(t.Context(), d.verdict(test.ctx)); exit != test.want {
			t.Errorf("%s: exit %d, want %d", name, exit, test.want)
		}
	}
}

// A look has its own limit, and at most half of what is left.
func TestWithin(t *testing.T) {
	for _, test := range []struct{ left, most time.Duration }{{0, lookTimeout}, {time.Hour, lookTimeout}, {lookTimeout, lookTimeout / 2}} {
		ctx, cancel := t.Context(), func() {}
		if test.left > 0 {
			ctx, cancel = context.WithTimeout(ctx, test.left)
		}
		err := within(ctx, func(ctx context.Context) error {
			if end, ok := ctx.Deadline(); !ok || time.Until(end) > test.most {
				t.Errorf("of %s a look has until %s, at most %s are right", test.left, end, test.most)
			}
			return context.Canceled
		})
		cancel()
		if err != context.Canceled {
			t.Errorf("the look's error is %v", err)
		}
	}
}
