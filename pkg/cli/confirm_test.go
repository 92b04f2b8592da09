package cli_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/cli"
)

// What cannot be undone is asked about where somebody sits at a terminal, and nowhere else.
func TestConfirm(t *testing.T) {
	for name, test := range map[string]struct {
		terminal bool
		in       string
		args     []string
		exit     cli.Exit
		asked    bool
	}{
		"leak, no":           {true, "\n", []string{"leak", "payments", "--since", "1h"}, cli.ExitCancelled, true},
		"leak, end of input": {true, "", []string{"leak", "payments", "--since", "1h"}, cli.ExitCancelled, true},
		"leak, y":            {true, "y\n", []string{"leak", "payments", "--since", "1h"}, cli.ExitOK, true},
		"leak, --yes":        {true, "", []string{"leak", "payments", "--since", "1h", "--yes"}, cli.ExitOK, false},
		"leak, a dry run":    {true, "", []string{"leak", "payments", "--since", "1h", "--dry-run"}, cli.ExitOK, false},
		"leak, a script":     {false, "", []string{"leak", "payments", "--since", "1h"}, cli.ExitOK, false},
		"in place, no":       {true, "n\n", []string{"rotate", "payments", "--in-place"}, cli.ExitCancelled, true},
		"in place, YES":      {true, "YES\r\n", []string{"rotate", "payments", "--in-place"}, cli.ExitOK, true},
		"in place, --yes":    {true, "", []string{"rotate", "payments", "--in-place", "--yes"}, cli.ExitOK, false},
		"rotate":             {true, "", []string{"rotate", "payments"}, cli.ExitOK, false},
		"offboard, no":       {true, "", []string{"offboard", "payments"}, cli.ExitCancelled, true},
		"offboard, y":        {true, "y", []string{"offboard", "payments"}, cli.ExitOK, true},
		"offboard, --yes":    {true, "", []string{"offboard", "payments", "--yes"}, cli.ExitOK, false},
		"offboard, a script": {false, "y\n", []string{"offboard", "payments"}, cli.ExitUsage, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.onboard("payments")
			w.terminal = test.terminal
			before := w.quay.RobotToken("team-payments+ci")
			exit, _, stderr := w.run(t.Context(), test.in, test.args...)
			if exit != test.exit || strings.Contains(stderr, "Go on? [y/N] ") != test.asked {
				t.Errorf("exit %d, want %d; asked is to be %t\n%s", exit, test.exit, test.asked, stderr)
			}
			if test.exit == cli.ExitCancelled && w.quay.RobotToken("team-payments+ci") != before {
				t.Error("the token was burnt though the answer was no")
			}
		})
	}
}

// never is a terminal at which nobody answers.
type never struct{}

func (never) Read([]byte) (int, error) { select {} }

// Whoever is asked can leave instead, and a question does not outlast --timeout.
func TestConfirmEnds(t *testing.T) {
	w := newWorld(t)
	w.terminal = true
	run := func(ctx context.Context, args ...string) cli.Exit {
		p := w.program()
		p.In, p.Out, p.Err = never{}, &strings.Builder{}, &strings.Builder{}
		return p.Run(ctx, append([]string{"leak", "payments", "--since", "1h"}, args...))
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if exit := run(ctx); exit != cli.ExitCancelled {
		t.Errorf("SIGINT: exit %d", exit)
	}
	if exit := run(t.Context(), "--timeout", "10ms"); exit != cli.ExitTimeout {
		t.Errorf("--timeout: exit %d", exit)
	}
}
