package failure

import "github.com/comptech-lab/quay-push/pkg/shown"

// MaxPage is how much of a page that is no answer of a registry is told, in bytes, beside an ellipsis.
const MaxPage = 200

// Page is the words of a page, on one line and bounded; "" if it has none. hide takes secrets out of them: only here are they
// no longer as HTML writes them.
func Page(body []byte, hide func(string) string) string {
	return shown.Cut(hide(shown.Page(string(body))), MaxPage+len("…"))
}

// Shorten bounds what a registry can put into a log line.
func Shorten(text string) string { return shown.Short(text) }
