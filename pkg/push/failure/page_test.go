package failure_test

import (
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

func TestPageTextIsBounded(t *testing.T) {
	if got := failure.Page([]byte(strings.Repeat("word ", 100_000)), strings.ToLower); len(got) > failure.MaxPage+len("…") || !strings.HasPrefix(got, "word word") {
		t.Errorf("%d bytes are told: %q", len(got), got)
	}
}
