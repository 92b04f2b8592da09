package quay

import (
	"crypto/subtle"
	"encoding/base64"
)

// Token is a secret that Quay gave out: the password of a robot or an OAuth token. Printing it, in any format and as
// JSON, shows nothing of it. The zero value is no token.
type Token struct {
	// value is behind a pointer, which no verb of fmt follows inside a struct.
	value *string
}

// NewToken keeps value; an empty one is no token.
func NewToken(value string) Token {
	if value == "" {
		return Token{}
	}
	return Token{value: &value}
}

// Known reports whether there is a token.
func (t Token) Known() bool { return t.value != nil }

// Reveal is the secret itself, for the place that has to send or store it.
func (t Token) Reveal() string {
	if t.value == nil {
		return ""
	}
	return *t.value
}

// Equal compares two tokens in constant time; no token is equal to none.
func (t Token) Equal(other Token) bool {
	return t.Known() && other.Known() && subtle.ConstantTimeCompare([]byte(*t.value), []byte(*other.value)) == 1
}

// String hides the token.
func (t Token) String() string {
	if t.value == nil {
		return "(none)"
	}
	return "(secret)"
}

// GoString hides the token.
func (t Token) GoString() string { return t.String() }

// basic is the value of the Authorization header for username (RFC 7617).
func (t Token) basic(username string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(username+":"+t.Reveal()))
}
