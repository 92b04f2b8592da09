package docs_test

import (
	"flag"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/gitops"
	"github.com/comptech-lab/quay-push/pkg/push"
)

// The steps are shown with flags that they have.
func TestFlags(t *testing.T) {
	seen := map[string]int{}
	for _, block := range blocks(t, "sh") {
		if err := checkFlags(block.Text, seen); err != nil {
			t.Errorf("%s: %v", block, err)
		}
	}
	for name := range programs {
		if seen[name] == 0 {
			t.Errorf("no page shows %s", name)
		}
	}
}

// programs are the steps, each with what defines its flags.
var programs = map[string]func(*flag.FlagSet){"push-image": new(push.Options).Flags, "update-overlay": new(gitops.Options).Flags}

// checkFlags says which flags of a shell's lines the steps do not have, and counts the steps in seen.
func checkFlags(text string, seen map[string]int) error {
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		words := strings.Fields(line)
		if len(words) == 0 || programs[words[0]] == nil {
			continue
		}
		seen[words[0]]++
		flags := flag.NewFlagSet(words[0], flag.ContinueOnError)
		flags.SetOutput(io.Discard)
		programs[words[0]](flags)
		if err := flags.Parse(words[1:]); err != nil || flags.NArg() > 0 {
			return fmt.Errorf("%q: %v, left over %q", line, err, flags.Args())
		}
	}
	return nil
}
