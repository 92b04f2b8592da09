package gitops

import (
	"strings"

	"github.com/comptech-lab/quay-push/pkg/shown"
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
	return shown.Cut(strings.Join(strings.Fields(shown.Line(strings.ToValidUTF8(text, "…"))), " "), maxProof)
}
