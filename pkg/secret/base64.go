package secret

import (
	"encoding/base64"
	"strings"
)

// minWithin is the size in bytes from which a secret is looked for within the base64 of a longer text. That of a shorter
// one may be a part of something else by chance, such as of a token that has the user's name in it.
const minWithin = 16

// minWhole is the size in bytes from which base64 of a secret alone is one: less is a word.
const minWhole = 4

// redactBase64 cuts out what has secret in base64, of either alphabet and with or without padding.
func redactBase64(text, secret string) string {
	if len(secret) < minWhole {
		return text
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if len(secret) < minWithin {
			text = redactRuns(text, encoding.EncodeToString([]byte(secret)), true)
			continue
		}
		for before := range 3 {
			text = redactRuns(text, core(encoding, secret, before), false)
		}
	}
	return text
}

// core is what stands in base64 of every text with secret in it, so many bytes (modulo 3) behind its beginning: the
// characters that no neighbour of the secret has a bit in.
func core(encoding *base64.Encoding, secret string, before int) string {
	encoded := encoding.EncodeToString([]byte(strings.Repeat("\x00", before) + secret))
	first := (before*8 + 5) / 6
	return encoded[first : (before+len(secret))*8/6]
}

// redactRuns cuts out the runs of characters of base64 that have part in them, or are just that if whole says so.
func redactRuns(text, part string, whole bool) string {
	var kept strings.Builder
	for {
		at := strings.Index(text, part)
		if at < 0 {
			kept.WriteString(text)
			return kept.String()
		}
		first, end := at, at+len(part)
		for first > 0 && isBase64(text[first-1]) {
			first--
		}
		for end < len(text) && isBase64(text[end]) {
			end++
		}
		if whole && end-first > len(part) {
			kept.WriteString(text[:end])
			text = text[end:]
			continue
		}
		for end < len(text) && text[end] == '=' {
			end++
		}
		kept.WriteString(text[:first] + Mark)
		text = text[end:]
	}
}

func isBase64(c byte) bool { return alphanumeric(c) || strings.IndexByte("+/-_", c) >= 0 }
