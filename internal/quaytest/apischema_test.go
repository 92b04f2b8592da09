package quaytest

import (
	"encoding/json"
	"testing"
)

// What is missing comes before what is wrong, and what is wrong first comes first.
func TestCheck(t *testing.T) {
	fields := []field{{name: "a", kind: "string", max: 2}, {name: "b", kind: "object", required: true, fields: []field{roleField}}}
	for text, want := range map[string]string{
		`{"b":{"role":"read"}}`:           "",
		`{"b":{"role":"read"},"x":1}`:     "",
		`{"a":1}`:                         "'b' is a required property",
		`{"a":1,"b":{}}`:                  "1 is not of type 'string'",
		`{"a":"\u00e9\u00e9","b":{}}`:     "'role' is a required property",
		`{"a":"abc","b":{"role":"read"}}`: "'abc' is too long",
		`{"b":{"role":"x"}}`:              "'x' is not one of ['read', 'write', 'admin']",
		`{"b":{"role":null}}`:             "None is not one of ['read', 'write', 'admin']",
		`{"b":[]}`:                        "[] is not of type 'object'",
		`"text"`:                          "'text' is not of type 'object'",
	} {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if got := check(v, fields); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
