package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/test/docs"
)

// images is the block of docs/releasing.md that verifies the images.
func images(t *testing.T) string {
	t.Helper()
	blocks, err := docs.Read("../docs/releasing.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range blocks {
		if block.Language == "sh" && strings.Contains(block.Text, "for image in") {
			return block.Text
		}
	}
	t.Fatal("no block verifies the images")
	return ""
}

// One image that is not verified is named, whatever comes after it, and the shell into which the block was pasted goes on. The stand-in for
// cosign refuses one image; what the real one refuses is shown by TestRelease.
func TestOneBadImage(t *testing.T) {
	block := images(t)
	for _, test := range []struct {
		refuses, says string
		verified      int
		code          string
	}{
		{"nothing", "", 8, "0"},
		{"verify .* r/first@", "NOT VERIFIED: r/first@sha256:1\n", 0, "1"},
		{"verify-attestation .*slsaprovenance1 r/bundle@", "NOT VERIFIED: r/bundle@sha256:2\n", 3, "1"},
		{"verify-attestation .*spdxjson r/first@", "NOT VERIFIED: r/first@sha256:1\n", 6, "1"},
		{"verify-attestation .*spdxjson r/last@", "NOT VERIFIED: r/last@sha256:3\n", 7, "1"},
	} {
		dir := t.TempDir()
		program := "#!/bin/sh\nif echo \"$*\" | grep -q '^" + test.refuses + "'; then exit 1; fi\necho \"$*\" >> verified\n"
		for name, content := range map[string]string{"cosign": program, "images.txt": "r/first@sha256:1\nr/bundle@sha256:2\nr/last@sha256:3\n"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.CommandContext(t.Context(), "bash", "-c", block+"\necho $?")
		var stdout, stderr bytes.Buffer
		cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, []string{"PATH=" + dir + ":" + os.Getenv("PATH")}, &stdout, &stderr
		err := cmd.Run()
		verified, _ := os.ReadFile(filepath.Join(dir, "verified"))
		if err != nil || stdout.String() != test.code+"\n" || stderr.String() != test.says || bytes.Count(verified, []byte("\n")) != test.verified {
			t.Errorf("cosign refuses %s: %v, the block ends with %s\n%s\n%s", test.refuses, err, &stdout, &stderr, verified)
		}
	}
}
