package cli

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const page = "../../docs/cli.md"

func readPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// leaves calls f for every command that does something itself.
func leaves(cmd *cobra.Command, f func(*cobra.Command)) {
	for _, child := range cmd.Commands() {
		if child.Name() == "help" || child.Name() == "completion" || child.Hidden {
			continue
		}
		if !child.HasSubCommands() || child.Name() == "onboard" {
			f(child)
		}
		leaves(child, f)
	}
}

// The page lists every command and no other.
func TestPageListsTheCommands(t *testing.T) {
	var known, documented []string
	leaves(New().newRoot(), func(cmd *cobra.Command) { known = append(known, cmd.CommandPath()) })
	for _, row := range regexp.MustCompile("(?m)^\\| \\[`(tkn quay [a-z -]+)`\\]\\(cli/(.+?)\\.md\\) \\|").FindAllStringSubmatch(readPage(t), -1) {
		documented = append(documented, row[1])
		if row[2] != strings.ReplaceAll(row[1], " ", "_") {
			t.Errorf("%s leads to %s", row[1], row[2])
		}
	}
	slices.Sort(known)
	slices.Sort(documented)
	if diff := cmp.Diff(known, documented); diff != "" {
		t.Errorf("commands (-code +page):\n%s", diff)
	}
}

// The page lists every exit code, in the order of the code.
func TestPageListsTheExits(t *testing.T) {
	var known, documented []string
	for _, e := range Exits {
		known = append(known, fmt.Sprintf("%d %s", e.Exit, e.Name))
	}
	for _, row := range regexp.MustCompile("(?m)^\\| ([0-9]+) \\| `([a-z-]+)` \\|").FindAllStringSubmatch(readPage(t), -1) {
		documented = append(documented, row[1]+" "+row[2])
	}
	if diff := cmp.Diff(known, documented); diff != "" {
		t.Errorf("exit codes (-code +page):\n%s", diff)
	}
	source, err := os.ReadFile("exit.go")
	if err != nil {
		t.Fatal(err)
	}
	if declared := len(regexp.MustCompile(`(?m)^\tExit[A-Za-z]+ +Exit = `).FindAll(source, -1)); declared != len(Exits) {
		t.Errorf("%d exit codes are declared, Exits has %d", declared, len(Exits))
	}
}

// Every command has a long text or is plain from its short one, and an example that is one of its own uses.
func TestHelp(t *testing.T) {
	leaves(New().newRoot(), func(cmd *cobra.Command) {
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") || !strings.Contains(cmd.Example, cmd.CommandPath()) {
			t.Errorf("%s: short %q, example %q", cmd.CommandPath(), cmd.Short, cmd.Example)
		}
		for line := range strings.Lines(cmd.Example) {
			for _, flag := range regexp.MustCompile(`--[a-z-]+`).FindAllString(line, -1) {
				parsed, _, err := New().newRoot().Find(strings.Fields(line[strings.Index(line, "tkn quay")+len("tkn quay"):]))
				if err != nil || parsed.Flag(flag[2:]) == nil && parsed.InheritedFlags().Lookup(flag[2:]) == nil {
					t.Errorf("%s: example has %s: %v", cmd.CommandPath(), flag, err)
				}
			}
		}
	})
}

// No flag is for a secret itself: those that begin with from- are for its place.
func TestNoFlagTakesASecret(t *testing.T) {
	leaves(New().newRoot(), func(cmd *cobra.Command) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if regexp.MustCompile(`token|password|secret|credential`).MatchString(f.Name) && !strings.HasSuffix(f.Name, "-file") && !strings.HasSuffix(f.Name, "-dir") && !strings.HasPrefix(f.Name, "from-") {
				t.Errorf("%s has --%s", cmd.CommandPath(), f.Name)
			}
		})
	})
}

// The page lists every look of doctor, in the order in which they are printed.
func TestPageListsTheLooks(t *testing.T) {
	documented := []string{}
	_, part, _ := strings.Cut(readPage(t), "## What doctor looks at")
	part, _, _ = strings.Cut(part, "\n## ")
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|").FindAllStringSubmatch(part, -1) {
		documented = append(documented, row[1])
	}
	if diff := cmp.Diff(looks, documented); diff != "" {
		t.Errorf("looks (-code +page):\n%s", diff)
	}
	for id := range symptomOf {
		if !slices.Contains(looks, id) {
			t.Errorf("symptomOf has %q, which is no look", id)
		}
	}
}
