package secret_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/secret"
)

const password = "S3CRET+/\"w0rd\\ü"

// holder has a T wherever a struct can have one.
type holder[T any] struct {
	Exported T
	hidden   T
	pointer  *T
	list     []T
	array    [1]T
	named    map[string]T
	keys     map[*T]bool
	any      any
	deep     struct{ deeper struct{ deepest T } }
}

type embedding struct{ secret.Value }

// failure is an error with a T in a field, and in an error that it wraps.
type failure[T any] struct {
	Token  T
	hidden T
	err    error
}

func (e *failure[T]) Error() string { return "failed" }
func (e *failure[T]) Unwrap() error { return e.err }

// shapes are the ways in which a v gets to a printer.
func shapes[T any](v T) map[string]any {
	pointer := &v
	h := holder[T]{Exported: v, hidden: v, pointer: pointer, list: []T{v}, array: [1]T{v}, named: map[string]T{"x": v}, keys: map[*T]bool{pointer: true}, any: v}
	h.deep.deeper.deepest = v
	failed := &failure[T]{Token: v, hidden: v, err: fmt.Errorf("with %v", pointer)}
	return map[string]any{
		"the value": v, "a pointer": pointer, "a pointer to a pointer": &pointer, "a list": []T{v}, "an array": [2]T{v, v}, "a list of pointers": []*T{pointer},
		"a map": map[string]T{"x": v}, "a map of lists": map[int][]T{1: {v}}, "a key": map[*T]string{pointer: "x"}, "interfaces": []any{v, pointer, []any{v}},
		"a struct": h, "a pointer to a struct": &h, "a list of structs": []holder[T]{h}, "an unexported field alone": struct{ v T }{v},
		"a struct of a struct": struct{ h *holder[T] }{&h}, "an error": failed, "a wrapped error": fmt.Errorf("more: %w", failed), "errors": errors.Join(failed, failed),
		"an error in a field": struct{ err error }{failed}, "a func": func() T { return v }, "reflection": reflect.ValueOf(h),
	}
}

// values are what must not be printed.
func values() map[string]map[string]any {
	v := secret.New(password)
	return map[string]map[string]any{"a secret": shapes(v), "a Basic header": shapes(v.Basic("user")), "a Bearer header": shapes(v.Bearer()), "an embedded one": shapes(embedding{v})}
}

// leak is what of the password a printer shows: itself or in an encoding, whole or without its last bytes; "" if nothing.
func leak(printed string) string {
	decimals := func(text string) string { return strings.Trim(fmt.Sprint([]byte(text)), "[]") }
	basic := base64.StdEncoding.EncodeToString([]byte("user:" + password))
	for _, form := range []string{password[:6], fmt.Sprintf("%x", password[:6]), fmt.Sprintf("%X", password[:6]), fmt.Sprintf("% x", password[:6]), decimals(password[:6]),
		base64.StdEncoding.EncodeToString([]byte(password[:6])), basic[:len(basic)-4], fmt.Sprintf("%x", basic[:12]), decimals(basic[:12])} {
		if strings.Contains(printed, form) {
			return form
		}
	}
	return ""
}

func TestNoVerbShowsIt(t *testing.T) {
	for kind, all := range values() {
		for shape, v := range all {
			for verb := 'A'; verb <= 'z'; verb++ {
				for _, flags := range []string{"", "+", "#", "+# 0", "-40.3"} {
					format := "%" + flags + string(verb)
					if form := leak(fmt.Sprintf(format, v)); form != "" {
						t.Errorf("Sprintf(%q) of %s of %s shows %q", format, shape, kind, form)
					}
				}
			}
			if form := leak(fmt.Sprint(v) + fmt.Sprintln(v) + fmt.Errorf("x: %v", v).Error()); form != "" {
				t.Errorf("Sprint of %s of %s shows %q", shape, kind, form)
			}
		}
	}
}

// A test that finds nothing has to be able to: the same text as a string is found in all these shapes but where fmt shows an
// address.
func TestAVerbShowsAString(t *testing.T) {
	for shape, v := range shapes(password) {
		got := leak(fmt.Sprintf("%+v", v))
		address := map[string]bool{"a pointer to a pointer": true, "a list of pointers": true, "a key": true, "a func": true, "a pointer": true, "a struct of a struct": true,
			"a wrapped error": true, "an error": true, "errors": true, "an error in a field": true}[shape]
		if (got == "") != address {
			t.Errorf("%s of a string shows %q", shape, got)
		}
	}
	for _, shown := range []string{fmt.Sprintf("%x", password), fmt.Sprintf("%X", password), fmt.Sprint([]byte(password)), base64.StdEncoding.EncodeToString([]byte("user:" + password))} {
		if leak(shown) == "" {
			t.Errorf("nothing is found in %q", shown)
		}
	}
}

func TestTheMarkIsShown(t *testing.T) {
	v, none := secret.New(password), secret.Value{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%U"} {
		for _, test := range []struct {
			v    any
			want string
		}{{v, "(secret)"}, {&v, "(secret)"}, {v.Basic("u"), "(secret)"}, {none, "(none)"}, {[]secret.Value{v, none}, "(secret)"}, {struct{ V secret.Value }{none}, "(none)"}} {
			if got := fmt.Sprintf(verb, test.v); !strings.Contains(got, test.want) {
				t.Errorf("Sprintf(%q) is %q, want %q", verb, got, test.want)
			}
		}
	}
}
