// Package shown makes text of strangers fit to be shown: in a log, an error, a terminal, a status of Kubernetes.
package shown

import (
	"strings"
	"unicode"
)

// Line returns text with a space for each character that would break a line or move the cursor of who reads it.
func Line(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, text)
}

// Plain is Line with a question mark for each run of bytes that is no text: what keeps it, such as Kubernetes, takes UTF-8 alone.
func Plain(text string) string { return Line(strings.ToValidUTF8(text, "?")) }

// Cut returns at most most bytes of text, no character in part, with an ellipsis, of three bytes, at the end where that is less than all
// of it. The ellipsis is there also where most has no room for it.
func Cut(text string, most int) string {
	const more = "…"
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:max(0, most-len(more))], "") + more
}

// Short is Cut to what one thing of a server's may take of a log line or an error.
func Short(text string) string { return Cut(text, 300) }
