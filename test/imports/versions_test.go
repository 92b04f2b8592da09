package imports

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What make test compiles for the benchmarks' modules it has compiled for this one already, unless they ask for another
// version, or for another Go: then a test run on a machine without a build cache takes minutes longer.
func TestOneVersion(t *testing.T) {
	ours := versions(t, "../..")
	for _, dir := range []string{"../bench", "../bench-controller"} {
		if got, want := toolchain(t, dir), toolchain(t, "../.."); got != want || want == "" {
			t.Errorf("%s is built by %q, and the module of the programs by %q", dir, got, want)
		}
		theirs := versions(t, dir)
		if len(theirs) < 5 {
			t.Errorf("%s is built from %d modules", dir, len(theirs))
		}
		for path, version := range theirs {
			if other, ok := ours[path]; ok && other != version {
				t.Errorf("%s builds with %s %s, and the module of the programs with %s", dir, path, version, other)
			}
		}
	}
}

// toolchain returns the Go that the go.mod of dir asks for.
func toolchain(t *testing.T, dir string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(content), "\ntoolchain ")
	name, _, _ := strings.Cut(rest, "\n")
	return name
}

// versions returns the version of each module that the packages and tests below dir are built from.
func versions(t *testing.T, dir string) map[string]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-C", dir, "-deps", "-test", "-f", `{{with .Module}}{{if .Version}}{{.Path}} {{.Version}}{{end}}{{end}}`, "./...")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	all := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if path, version, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			all[path] = version
		}
	}
	delete(all, "github.com/comptech-lab/quay-push")
	return all
}
