package quaytest

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// field is one member of a JSON object that the management API takes. Its
// errors are those of Quay's JSON schemas.
type field struct {
	name     string
	kind     string // string, number, integer, boolean, object or several; empty is anything
	required bool
	enum     []string
	max      int // characters; 0 means any number
	fields   []field
}

var roleField = field{name: "role", kind: "string", required: true, enum: []string{"read", "write", "admin"}}

// check returns the first thing that is wrong with v as an object with the
// fields: what is missing comes before what is wrong inside a member.
func check(v any, fields []field) string {
	object, ok := v.(map[string]any)
	if !ok {
		return python(v) + " is not of type 'object'"
	}
	for _, f := range fields {
		if _, ok := object[f.name]; f.required && !ok {
			return python(f.name) + " is a required property"
		}
	}
	for _, f := range fields {
		if value, ok := object[f.name]; ok {
			if problem := f.check(value); problem != "" {
				return problem
			}
		}
	}
	return ""
}

// checkList is check for each item of v, which is a list.
func checkList(v any, fields []field) string {
	list, ok := v.([]any)
	if !ok {
		return python(v) + " is not of type 'array'"
	}
	for _, item := range list {
		if problem := check(item, fields); problem != "" {
			return problem
		}
	}
	return ""
}

func (f field) check(v any) string {
	switch f.kind {
	case "":
		return ""
	case "object":
		return check(v, f.fields)
	}
	if f.kind != "string" {
		if !slices.ContainsFunc(strings.Split(f.kind, ","), func(kind string) bool { return isOf(v, kind) }) {
			return python(v) + " is not of type '" + strings.ReplaceAll(f.kind, ",", "', '") + "'"
		}
		return ""
	}
	text, ok := v.(string)
	switch {
	case !ok && f.enum != nil:
		return python(v) + " is not one of " + f.choices()
	case !ok:
		return python(v) + " is not of type '" + f.kind + "'"
	case f.enum != nil && !slices.Contains(f.enum, text):
		return python(v) + " is not one of " + f.choices()
	case f.max > 0 && utf8.RuneCountInString(text) > f.max:
		return python(v) + " is too long"
	}
	return ""
}

// isOf reports whether v is of one kind.
func isOf(v any, kind string) bool {
	switch v := v.(type) {
	case nil:
		return kind == "null"
	case bool:
		return kind == "boolean"
	case string:
		return kind == "string"
	case float64:
		return kind == "number" || kind == "integer" && v == math.Trunc(v)
	}
	return false
}

func (f field) choices() string { return "['" + strings.Join(f.enum, "', '") + "']" }
