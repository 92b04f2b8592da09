package shown

import (
	"html"
	"regexp"
	"strings"
	"unicode"
)

// maxPage is how much of a page is read, in bytes.
const maxPage = 32 << 10

// hidden is what a browser does not show of a page, tag what it takes for markup.
var (
	hidden = regexp.MustCompile(`(?is)<(script|style)\b.*?(</(script|style)\s*>|$)|<!--.*?(-->|$)`)
	tag    = regexp.MustCompile(`(?s)<[a-zA-Z/!?][^>]*(>|$)`)
)

// Page returns the words of a page of HTML, or of any other text, on one line; "" if it has none.
func Page(body string) string {
	text := body[:min(len(body), maxPage)]
	text = html.UnescapeString(tag.ReplaceAllString(hidden.ReplaceAllString(text, " "), " "))
	text = strings.ReplaceAll(strings.ToValidUTF8(text, " "), string(unicode.ReplacementChar), " ")
	return strings.Join(strings.Fields(Line(text)), " ")
}
