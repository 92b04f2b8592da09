package browser

import (
	"fmt"
	"strings"
)

// finding is something that keeps people from reading or using a page.
type finding struct {
	ID, Impact, Help string
	Nodes            []struct {
		Target         []string
		FailureSummary string
	}
}

func (f finding) String() string {
	lines := []string{fmt.Sprintf("%s (%s): %s", f.ID, f.Impact, f.Help)}
	for _, n := range f.Nodes[:min(3, len(f.Nodes))] {
		lines = append(lines, "  "+strings.Join(n.Target, " ")+": "+strings.Join(strings.Fields(n.FailureSummary), " "))
	}
	return strings.Join(lines, "\n")
}

// Axe returns what axe-core, of which source is the program, finds wrong with the tab's page: WCAG 2.2 up to AA, and its own good practice.
func (b *Tab) Axe(source string) []finding {
	b.Helper()
	if !Ask[bool](b, source+"\n;typeof axe === 'object'") {
		b.Fatal("this is not axe-core")
	}
	return Ask[[]finding](b, `axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r => r.violations)`)
}
