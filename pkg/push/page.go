package push

import "github.com/comptech-lab/quay-push/pkg/shown"

// maxPage is how much of a page that is no answer of a registry is told, in bytes, beside an ellipsis.
const maxPage = 200

// pageText is the words of a page, on one line and bounded; "" if it has none.
func pageText(body []byte) string { return shown.Cut(shown.Page(string(body)), maxPage+len("…")) }

// shorten bounds what a registry can put into a log line.
func shorten(text string) string { return shown.Cut(text, 300) }
