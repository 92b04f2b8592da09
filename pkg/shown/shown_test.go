package shown_test

import (
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/shown"
)

func TestPlain(t *testing.T) {
	for text, want := range map[string]string{"": "", "as it is, ä…": "as it is, ä…", "a\xff\xfeb\xff": "a?b?", "\x1b[31mred\n\xff": " [31mred ?"} {
		if got := shown.Plain(text); got != want {
			t.Errorf("Plain(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "",
		"as it is, ä…":                  "as it is, ä…",
		"two\r\nlines\tand \x1b[31mred": "two  lines and  [31mred",
		"turned \u202eround\u2066":      "turned  round ",
		"\u0085\u007f":                  "  ",
	} {
		if got := shown.Line(text); got != want {
			t.Errorf("Line(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, test := range []struct {
		text string
		most int
		want string
	}{
		{"short", 5, "short"},
		{"longer", 5, "lo…"},
		{"ééé", 6, "ééé"},
		{"éééé", 6, "é…"}, // Half of a character is none.
		{"any", 2, "…"},
	} {
		if got := shown.Cut(test.text, test.most); got != test.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", test.text, test.most, got, test.want)
		}
	}
}

func TestShort(t *testing.T) {
	for length, want := range map[int]int{0: 0, 300: 300, 301: 300, 1000: 300} {
		if got := shown.Short(strings.Repeat("a", length)); len(got) != want {
			t.Errorf("of %d bytes %d are shown, want %d", length, len(got), want)
		}
	}
}
