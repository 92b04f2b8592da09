package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// Each row of docs/failure-modes.md is brought about, verify names the row, what mends it mends it, and the page says
// so. With -update the page's table is written.
func TestFailureModes(t *testing.T) {
	rows := "| symptom | what happened | `verify` finds | exit | what mends it |\n|---|---|---|---|---|\n"
	named := map[robot.Symptom]bool{}
	for _, a := range accidents {
		t.Run(a.name, func(t *testing.T) {
			w := newWorld(t)
			w.onboard("payments")
			a.do(w)
			exit, stdout, stderr := w.run(w.Context(), "", "verify", "payments", "-o", "json")
			var found struct{ Reports []robot.Report }
			if err := json.Unmarshal([]byte(stdout), &found); err != nil || exit != a.exit {
				t.Fatalf("exit %d, want %d: %v\n%s", exit, a.exit, err, stderr)
			}
			checks := []string{}
			for _, c := range found.Reports[0].Checks {
				if c.Status == robot.Failed {
					checks = append(checks, "`"+c.ID+"`")
					named[c.Symptom] = true
					if c.Next == "" {
						t.Errorf("check %s says no next step", c.ID)
					}
				}
				if c.Status == robot.Failed && c.Symptom == a.symptom {
					exit = cli.ExitOK
				}
			}
			if exit != cli.ExitOK {
				t.Errorf("no check of %q failed, but %v", a.symptom, checks)
			}
			rows += fmt.Sprintf("| %s | %s | %s | %d | %s |\n", a.symptom, a.cause, strings.Join(checks, ", "), a.exit, a.fix)
			a.mend(w)
			w.must("verify", "payments")
		})
	}
	for _, s := range []robot.Symptom{robot.SymptomUnauthorized, robot.SymptomNotReady, robot.SymptomStronger, robot.SymptomShared, robot.SymptomLeaked} {
		if !named[s] {
			t.Errorf("nothing names %q", s)
		}
	}
	comparePart(t, "../../docs/failure-modes.md", rows)
}

// comparePart compares the table of a page with what the test saw.
func comparePart(t *testing.T, page, want string) {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(data), "\n")
	isRow := func(line string) bool { return strings.HasPrefix(line, "|") }
	first := slices.IndexFunc(lines, isRow)
	if first < 0 {
		t.Fatalf("%s has no table", page)
	}
	last := first
	for last < len(lines) && isRow(lines[last]) {
		last++
	}
	if got := strings.Join(lines[first:last], ""); got == want {
		return
	} else if !*update {
		t.Errorf("%s has\n%s\nthe test saw\n%s\nwrite it with: go test ./pkg/cli -run TestFailureModes -update", page, got, want)
		return
	}
	if err := os.WriteFile(page, []byte(strings.Join(lines[:first], "")+want+strings.Join(lines[last:], "")), 0o644); err != nil {
		t.Fatal(err)
	}
}
