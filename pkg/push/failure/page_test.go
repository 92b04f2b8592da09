package failure

import (
	"strings"
	"testing"
)

func TestPageTextIsBounded(t *testing.T) {
	if got := Page([]byte(strings.Repeat("word ", 100_000))); len(got) > MaxPage+len("…") || !strings.HasPrefix(got, "word word") {
		t.Errorf("%d bytes are told: %q", len(got), got)
	}
}
