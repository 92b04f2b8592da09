package push_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/push"
)

const page = "../../docs/push-step.md"

func readPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The table of exit codes and the code have the same classes, in the same order.
func TestPageListsTheClasses(t *testing.T) {
	var documented, known []string
	for _, row := range regexp.MustCompile("(?m)^\\| ([0-9]+) \\| (QP[0-9]{3}) \\| `([a-z-]+)` \\|").FindAllStringSubmatch(readPage(t), -1) {
		documented = append(documented, strings.Join(row[1:], " "))
	}
	for _, c := range push.Classes {
		known = append(known, fmt.Sprintf("%d %s %s", c.Exit, c.ID, c.Name))
	}
	if diff := cmp.Diff(known, documented); diff != "" {
		t.Errorf("%s (-code +page):\n%s", page, diff)
	}
}

func TestClassesAreDistinct(t *testing.T) {
	ids, names, exits := map[string]bool{}, map[string]bool{}, map[int]bool{0: true}
	for _, c := range push.Classes {
		if ids[c.ID] || names[c.Name] || exits[c.Exit] || c.Exit > 125 {
			t.Errorf("class %+v repeats another, or its exit code means something to a shell", c)
		}
		ids[c.ID], names[c.Name], exits[c.Exit] = true, true, true
	}
}

// Every class that the source declares is in Classes.
func TestClassesAreComplete(t *testing.T) {
	source, err := os.ReadFile("class.go")
	if err != nil {
		t.Fatal(err)
	}
	if declared := len(regexp.MustCompile(`Class\{"QP`).FindAll(source, -1)); declared != len(push.Classes) {
		t.Errorf("%d classes are declared, Classes has %d", declared, len(push.Classes))
	}
}

func TestPageListsTheFlags(t *testing.T) {
	var known, documented []string
	set := flag.NewFlagSet("", flag.ContinueOnError)
	new(push.Options).Flags(set)
	set.VisitAll(func(f *flag.Flag) { known = append(known, f.Name) })
	for _, row := range regexp.MustCompile("(?m)^\\| `--([a-z-]+)` \\|").FindAllStringSubmatch(readPage(t), -1) {
		documented = append(documented, row[1])
	}
	slices.Sort(documented)
	if diff := cmp.Diff(known, documented); diff != "" {
		t.Errorf("flags (-code +%s):\n%s", page, diff)
	}
}

func TestErrorText(t *testing.T) {
	err := &push.Error{Class: push.ClassQuota, Problem: "it is full", Proof: "POST: 403", Next: "delete something"}
	if got, want := err.Error(), "QP104 quota: it is full: POST: 403; delete something"; got != want {
		t.Errorf("Error = %q, want %q", got, want)
	}
	err = &push.Error{Class: push.ClassQuota, Problem: "it is full", Err: os.ErrNotExist}
	if got, want := err.Error(), "QP104 quota: it is full: file does not exist"; got != want {
		t.Errorf("Error = %q, want %q", got, want)
	}
	if got := push.ExitCode(os.ErrNotExist); got != push.ClassInternal.Exit {
		t.Errorf("ExitCode of another error = %d", got)
	}
	if got := push.ExitCode(nil); got != 0 {
		t.Errorf("ExitCode of no error = %d", got)
	}
}
