package secret

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxEncoded is the size in bytes up to which a secret is looked for in other writings than its own. A stranger's token
// may be of any size; a password is not.
const maxEncoded = 4 << 10

// Redact returns text with a mark in place of the secret: for the words of a server, which may send back what it was
// sent. It finds the secret as it is, as JSON, Go and URLs write it, and in base64. Of a header it finds what is behind the
// scheme, and the password in it.
func (v Value) Redact(text string) string {
	if v.within != nil {
		for _, part := range v.within() {
			text = part.Redact(text)
		}
		return text
	}
	secret := v.Reveal()
	if secret == "" {
		return text
	}
	text = strings.ReplaceAll(text, secret, Mark)
	if len(secret) > maxEncoded {
		return text
	}
	return redactBase64(redactEscaped(text, secret), secret)
}

// redactEscaped cuts secret out of text where it has escapes.
func redactEscaped(text, secret string) string {
	if !strings.ContainsFunc(secret, special) {
		return text
	}
	var pattern strings.Builder
	for _, r := range secret {
		if special(r) {
			pattern.WriteString("(?:" + strings.Join(writings(r), "|") + ")")
		} else {
			pattern.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return regexp.MustCompile(pattern.String()).ReplaceAllLiteralString(text, Mark)
}

// special reports whether some writing has an escape for r: none has one for what is unreserved in a URL (RFC 3986 section
// 2.3).
func special(r rune) bool {
	return r >= utf8.RuneSelf || !alphanumeric(byte(r)) && !strings.ContainsRune("-._~", r)
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// short are the escapes of JSON and Go that have a name.
var short = map[rune]string{'\a': "a", '\b': "b", '\f': "f", '\n': "n", '\r': "r", '\t': "t", '\v': "v", '"': `"`, '\'': "'", '\\': `\`, '/': "/"}

// writings are the patterns of the ways in which r is written: as it is, as an escape in JSON or Go, or in a URL.
func writings(r rune) []string {
	if r == utf8.RuneError {
		// A byte that is no text: what matches is the byte itself, or what stands for it.
		return []string{`\x{FFFD}`, `(?i:\\ufffd|\\x[0-9a-f]{2}|%[0-9a-f]{2}|%EF%BF%BD)`}
	}
	ways := []string{regexp.QuoteMeta(string(r)), fmt.Sprintf(`(?i:\\u%04x|\\U%08x|\\x%02x)`, r, r, r)}
	if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
		ways = append(ways, fmt.Sprintf(`(?i:\\u%04x\\u%04x)`, high, low))
	}
	if name, ok := short[r]; ok {
		ways = append(ways, regexp.QuoteMeta(`\`+name))
	}
	percent := ""
	for _, b := range []byte(string(r)) {
		percent += fmt.Sprintf("%%%02x", b)
	}
	ways = append(ways, "(?i:"+percent+")")
	if r == ' ' {
		ways = append(ways, `\+`)
	}
	return ways
}
