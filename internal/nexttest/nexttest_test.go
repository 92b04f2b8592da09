package nexttest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const source = `package x

const renameNext = "a"

func nextOf(n int) string {
	if n > 0 {
		return "b"
	}
	return ""
}

func f(n int, other string) error {
	next := "c"
	if n > 1 {
		next = fmt.Sprintf("d %d of (x)", n)
	}
	refuse(reason, "e "+other, "problem")
	v.add(reason, renameNext, "problem")
	usageError("f", "problem")
	count.add(1)
	e := &Error{Problem: "p", Next: "g"}
	r := Refusal{reason, "problem", "h"}
	return refuse(reason, next, "problem")
}
`

// Every place where a next step can stand is found, and nothing else.
func TestSteps(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.go")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range steps(t, file) {
		got = append(got, s.pattern)
	}
	if diff := cmp.Diff([]string{"a", "b", "c", `d .* of \(x\)`, "e .*", "f", "g", "h"}, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	Check(t, []string{"a", "b", "c", "d 7 of (x)", "e this", "f", "g", "h"}, file)
	missed := &recorder{TB: t}
	Check(missed, []string{"a", "b", "c", "e this", "f", "g", "h"}, file)
	if missed.errors != 1 {
		t.Errorf("of one step that nobody sees there are %d errors", missed.errors)
	}
}

// recorder counts errors.
type recorder struct {
	testing.TB
	errors int
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.errors++ }
