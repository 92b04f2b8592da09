package strict

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// mismatch is err, from decoding JSON, without Go's types where a value is of another type than the one that is wanted: its
// field, what it is, and what it should be.
func mismatch(err error) error {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return err
	}
	field := "it"
	if wrong.Field != "" {
		field = failure.Shorten(wrong.Field)
	}
	is, _, _ := strings.Cut(wrong.Value, " ") // The rest is a number's digits.
	is = strings.Replace(is, "bool", "boolean", 1)
	return fmt.Errorf("%s is %s, want %s", field, article(is), article(wanted(wrong.Type)))
}

// wanted is the name in JSON of what a t is read from.
func wanted(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch kind := t.Kind(); {
	case kind == reflect.Struct || kind == reflect.Map:
		return "object"
	case kind == reflect.Slice || kind == reflect.Array:
		return "array"
	case kind == reflect.String:
		return "string"
	case kind == reflect.Bool:
		return "boolean"
	case reflect.Int <= kind && kind <= reflect.Uint64:
		return "whole number of at most 64 bits"
	}
	return "number"
}

// article puts one before a noun.
func article(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}
