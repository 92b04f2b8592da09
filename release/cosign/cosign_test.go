package cosign_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/release/cosign"
	"github.com/comptech-lab/quay-push/release/program"
)

// double is a cosign that writes down how it was called, and knows one key. What the real one does with that, TestRelease shows.
func double(t *testing.T) (dir string, called func() string) {
	t.Helper()
	dir = t.TempDir()
	text := "#!/bin/sh\necho \"$@\" >> " + dir + "/called\nif [ \"$3\" != good.key ] && [ \"$4\" != good.key ]; then echo no such key >&2; exit 1; fi\necho PUBLIC\nif [ \"$1\" = sign-blob ]; then umask 077; : > \"${10}\"; fi\n"
	if err := os.WriteFile(filepath.Join(dir, "cosign"), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	return dir, func() string {
		lines, err := os.ReadFile(filepath.Join(dir, "called"))
		if err != nil {
			t.Fatal(err)
		}
		return string(lines)
	}
}

func TestSigner(t *testing.T) {
	t.Setenv(program.Password, "correct horse")
	dir, called := double(t)
	s, err := cosign.New(t.Context(), "good.key", dir)
	if err != nil || string(s.Public) != "PUBLIC\n" {
		t.Fatalf("the public key is %q, %v", s.Public, err)
	}
	file := filepath.Join(dir, "a.tar.gz")
	for _, err := range []error{s.File(t.Context(), file), s.Image(t.Context(), "r/a@sha256:0"), s.Attest(t.Context(), "r/a@sha256:0", "spdxjson", "s.json")} {
		if err != nil {
			t.Error(err)
		}
	}
	flags := " --yes --key good.key --signing-config " + dir + "/signing-config.json --trusted-root " + dir + "/trusted-root.json "
	want := "public-key --key good.key\nsign-blob" + flags + "--bundle " + file + ".sigstore.json " + file + "\nsign" + flags + "r/a@sha256:0\nattest" + flags + "--type spdxjson --predicate s.json r/a@sha256:0\n"
	if info, err := os.Stat(file + cosign.Suffix); err != nil || info.Mode() != 0o644 {
		t.Errorf("who may read the signature: %v, %v", info, err)
	}
	if got := called(); got != want {
		t.Errorf("cosign was called\n%swant\n%s", got, want)
	}
}

func TestRefused(t *testing.T) {
	dir, _ := double(t)
	t.Setenv(program.Password, "")
	if _, err := cosign.New(t.Context(), "bad.key", dir); err == nil || !strings.Contains(err.Error(), "no such key") {
		t.Errorf("with another key: %v", err)
	}
	if err := os.Unsetenv(program.Password); err != nil { // Setenv, above, puts it back.
		t.Fatal(err)
	}
	if _, err := cosign.New(t.Context(), "good.key", dir); err == nil || !strings.HasPrefix(err.Error(), `there is no $COSIGN_PASSWORD: export the password of "good.key"`) {
		t.Errorf("without a password: %v", err)
	}
}
