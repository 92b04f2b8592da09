package federation

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
	"unicode"

	"github.com/comptech-lab/quay-push/pkg/secret"
)

// claims are what a token says of itself. Nothing of it is verified here: that is for Quay.
type claims struct {
	algorithm, key   string
	issuer, subject  string
	issuedAt, expiry time.Time // zero where the token does not say
}

// readClaims reads a token; problem says why it is none.
func readClaims(token secret.Value) (c claims, problem string) {
	text := token.Reveal()
	parts := strings.Split(text, ".")
	switch {
	case text == "":
		return c, "there is no token"
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return c, "the token has a space or a newline in it"
	case len(parts) != 3:
		return c, "the token is not a JWT, three parts with dots between them"
	}
	var header struct{ Alg, Kid any }
	var payload struct{ Iss, Sub, Iat, Exp any }
	if !decode(parts[0], &header) || !decode(parts[1], &payload) {
		return c, "the token is not a JWT: one of its parts is not JSON in base64"
	}
	return claims{algorithm: asText(header.Alg), key: asText(header.Kid), issuer: asText(payload.Iss), subject: asText(payload.Sub),
		issuedAt: moment(payload.Iat), expiry: moment(payload.Exp)}, ""
}

// decode reads a part of a token.
func decode(part string, into any) bool {
	data, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(part, "="))
	return err == nil && json.Unmarshal(data, into) == nil
}

// asText is v if it is a text.
func asText(v any) string {
	text, _ := v.(string)
	return text
}

// moment is v, in seconds since 1970, as a time; zero for what is none.
func moment(v any) time.Time {
	const year3000 = 32503680000
	seconds, ok := v.(float64)
	if !ok || seconds < 1 || seconds > year3000 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0)
}
