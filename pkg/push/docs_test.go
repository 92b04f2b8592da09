package push_test

import (
	"flag"
	"os"
	"regexp"
	"slices"
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
