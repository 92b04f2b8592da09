package program_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/release/program"
)

// script puts a program of that name onto $PATH, alone.
func script(t *testing.T, name, text string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
}

func TestRun(t *testing.T) {
	script(t, "ko", `echo "$1 $COLOUR"; echo progress >&2`)
	got, err := program.Program{Name: "ko", Env: []string{"COLOUR=blue"}}.Run(t.Context(), "build")
	if got != "build blue" || err != nil {
		t.Errorf("it prints %q, %v", got, err)
	}
}

// The password of the key is cosign's alone: what builds runs code of many strangers.
func TestPassword(t *testing.T) {
	t.Setenv(program.Password, "correct horse")
	for name, want := range map[string]string{"cosign": "correct horse", "ko": "none", "go": "none", "git": "none"} {
		script(t, name, `echo "${COSIGN_PASSWORD-none}"`)
		if got, err := (program.Program{Name: name}).Run(t.Context(), "x"); got != want || err != nil {
			t.Errorf("%s gets %q, %v; want %q", name, got, err, want)
		}
	}
}

func TestError(t *testing.T) {
	script(t, "ko", `i=0; while [ $i -lt 500 ]; do echo "progress $i" >&2; i=$((i+1)); done; echo "the reason" >&2; exit 3`)
	_, err := program.Program{Name: "ko"}.Run(t.Context(), "build", "--secret")
	if err == nil || !strings.HasPrefix(err.Error(), `running "ko build": exit status 3: `) || !strings.HasSuffix(err.Error(), "the reason") || len(err.Error()) > 2100 {
		t.Errorf("the error is %v", err)
	}
}
