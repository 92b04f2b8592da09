// Package secret keeps passwords and tokens out of whatever is printed, in one type.
package secret

import "crypto/subtle"

// Value is a secret text. Whatever prints it, or prints what has it in a field, shows a mark in its place. The zero value is
// no secret. It cannot be compared with ==, whose time would tell where two texts differ: use Equal.
type Value struct {
	// reveal is a func, since a printer that comes to an unexported field calls no method of it, but reads texts, often behind
	// pointers, too. Of a func it shows the address.
	reveal func() string
	// within are the secrets that Redact looks for in the place of the whole value; nil if that is one.
	within func() []Value
}

// New keeps text; an empty one is no secret.
func New(text string) Value {
	if text == "" {
		return Value{}
	}
	return Value{reveal: func() string { return text }}
}

// IsZero reports whether there is no secret.
func (v Value) IsZero() bool { return v.reveal == nil }

// Reveal returns the secret itself, for the place that has to send or store it. A test lists the files that call it.
func (v Value) Reveal() string {
	if v.reveal == nil {
		return ""
	}
	return v.reveal()
}

// Equal reports whether both are the same secret, in a time that tells no more than whether they have the same length.
// No secret is equal to none.
func (v Value) Equal(other Value) bool {
	return !v.IsZero() && subtle.ConstantTimeCompare([]byte(v.Reveal()), []byte(other.Reveal())) == 1
}
