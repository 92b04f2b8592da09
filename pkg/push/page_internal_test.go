package push

import (
	"strings"
	"testing"
)

func TestPageTextIsBounded(t *testing.T) {
	if got := pageText([]byte(strings.Repeat("word ", 100_000))); len(got) > maxPage+len("…") || !strings.HasPrefix(got, "word word") {
		t.Errorf("%d bytes are told: %q", len(got), got)
	}
}
