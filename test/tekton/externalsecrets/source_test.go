package externalsecrets

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const register = `// Package register imports all providers.
package register

import (
	// For what they do when they are loaded.
	_ "github.com/external-secrets/external-secrets/pkg/provider/aws"
	_ "github.com/external-secrets/external-secrets/pkg/provider/azure/keyvault"
	_ "github.com/external-secrets/external-secrets/pkg/provider/vault"
	_ "github.com/external-secrets/external-secrets/pkg/provider/vaultless"
)
`

// source is a directory with a package register of that content.
func source(t *testing.T, folder, content string) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	file = filepath.Join(dir, folder, "register", "register.go")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir, file
}

func TestCut(t *testing.T) {
	for kept, want := range map[string]string{
		"vault": "(\n\t// For what they do when they are loaded.\n\t_ \"github.com/external-secrets/external-secrets/pkg/provider/vault\"\n)\n",
		"":      "(\n\t// For what they do when they are loaded.\n)\n",
	} {
		dir, file := source(t, "pkg/provider/", register)
		if err := cut(dir, "pkg/provider/", kept); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if want = "// Package register imports all providers.\npackage register\n\nimport " + want; string(got) != want {
			t.Errorf("keeping %q: %q, want %q", kept, got, want)
		}
	}
}

// A version that lists its providers in another way is not built with all of them, or none.
func TestCutRefusesWhatItDoesNotKnow(t *testing.T) {
	for name, content := range map[string]string{
		"no provider":    "package register\n",
		"another module": strings.ReplaceAll(register, "external-secrets/pkg/provider", "external-secrets/providers/v1"),
		"no Vault":       strings.ReplaceAll(register, "/vault\"", "/keyvault\""),
	} {
		dir, _ := source(t, "pkg/provider/", content)
		if err := cut(dir, "pkg/provider/", "vault"); err == nil {
			t.Errorf("%s: cut = nil, want an error", name)
		}
	}
}

// take copies what a build needs and edits the copy alone.
func TestTake(t *testing.T) {
	from, original := source(t, "pkg/provider/", register)
	files := map[string]string{"go.mod": "module m\n", "go.sum": "", "main.go": "package main\n", "apis/a.go": "package apis\n", "cmd/c.go": "package cmd\n",
		"docs/large.md": "#\n", "pkg/generator/register/register.go": strings.ReplaceAll(register, "/provider/", "/generator/")}
	for name, content := range files {
		if err := os.MkdirAll(filepath.Join(from, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		// As in the module cache.
		if err := os.WriteFile(filepath.Join(from, name), []byte(content), 0o444); err != nil {
			t.Fatal(err)
		}
	}
	to := t.TempDir()
	if err := take(to, from); err != nil {
		t.Fatal(err)
	}
	for name := range files {
		_, err := os.Stat(filepath.Join(to, name))
		if wanted := !strings.HasPrefix(name, "docs"); wanted != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if content, err := os.ReadFile(original); err != nil || string(content) != register {
		t.Errorf("the original is %q, %v", content, err)
	}
	generators, err := os.ReadFile(filepath.Join(to, "pkg/generator/register/register.go"))
	if err != nil || strings.Contains(string(generators), "_") {
		t.Errorf("the generators are %q, %v", generators, err)
	}
}
