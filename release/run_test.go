package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/release/program"
)

func TestCheck(t *testing.T) {
	good := release{version: "v0.2.0", registry: "r.example.com/o", key: "cosign.key"}
	for _, test := range []struct {
		says   string
		change func(r *release)
	}{
		{"", func(*release) {}},
		{"", func(r *release) { r.version = "v1.0.0-rc.1" }},
		{"", func(r *release) { r.platforms = []string{"darwin/arm64", "linux/amd64"} }},
		{`VERSION is "", `, func(r *release) { r.version = "" }},
		{`VERSION is "0.2.0", `, func(r *release) { r.version = "0.2.0" }},
		{`VERSION is "v0.2", `, func(r *release) { r.version = "v0.2" }},
		{`VERSION is "v0.2.0+mine", `, func(r *release) { r.version = "v0.2.0+mine" }},
		{"REGISTRY is empty, ", func(r *release) { r.registry = "" }},
		{"KEY is empty, ", func(r *release) { r.key = "" }},
		{`PLATFORMS is "darwin/arm64", `, func(r *release) { r.platforms = []string{"darwin/arm64"} }},
	} {
		r := good
		test.change(&r)
		if err := r.check(); (err == nil) != (test.says == "") || err != nil && !strings.HasPrefix(err.Error(), test.says) {
			t.Errorf("%+v: %v, want %q", r, err, test.says)
		}
	}
}

// What is there already is somebody's: nothing is mixed with it, and nothing is built first.
func TestOutIsThere(t *testing.T) {
	out := t.TempDir()
	r := release{version: "v0.2.0", out: out, say: t.Logf}
	if err := r.run(t.Context()); err == nil || err.Error() != `"`+out+`" is there already: move it away` {
		t.Errorf("the error is %v", err)
	}
}

// What fails leaves nothing behind, neither where the release would be nor beside it.
func TestNothingIsLeft(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv(program.Password, "")
	t.Chdir(dir)
	r := release{version: "v0.2.0", key: "none", out: "dist", say: t.Logf}
	if err := r.run(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "asking for the source's ") {
		t.Errorf("where there is no repository: %v", err)
	}
	for _, place := range []string{dir, os.Getenv("TMPDIR")} {
		if left, err := os.ReadDir(place); len(left) > 0 || err != nil {
			t.Errorf("there are %v, %v", left, err)
		}
	}
}

func TestChecksums(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"a": "", "b c": "abc"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const want = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a\n" +
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  b c\n"
	if got, err := checksums(dir, []string{"a", "b c"}); string(got) != want || err != nil {
		t.Errorf("they are %s, %v", got, err)
	}
	if _, err := checksums(dir, []string{"none"}); err == nil {
		t.Error("a file that is not there has one")
	}
}
