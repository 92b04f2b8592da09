package quay

import (
	"html"
	"regexp"
	"strings"
	"unicode"
)

// maxPage is how much of a page that is no answer of Quay's API is told, in bytes.
const maxPage = 200

// hidden is what a browser does not show of a page, markup what it takes for tags.
var (
	hidden = regexp.MustCompile(`(?is)<(script|style)\b.*?(</(script|style)\s*>|$)|<!--.*?(-->|$)`)
	markup = regexp.MustCompile(`(?s)<[a-zA-Z/!?][^>]*(>|$)`)
)

// pageText is the words of a page on one line, without tokens and bounded; "" if it has none.
func pageText(body []byte, tokens ...Token) string {
	const most = 32 << 10
	// Before it is cut, as the rest of a token no longer has the form of one, and after what was encoded is plain.
	text := redact(string(body), tokens...)
	text = text[:min(len(text), most)]
	text = html.UnescapeString(markup.ReplaceAllString(hidden.ReplaceAllString(text, " "), " "))
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)
	return cut(redact(strings.Join(strings.Fields(text), " "), tokens...), maxPage)
}
