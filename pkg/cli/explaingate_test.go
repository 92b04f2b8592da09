package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
)

// What is no list of vulnerabilities is told by nobody, a long one is cut, and nothing in it moves a cursor.
func TestWorstOf(t *testing.T) {
	worst := func(value string) string {
		run := &v1beta1.CustomRun{}
		run.Status.Results = []v1beta1.CustomRunResult{{Name: "vulnerabilities", Value: "[]"}, {Name: "vulnerabilities-worst", Value: value}}
		var told bytes.Buffer
		if err := writeWorst(&told, worstOf(run)); err != nil {
			t.Fatal(err)
		}
		return told.String()
	}
	for _, value := range []string{"", "[]", "{}", "null", "[1]", `[{"package":7}]`} {
		if got := worst(value); got != "" {
			t.Errorf("%s is told as %q", value, got)
		}
	}
	one := `{"package":"a\u001b[2J\n` + strings.Repeat("x", 300) + `","version":"1","severity":"high","name":"CVE-1","fixed-by":"2"}`
	got := worst("[" + strings.Repeat(one+",", 20) + one + "]")
	if lines := strings.Count(got, "\n"); lines != 11 || strings.Contains(got, "\x1b") || strings.Count(got, "CVE-1") != 10 || len(got) > 2500 {
		t.Errorf("%d lines, %d bytes: %q", lines, len(got), got)
	}
	if writeWorst(&bytes.Buffer{}, worstOf(&v1beta1.CustomRun{})) != nil {
		t.Error("a run without results is told wrong")
	}
}
