package push

import (
	"html"
	"regexp"
	"strings"
	"unicode"
)

// maxPage is how much of a page that is no answer of a registry is told, in bytes.
const maxPage = 200

// hidden is what a browser does not show of a page, tag what it takes for markup.
var (
	hidden = regexp.MustCompile(`(?is)<(script|style)\b.*?(</(script|style)\s*>|$)|<!--.*?(-->|$)`)
	tag    = regexp.MustCompile(`(?s)<[a-zA-Z/!?][^>]*(>|$)`)
)

// pageText is the words of a page, on one line and bounded; "" if it has none.
func pageText(body []byte) string {
	const most = 32 << 10
	text := string(body[:min(len(body), most)])
	text = html.UnescapeString(tag.ReplaceAllString(hidden.ReplaceAllString(text, " "), " "))
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)
	return cut(strings.Join(strings.Fields(text), " "), maxPage)
}
