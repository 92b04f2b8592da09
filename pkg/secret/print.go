package secret

import (
	"fmt"
	"io"
)

// Mark stands in the place of a secret.
const Mark = "(secret)"

// markNone stands in the place of none.
const markNone = "(none)"

// String returns a mark in place of the secret.
func (v Value) String() string {
	if v.IsZero() {
		return markNone
	}
	return Mark
}

// Format writes the mark, whatever the verb.
func (v Value) Format(state fmt.State, _ rune) { io.WriteString(state, v.String()) }

// MarshalText returns the mark, for JSON, YAML, XML and logs. There is nothing that reads it back: a mark that is taken for
// the secret would be stored as one.
func (v Value) MarshalText() ([]byte, error) { return []byte(v.String()), nil }
