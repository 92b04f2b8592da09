package cli

import (
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/test/docs"
)

// The command lines on the pages are ones that the tool takes: the command is there, and so are its flags.
func TestCommandLinesOfThePages(t *testing.T) {
	blocks, err := docs.Blocks("../..", "sh")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, block := range blocks {
		for line := range strings.Lines(strings.ReplaceAll(block.Text, "\\\n", " ")) {
			line, _, _ = strings.Cut(line, " #")
			line, _, _ = strings.Cut(line, " >")
			words, ok := strings.CutPrefix(strings.TrimSpace(line), "tkn quay ")
			if !ok {
				continue
			}
			seen++
			cmd, rest, err := New().newRoot().Find(strings.Fields(words))
			if err != nil || !cmd.Runnable() {
				t.Errorf("%s: %q: %v", block, line, err)
				continue
			}
			if err := cmd.ParseFlags(rest); err != nil {
				t.Errorf("%s: %q: %v", block, line, err)
			} else if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
				t.Errorf("%s: %q: %v", block, line, err)
			}
		}
	}
	if seen < 4 {
		t.Errorf("%d command lines were found", seen)
	}
}
