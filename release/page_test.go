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

// verifies is the block of docs/page that verifies, and has that text.
func verifies(t *testing.T, page, text string) string {
	t.Helper()
	blocks, err := docs.Read("../docs/" + page)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range blocks {
		if block.Language == "sh" && strings.Contains(block.Text, text) {
			return block.Text
		}
	}
	t.Fatalf("no block of %s has %q", page, text)
	return ""
}

// A file that the signed checksums do not list is refused, and so are those of another version, whatever they list. The stand-in for cosign
// takes every signature; downloads are there already.
func TestUnlistedFile(t *testing.T) {
	const tool = "tkn-quay_v0.2.0_linux_amd64.tar.gz"
	for page, text := range map[string]string{"releasing.md": "for file in $(ls", "tutorial.md": "for file in pipeline.yaml"} {
		block := verifies(t, page, text)
		for what, test := range map[string]struct {
			unlisted, signed string
			verified         bool
		}{
			"all":              {"", "v0.2.0", true},
			"a file of others": {"release.yaml", "v0.2.0", false},
			"the tool":         {tool, "v0.2.0", false},
			"an older version": {"", "v0.1.0", false},
		} {
			dir, bin, sums := t.TempDir(), t.TempDir(), ""
			for _, name := range []string{"pipeline.yaml", "release.yaml", "tutorial.yaml", tool} {
				write(t, filepath.Join(dir, name), "a")
				if name != test.unlisted {
					sums += "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  " + strings.ReplaceAll(name, "v0.2.0", test.signed) + "\n"
				}
			}
			write(t, filepath.Join(dir, "checksums.txt"), sums)
			write(t, filepath.Join(dir, "checksums.txt.sigstore.json"), "{}")
			for _, program := range []string{"cosign", "curl", "tar"} {
				write(t, filepath.Join(bin, program), "#!/bin/sh\n[ $0 != "+filepath.Join(bin, "tar")+" ] || echo unpacked\n")
			}
			cmd := exec.CommandContext(t.Context(), "bash", "-uc", block)
			cmd.Dir, cmd.Env = dir, []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "KEY=k", "VERSION=v0.2.0", "TOOL=" + tool, "RELEASE=file:///none"}
			out, err := cmd.CombinedOutput()
			if (err == nil) != test.verified || !test.verified && strings.Contains(string(out), "unpacked") {
				t.Errorf("%s, %s: %v\n%s", page, what, err, out)
			}
		}
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
}

// One image that is not verified is named, whatever comes after it, and the shell into which the block was pasted goes on. The stand-in for
// cosign refuses one image; what the real one refuses is shown by TestRelease.
func TestOneBadImage(t *testing.T) {
	block := verifies(t, "releasing.md", "for image in")
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
			write(t, filepath.Join(dir, name), content)
		}
		cmd := exec.CommandContext(t.Context(), "bash", "-uc", block+"\necho $?")
		var stdout, stderr bytes.Buffer
		cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "KEY=k"}, &stdout, &stderr
		err := cmd.Run()
		verified, _ := os.ReadFile(filepath.Join(dir, "verified"))
		if err != nil || stdout.String() != test.code+"\n" || stderr.String() != test.says || bytes.Count(verified, []byte("\n")) != test.verified {
			t.Errorf("cosign refuses %s: %v, the block ends with %s\n%s\n%s", test.refuses, err, &stdout, &stderr, verified)
		}
	}
}
