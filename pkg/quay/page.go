package quay

import (
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// maxPage is how much of a page that is no answer of Quay's API is told, in bytes.
const maxPage = 200

// pageText is the words of a page on one line, without tokens and bounded; "" if it has none.
func pageText(body []byte, secrets ...secret.Value) string {
	// Before it is cut, as the rest of a token no longer has the form of one, and after what was encoded is plain.
	return shown.Cut(redact(shown.Page(redact(string(body), secrets...)), secrets...), maxPage)
}
