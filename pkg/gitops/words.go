package gitops

import (
	"strings"
	"unicode"
)

// Sizes of what a server says, in bytes: of what is kept of it, and of what is shown.
const (
	maxWords = 8 << 10
	maxProof = 800
)

// words collects what a server says beside its answer, such as the reason of a hook: what Git shows as "remote: …".
type words struct{ text strings.Builder }

// Write keeps the beginning.
func (w *words) Write(p []byte) (int, error) {
	w.text.Write(p[:min(len(p), maxWords-w.text.Len())])
	return len(p), nil
}

// String is what was said.
func (w *words) String() string { return w.text.String() }

// clean is a text of a server in one line, without what would move a cursor, and not too much of it.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "…"))
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxProof {
		text = strings.ToValidUTF8(text[:maxProof], "") + "…"
	}
	return text
}
