package plugin_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/release/plugin"
	"github.com/comptech-lab/quay-push/release/releasetest"
	"github.com/comptech-lab/quay-push/release/source"
)

// newTree is a commit with a program that only knows completion, which is quickly built.
func newTree(t *testing.T) source.Tree {
	t.Helper()
	dir := releasetest.Repository(t, map[string]string{
		"go.mod":               "module example.com/small\n\ngo 1.26\n",
		"LICENSE":              "free\n",
		"cmd/tkn-quay/main.go": "package main\n\nimport \"os\"\n\nfunc main() { os.Stdout.WriteString(os.Args[1] + \" for \" + os.Args[2]) }\n",
	})
	tree, err := source.Clone(t.Context(), dir, filepath.Join(t.TempDir(), "source"), "v0.2.0")
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

const native = runtime.GOOS + "/" + runtime.GOARCH

func TestRun(t *testing.T) {
	tree, out := newTree(t), t.TempDir()
	made, compiler, err := plugin.Maker{Tree: tree, Version: "v0.2.0", Scratch: t.TempDir(), Out: out}.Run(t.Context(), []string{native})
	if err != nil || compiler != runtime.Version() || len(made) != 1 {
		t.Fatalf("made %v by %s, %v", made, compiler, err)
	}
	name := "tkn-quay_v0.2.0_" + runtime.GOOS + "_" + runtime.GOARCH + ".tar.gz"
	packed, err := os.ReadFile(filepath.Join(out, name))
	if err != nil {
		t.Fatal(err)
	}
	if want := (plugin.Archive{Name: name, OS: runtime.GOOS, Arch: runtime.GOARCH, SHA256: fmt.Sprintf("%x", sha256.Sum256(packed))}); made[0] != want {
		t.Errorf("it is %+v, want %+v", made[0], want)
	}
	got, want := entries(t, packed), map[string]string{
		"LICENSE": "644 free\n", "completions/_tkn-quay": "644 completion for zsh\n", "completions/tkn-quay.bash": "644 completion for bash\n",
		"completions/tkn-quay.fish": "644 completion for fish\n", "completions/tkn-quay.ps1": "644 completion for powershell\n", "tkn-quay": "755 program",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// entries are the files of an archive, with their permissions. The program, which is large, stands for itself.
func entries(t *testing.T, packed []byte) map[string]string {
	t.Helper()
	compressed, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for r := tar.NewReader(compressed); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if len(content) > 1<<16 {
			content = []byte("program")
		}
		found[header.Name] = fmt.Sprintf("%o %s", header.Mode, content)
	}
}

// A program that was built from something else than the release says so, and is given to nobody.
func TestAnotherVersion(t *testing.T) {
	tree, out := newTree(t), t.TempDir()
	for _, test := range []struct{ name, version, commit, change, says string }{
		{"version", "v0.3.0", tree.Commit, "", "v0.2.0"},
		{"commit", "v0.2.0", strings.Repeat("0", 40), "", "v0.2.0"},
		{"change", "v0.2.0", tree.Commit, "not mine", "v0.2.0+dirty"},
	} {
		t.Run(test.name, func(t *testing.T) {
			other := tree
			other.Commit = test.commit
			if test.change != "" {
				if err := os.WriteFile(filepath.Join(tree.Dir, "LICENSE"), []byte(test.change), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			_, _, err := plugin.Maker{Tree: other, Version: test.version, Scratch: t.TempDir(), Out: out}.Run(t.Context(), []string{native})
			if err == nil || !strings.HasPrefix(err.Error(), "tkn-quay says that it is "+test.says+" of commit ") {
				t.Errorf("the error is %v", err)
			}
		})
	}
	if left, err := os.ReadDir(out); len(left) > 0 || err != nil {
		t.Errorf("there are %v, %v", left, err)
	}
}

func TestKrew(t *testing.T) {
	data, err := plugin.Krew("v0.2.0", "https://example.com", "https://example.com/v0.2.0", []plugin.Archive{
		{Name: "l.tar.gz", OS: "linux", Arch: "arm64", SHA256: "00ff"}, {Name: "w.tar.gz", OS: "windows", Arch: "amd64", SHA256: "11ee"},
	})
	if err != nil {
		t.Fatal(err)
	}
	type file struct{ From, To string }
	type platform struct {
		Selector         struct{ MatchLabels map[string]string }
		URI, SHA256, Bin string
		Files            []file
	}
	var got struct {
		APIVersion, Kind string
		Metadata         map[string]string
		Spec             struct {
			Version, Homepage, ShortDescription, Description, Caveats string
			Platforms                                                 []platform
		}
	}
	if err := yaml.UnmarshalStrict(data, &got); err != nil {
		t.Fatal(err)
	}
	if got.APIVersion != "krew.googlecontainertools.github.com/v1alpha2" || got.Kind != "Plugin" || got.Metadata["name"] != "quay" || got.Spec.Version != "v0.2.0" {
		t.Errorf("it is %s", data)
	}
	linux := platform{URI: "https://example.com/v0.2.0/l.tar.gz", SHA256: "00ff", Bin: "tkn-quay", Files: []file{{"tkn-quay", "."}, {"LICENSE", "."}}}
	linux.Selector.MatchLabels = map[string]string{"os": "linux", "arch": "arm64"}
	windows := platform{URI: "https://example.com/v0.2.0/w.tar.gz", SHA256: "11ee", Bin: "tkn-quay.exe", Files: []file{{"tkn-quay.exe", "."}, {"LICENSE", "."}}}
	windows.Selector.MatchLabels = map[string]string{"os": "windows", "arch": "amd64"}
	if diff := cmp.Diff([]platform{linux, windows}, got.Spec.Platforms); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
