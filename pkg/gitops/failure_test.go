package gitops_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/gitops"
	"github.com/comptech-lab/quay-push/pkg/overlay"
)

// written is the result failure in a directory, which must be the only one there.
func written(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("the results are %v, %v", entries, err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "failure"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The result has what the log has: the problem, its proof or reason, and the next step, bounded and on one line.
func TestWriteFailure(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"a failure":     {&gitops.Error{Problem: "it cannot be read", Proof: "404", Next: "look"}, "it cannot be read: 404; look"},
		"a refusal":     {fmt.Errorf("on branch %q: %w", "main", &overlay.Refusal{Reason: overlay.ReasonMissing, Problem: "x is not there", Next: "make it"}), `on branch "main": x is not there (missing); make it`},
		"another error": {errors.New("nobody thought of it"), "nobody thought of it"},
		"hostile":       {&gitops.Error{Problem: "no", Proof: "a\nb\x1b[2J\u202e\xff", Next: "wait"}, "no: a b [2J ?; wait"},
		"long":          {&gitops.Error{Problem: "no", Proof: strings.Repeat("p", 600), Next: "wait"}, "no: " + strings.Repeat("p", 499) + "…; wait"},
		"a long next":   {&gitops.Error{Problem: "no", Next: strings.Repeat("n", 600)}, "…; " + strings.Repeat("n", 504) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := gitops.WriteFailure(gitops.Options{ResultsDir: dir}, test.err); err != nil {
				t.Fatal(err)
			}
			if got := written(t, dir); got != test.want || len(got) > 512 {
				t.Errorf("%d bytes %q, want %q", len(got), got, test.want)
			}
		})
	}
	if err := gitops.WriteFailure(gitops.Options{}, errors.New("failed")); err != nil {
		t.Errorf("without a directory: %v", err)
	}
}

// A failure and a success leave no result of an earlier run beside theirs.
func TestFailureIsOfThisRun(t *testing.T) {
	f := newFixture(t)
	if err := gitops.WriteFailure(f.opts, errors.New("earlier")); err != nil {
		t.Fatal(err)
	}
	f.update()
	if _, err := os.Stat(filepath.Join(f.opts.ResultsDir, "failure")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the earlier failure is there: %v", err)
	}
	f.opts.LogFormat = "xml"
	_, err := f.tryUpdate()
	if err := gitops.WriteFailure(f.opts, err); err != nil {
		t.Fatal(err)
	}
	if got := written(t, f.opts.ResultsDir); got != `--log-format is "xml", not text or json; use text or json` {
		t.Errorf("the failure is %q", got)
	}
}
