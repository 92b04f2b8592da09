// Package strict reads the JSON of strangers: what two readers could take differently is refused, and so is what would fill the memory.
package strict

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// Bounds of one JSON document, so that a small hostile one cannot fill the memory.
const (
	// maxValues is how many values it may have in all.
	maxValues = 200_000
	// maxElements is how many of them one array or object may have.
	maxElements = 20_000
	// maxNesting is how deep it may nest.
	maxNesting = 32
)

// Decode reads a JSON document of strangers into v. Its fields are read by their exact names, as Quay reads them: one that
// is given twice, or that differs from one of v's only by case, is refused, and so is more than memory was set aside for.
// what begins the error, such as "not a manifest".
func Decode(data []byte, v any, what string) error {
	if !utf8.Valid(data) {
		return failure.Corrupt("%s: it is not UTF-8", what)
	}
	if err := json.Unmarshal(data, &Unread{}); err != nil {
		return failure.Corrupt("%s: %v", what, err)
	}
	s := scan{data: data, fields: map[reflect.Type]map[string]reflect.Type{}}
	if err := s.value(reflect.TypeOf(v), 0); err != nil {
		reason := failure.Refused("%s: %v", what, err)
		reason.Next = failure.FewerEntries
		if errors.As(err, new(*fieldError)) {
			reason.Next = "let what writes the document give each field once, in the OCI image spec's spelling: look for a script or a plugin that edits it after the build"
		}
		return reason
	}
	if err := json.Unmarshal(data, v); err != nil {
		return failure.Corrupt("%s: %v", what, mismatch(err))
	}
	return nil
}

// Unread is a value whose name is known and whose content is not needed. It takes no memory.
type Unread struct{}

// UnmarshalJSON reads nothing.
func (*Unread) UnmarshalJSON([]byte) error { return nil }

// Later is a value that is decoded for itself, if it is needed: until then its fields are read by nobody.
type Later []byte

// UnmarshalJSON keeps the value.
func (l *Later) UnmarshalJSON(data []byte) error {
	*l = slices.Clone(data)
	return nil
}

// Lenient is a value in a stranger's document; a zero one where the document has another type there, or what is out of range.
type Lenient[T any] struct{ Value T }

// UnmarshalJSON reads a T, or nothing.
func (l *Lenient[T]) UnmarshalJSON(data []byte) error {
	var value T
	if json.Unmarshal(data, &value) == nil {
		l.Value = value
	}
	return nil
}

// fieldError is a field that two readers take differently.
type fieldError struct{ text string }

func (e *fieldError) Error() string { return e.text }

// scan goes through a document that is valid JSON, value by value, before anything is set aside for them.
type scan struct {
	data   []byte
	at     int
	values int
	// later is set within a value that is decoded for itself.
	later bool
	// fields are those of the structs met so far.
	fields map[reflect.Type]map[string]reflect.Type
}

// value passes the next value, which t is decoded from; nil for one that nothing is.
func (s *scan) value(t reflect.Type, depth int) error {
	if s.values++; s.values > maxValues {
		return fmt.Errorf("it has more than %d values", maxValues)
	}
	if depth > maxNesting {
		return fmt.Errorf("it is nested more than %d deep", maxNesting)
	}
	if t == reflect.TypeFor[Later]() {
		s.later = true
		defer func() { s.later = false }()
	}
	switch s.next() {
	case '{':
		return s.object(t, depth)
	case '[':
		var element reflect.Type
		if t = plain(t); t != nil && t.Kind() == reflect.Slice {
			element = t.Elem()
		}
		return s.each(']', func() error { return s.value(element, depth+1) })
	case '"':
		s.text()
	default:
		for s.at < len(s.data) && !strings.ContainsRune(",]} \t\r\n", rune(s.data[s.at])) {
			s.at++
		}
	}
	return nil
}

// object passes an object.
func (s *scan) object(t reflect.Type, depth int) error {
	known, names := s.fieldsOf(plain(t)), map[string]struct{}{}
	return s.each('}', func() error {
		s.next()
		name, err := unquote(s.text())
		if err != nil {
			return err
		}
		if _, twice := names[name]; twice && !s.later {
			return &fieldError{fmt.Sprintf("the field %q is given twice", failure.Shorten(name))}
		}
		names[name] = struct{}{}
		for field := range known {
			if field != name && strings.EqualFold(field, name) {
				return &fieldError{fmt.Sprintf("the field %q differs from %q only by case", failure.Shorten(name), field)}
			}
		}
		s.next()
		s.at++ // The colon.
		return s.value(known[name], depth+1)
	})
}

// each passes an array or object up to its last byte, with one call for each of its elements.
func (s *scan) each(last byte, element func() error) error {
	s.at++
	for n := 0; s.next() != last; n++ {
		if n == maxElements {
			return fmt.Errorf("an array or object in it has more than %d elements", maxElements)
		}
		if err := element(); err != nil {
			return err
		}
		if s.next() == ',' {
			s.at++
		}
	}
	s.at++
	return nil
}

// next passes white space and returns the byte behind it.
func (s *scan) next() byte {
	for strings.ContainsRune(" \t\r\n", rune(s.data[s.at])) {
		s.at++
	}
	return s.data[s.at]
}

// text passes a string and returns it with its quotes.
func (s *scan) text() []byte {
	start := s.at
	for s.at++; s.data[s.at] != '"'; s.at++ {
		if s.data[s.at] == '\\' {
			s.at++
		}
	}
	s.at++
	return s.data[start:s.at]
}

// unquote is the string that a JSON string stands for.
func unquote(quoted []byte) (string, error) {
	var text string
	if err := json.Unmarshal(quoted, &text); err != nil {
		return "", errors.New("a name is not a string")
	}
	return text, nil
}

// fieldsOf are the names of a struct's fields in JSON, with their types; none for another type.
func (s *scan) fieldsOf(t reflect.Type) map[string]reflect.Type {
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	fields, known := s.fields[t]
	if !known {
		fields = map[string]reflect.Type{}
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			fields[cmp.Or(name, t.Field(i).Name)] = t.Field(i).Type
		}
		s.fields[t] = fields
	}
	return fields
}

// plain is t without its pointers; nil for a type that decodes itself.
func plain(t reflect.Type) reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		if t.Implements(reflect.TypeFor[json.Unmarshaler]()) {
			return nil
		}
		t = t.Elem()
	}
	if t == nil || reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return nil
	}
	return t
}
