package secret_test

import (
	"testing"

	"github.com/comptech-lab/quay-push/pkg/secret"
)

func TestValue(t *testing.T) {
	for text, zero := range map[string]bool{"": true, "x": false, " ": false, "\x00": false, "\xff": false} {
		v := secret.New(text)
		if v.IsZero() != zero || v.Reveal() != text {
			t.Errorf("New(%q): IsZero is %v, Reveal is %q", text, v.IsZero(), v.Reveal())
		}
	}
	if v := (secret.Value{}); !v.IsZero() || v.Reveal() != "" {
		t.Errorf("the zero value: IsZero is %v, Reveal is %q", v.IsZero(), v.Reveal())
	}
}

func TestEqual(t *testing.T) {
	a, none := secret.New("A"), secret.New("")
	for _, test := range []struct {
		name   string
		v, two secret.Value
		want   bool
	}{
		{"itself", a, a, true},
		{"the same text", a, secret.New("A"), true},
		{"another text", a, secret.New("B"), false},
		{"a longer text", a, secret.New("AA"), false},
		{"a text and none", a, none, false},
		{"none and a text", none, a, false},
		{"none and none", none, secret.Value{}, false},
		{"a header made twice", a.Basic("u"), secret.New("A").Basic("u"), true},
		{"another user", a.Basic("u"), a.Basic("v"), false},
		{"a header and its text", a.Bearer(), secret.New("Bearer A"), true},
	} {
		if got := test.v.Equal(test.two); got != test.want {
			t.Errorf("%s: Equal is %v", test.name, got)
		}
	}
}
