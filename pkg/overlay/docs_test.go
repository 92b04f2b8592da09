package overlay_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/overlay"
)

const page = "../../docs/overlay.md"

// The page lists every reason, in the order of the code, and no other.
func TestPageListsTheReasons(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var documented []overlay.Reason
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z][a-z-]*)` \\| ").FindAllSubmatch(text, -1) {
		documented = append(documented, overlay.Reason(row[1]))
	}
	if diff := cmp.Diff(overlay.Reasons, documented); diff != "" {
		t.Errorf("reasons (-code +%s):\n%s", page, diff)
	}
}

// Every reason that the source declares is in Reasons, and some test shows it.
func TestReasonsAreCompleteAndShown(t *testing.T) {
	source, err := os.ReadFile("refusal.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(Reason[A-Za-z]+) +Reason = "([a-z-]+)"`).FindAllSubmatch(source, -1)
	if len(declared) != len(overlay.Reasons) {
		t.Errorf("%d reasons are declared, Reasons has %d", len(declared), len(overlay.Reasons))
	}
	var tests []byte
	for _, name := range []string{"pin_test.go", "set_test.go", "promote_test.go", "verify_test.go", "repository_test.go", "effect_test.go", "demand_test.go", "../cli/overlaydemand_test.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		tests = append(tests, text...)
	}
	for _, d := range declared {
		shown := regexp.MustCompile(`overlay\.` + string(d[1]) + `\b|"(dev|stg|prd) ` + string(d[2]) + `"|\(` + string(d[2]) + `\)`)
		if !shown.Match(tests) {
			t.Errorf("no test speaks of %s", d[1])
		}
	}
}

// The example of the page is one that is taken.
func TestPageExample(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(text)[1]
	tree := app()
	put(tree, dev.Path(), string(example))
	if _, err := overlay.Set(tree, dev, pin); err != nil {
		t.Error(err)
	}
	findings, err := overlay.VerifyOverlay(t.Context(), tree, dev, nil)
	if err != nil || len(findings) > 0 {
		t.Errorf("VerifyOverlay = %v, %v", findings, err)
	}
}
