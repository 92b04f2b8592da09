package quaytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"
)

// member is one member of a JSON object.
type member struct {
	key   string
	value json.RawMessage
}

// members are those of an object in their order; none if raw is no object.
func members(raw json.RawMessage) []member {
	found := []member{}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil
	}
	for decoder.More() {
		var value json.RawMessage
		key, err := decoder.Token()
		if err != nil || decoder.Decode(&value) != nil {
			return nil
		}
		found = append(found, member{key.(string), value})
	}
	return found
}

// find returns the member of that name; nil if there is none.
func find(all []member, key string) json.RawMessage {
	for _, m := range all {
		if m.key == key {
			return m.value
		}
	}
	return nil
}

// dumps writes valid JSON again as Python does, to the byte but for numbers
// with a fraction.
func dumps(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	parts := []string{}
	switch raw[0] {
	case '{':
		return dumpsMembers(members(raw))
	case '[':
		var list []json.RawMessage
		_ = json.Unmarshal(raw, &list) // It is valid.
		for _, item := range list {
			parts = append(parts, dumps(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case '"':
		var text string
		_ = json.Unmarshal(raw, &text)
		return quote(text)
	}
	return string(raw)
}

// dumpsMembers writes an object.
func dumpsMembers(all []member) string {
	parts := []string{}
	for _, m := range all {
		parts = append(parts, quote(m.key)+": "+dumps(m.value))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// escapes are the characters that Python writes in short.
var escapes = map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}

// quote is a text as JSON in ASCII.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch short, ok := escapes[r]; {
		case ok:
			b.WriteString(short)
		case r >= ' ' && r < 0x80:
			b.WriteRune(r)
		default:
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&b, `\u%04x`, unit)
			}
		}
	}
	b.WriteByte('"')
	return b.String()
}
