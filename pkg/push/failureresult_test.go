package push_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/push"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

func TestWriteFailure(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"whole":            {&failure.Error{Class: failure.ClassQuota, Problem: "it is full", Proof: "POST: 403", Next: "delete something"}, "QP104 quota: it is full: POST: 403; delete something"},
		"the cause":        {&failure.Error{Class: failure.ClassNetwork, Problem: "it hung up", Next: "try again", Err: errors.New("EOF")}, "QP301 network: it hung up: EOF; try again"},
		"another error":    {errors.New("nobody thought of it"), "QP001 internal: pushing failed: nobody thought of it"},
		"hostile":          {&failure.Error{Class: failure.ClassQuota, Problem: "full", Proof: "a\nb\x1b[2J\u202e\xff", Next: "wait"}, "QP104 quota: full: a b [2J ?; wait"},
		"the proof is cut": {&failure.Error{Class: failure.ClassQuota, Problem: "full", Proof: strings.Repeat("é", 600), Next: "delete something"}, "QP104 quota: full: " + strings.Repeat("é", 236) + "…; delete something"},
		"all is cut":       {&failure.Error{Class: failure.ClassQuota, Problem: strings.Repeat("p", 600), Next: "wait"}, "QP104 quota: " + strings.Repeat("p", 496) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			// As the StepAction names the directory.
			if err := push.WriteFailure(push.Options{ResultsDir: filepath.Join(dir, "IMAGE_URL") + "/.."}, test.err); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join(dir, "failure"))
			if err != nil || string(got) != test.want || len(got) > 512 {
				t.Errorf("%d bytes %q, want %q (%v)", len(got), got, test.want, err)
			}
		})
	}
}

// A rehearsal writes nothing, and without a directory there is nowhere to write to.
func TestWriteFailureNowhere(t *testing.T) {
	dir := t.TempDir()
	for _, opts := range []push.Options{{}, {ResultsDir: dir, DryRun: true}, {ResultsDir: dir, Preflight: true}} {
		if err := push.WriteFailure(opts, errors.New("failed")); err != nil {
			t.Error(err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// The failure of an earlier run is not taken for one of this.
func TestPushRemovesAnEarlierFailure(t *testing.T) {
	f := newFixture(t)
	if err := push.WriteFailure(f.opts, errors.New("earlier")); err != nil {
		t.Fatal(err)
	}
	f.push()
	if _, err := os.Stat(filepath.Join(f.results, "failure")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the earlier failure is there: %v", err)
	}
}

// Nor is the evidence of an earlier one; a rehearsal leaves it where it is.
func TestPushRemovesEarlierEvidence(t *testing.T) {
	f := newFixture(t)
	f.opts.EvidenceDir = t.TempDir()
	f.push()
	left := func() []string {
		names, err := filepath.Glob(filepath.Join(f.opts.EvidenceDir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for i := range names {
			names[i] = filepath.Base(names[i])
		}
		return names
	}
	want := []string{"evidence.json", "image-digest.txt"}
	if got := left(); !slices.Equal(got, want) {
		t.Fatalf("a push leaves %q, want %q", got, want)
	}
	f.opts.Source = "oci:/none"
	rehearsal := f.opts
	rehearsal.DryRun = true
	if _, err := push.Push(t.Context(), rehearsal); failure.ExitCode(err) != failure.ClassSourceMissing.Exit {
		t.Fatal(err)
	}
	if got := left(); !slices.Equal(got, want) {
		t.Errorf("after a rehearsal that failed there is %q, want %q", got, want)
	}
	if _, err := push.Push(t.Context(), f.opts); failure.ExitCode(err) != failure.ClassSourceMissing.Exit {
		t.Fatal(err)
	}
	if got := left(); len(got) > 0 {
		t.Errorf("after a push that failed there is %q", got)
	}
}
