package gitops_test

import (
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/gitops"
)

// The page lists every flag and no other.
func TestPageListsTheFlags(t *testing.T) {
	text, err := os.ReadFile("../../docs/overlay.md")
	if err != nil {
		t.Fatal(err)
	}
	var known, documented []string
	set := flag.NewFlagSet("", flag.ContinueOnError)
	new(gitops.Options).Flags(set)
	set.VisitAll(func(f *flag.Flag) { known = append(known, f.Name) })
	for _, row := range regexp.MustCompile("(?m)^\\| (`--.*?) \\|").FindAllStringSubmatch(string(text), -1) {
		for name := range strings.SplitSeq(row[1], ", ") {
			documented = append(documented, strings.Trim(name, "`-"))
		}
	}
	slices.Sort(documented)
	if diff := cmp.Diff(known, documented); diff != "" {
		t.Errorf("flags (-code +page):\n%s", diff)
	}
}

// The page shows what the step prints.
func TestPageShowsTheLog(t *testing.T) {
	text, err := os.ReadFile("../../docs/overlay.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?m)^time=.* msg=pushed .*$").FindString(string(text))
	f := newFixture(t)
	f.opts.LogFormat = "text"
	f.update()
	vary := regexp.MustCompile(`(time|commit)=\S+`)
	if diff := cmp.Diff(vary.ReplaceAllString(strings.TrimSpace(f.log.String()), "$1"), vary.ReplaceAllString(shown, "$1")); diff != "" {
		t.Errorf("the log (-update-overlay +page):\n%s", diff)
	}
}
