package overlay

import (
	"errors"
	"testing"
)

// Whatever went wrong before it, an edit that says something else than was meant goes no further.
func TestConfirm(t *testing.T) {
	d, err := parse([]byte("images: [{name: a, digest: b}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.confirm([]byte("images:\n- name: 'a'\n  digest: b # the same\n")); err != nil {
		t.Errorf("what says the same is refused: %v", err)
	}
	for _, after := range []string{
		"images: [{name: a, digest: c}]\n", "images: [{name: a, digest: b}]\nmore: x\n", "images: [{digest: b, name: a}]\n", "images: [{name: a}]\n",
		"images: [{name: a, digest: b}\n", "", "images: [{name: a, digest: b}]\n---\n", "images: [{name: a, digest: [b]}]\n", "images: [{name: a, digest: &x b}]\n",
	} {
		refusal := (*Refusal)(nil)
		if err := d.confirm([]byte(after)); !errors.As(err, &refusal) || refusal.Reason != ReasonScalar ||
			refusal.Next != "write the item in block style, as docs/overlay.md has it" {
			t.Errorf("confirm(%q) = %v", after, err)
		}
	}
}
