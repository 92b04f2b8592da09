package docs_test

import (
	"flag"
	"io"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/gitops"
	"github.com/comptech-lab/quay-push/pkg/push"
)

// The steps are shown with flags that they have.
func TestFlags(t *testing.T) {
	programs := map[string]func(*flag.FlagSet){"push-image": new(push.Options).Flags, "update-overlay": new(gitops.Options).Flags}
	seen := map[string]int{}
	for _, block := range blocks(t, "sh") {
		for line := range strings.Lines(strings.ReplaceAll(block.Text, "\\\n", " ")) {
			words := strings.Fields(line)
			if len(words) == 0 || programs[words[0]] == nil {
				continue
			}
			seen[words[0]]++
			flags := flag.NewFlagSet(words[0], flag.ContinueOnError)
			flags.SetOutput(io.Discard)
			programs[words[0]](flags)
			if err := flags.Parse(words[1:]); err != nil || flags.NArg() > 0 {
				t.Errorf("%s: %q: %v, left over %q", block, line, err, flags.Args())
			}
		}
	}
	for name := range programs {
		if seen[name] == 0 {
			t.Errorf("no page shows %s", name)
		}
	}
}
