package failure_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// page is where people read of the classes.
const page = "../../../docs/push-step.md"

// The table of exit codes and the code have the same classes, in the same order.
func TestPageListsTheClasses(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var documented, known []string
	for _, row := range regexp.MustCompile("(?m)^\\| ([0-9]+) \\| (QP[0-9]{3}) \\| `([a-z-]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		documented = append(documented, strings.Join(row[1:], " "))
	}
	for _, c := range failure.Classes {
		known = append(known, fmt.Sprintf("%d %s %s", c.Exit, c.ID, c.Name))
	}
	if diff := cmp.Diff(known, documented); diff != "" {
		t.Errorf("%s (-code +page):\n%s", page, diff)
	}
}

func TestClassesAreDistinct(t *testing.T) {
	ids, names, exits := map[string]bool{}, map[string]bool{}, map[int]bool{0: true}
	for _, c := range failure.Classes {
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
	if declared := len(regexp.MustCompile(`Class\{"QP`).FindAll(source, -1)); declared != len(failure.Classes) {
		t.Errorf("%d classes are declared, Classes has %d", declared, len(failure.Classes))
	}
}
