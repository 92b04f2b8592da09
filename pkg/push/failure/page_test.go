package failure_test

import (
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

func TestPageTextIsBounded(t *testing.T) {
	as := func(text string) string { return text }
	if got := failure.Page([]byte(strings.Repeat("word ", 100_000)), as); len(got) > failure.MaxPage+len("…") || !strings.HasPrefix(got, "word word") {
		t.Errorf("%d bytes are told: %q", len(got), got)
	}
}

// What is hidden is looked for in the words that a person sees, and before they are cut.
func TestPageHides(t *testing.T) {
	const secret = "a<b>c"
	hide := func(text string) string { return strings.ReplaceAll(text, secret, "(secret)") }
	page := "<p>" + strings.Repeat("x", failure.MaxPage-3) + " a&lt;b&gt;c</p>"
	if got, want := failure.Page([]byte(page), hide), strings.Repeat("x", failure.MaxPage-3)+" (s…"; got != want {
		t.Errorf("the page is %q, want %q", got, want)
	}
}
