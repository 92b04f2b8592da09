package cli_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/robot"
)

// The page lists every check of verify with its title, in the order in which they are printed.
func TestPageListsTheChecks(t *testing.T) {
	w := newWorld(t)
	w.onboard("payments")
	w.onboard("platform")
	var found struct{ Reports []robot.Report }
	if err := json.Unmarshal([]byte(w.must("verify", "--all", "-o", "json")), &found); err != nil || len(found.Reports) != 2 {
		t.Fatalf("%d reports: %v", len(found.Reports), err)
	}
	known := [][]string{}
	for _, c := range found.Reports[0].Checks {
		known = append(known, []string{c.ID, c.Title})
	}
	page, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, _ := strings.Cut(string(page), "\n## What verify looks at\n")
	part, _, _ = strings.Cut(part, "\n## ")
	documented := [][]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| (.+?) \\|$").FindAllStringSubmatch(part, -1) {
		documented = append(documented, row[1:])
	}
	if diff := cmp.Diff(known, documented); diff != "" {
		t.Errorf("checks (-code +page):\n%s", diff)
	}
}
