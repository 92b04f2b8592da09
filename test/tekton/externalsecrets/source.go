package externalsecrets

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/comptech-lab/quay-push/test/tekton/install"
)

// The module, and the hash of it that go.sum would have. It is in no go.mod: with it would come every cloud's client.
const (
	module = "github.com/external-secrets/external-secrets"
	at     = module + "@v0.20.4"
	sum    = "h1:HhNAjWfFEshhItphr28SGsHzf2bUP7uDAOVLg76uNAg="
)

// download has go fetch the module, if it is not there, and returns its directory.
func download(ctx context.Context) (string, error) {
	found, err := install.Download(ctx, at)
	if err != nil {
		return "", err
	}
	if found.Sum != sum {
		return "", fmt.Errorf("%q has the hash %q, and not %q", at, found.Sum, sum)
	}
	return found.Dir, nil
}

// take copies what the controller is built from into the directory to, with Vault's provider alone and no generators. Its go.mod
// and go.sum stay as they are: they say at which version everything is built.
func take(to, from string) error {
	for _, name := range []string{"apis", "cmd", "pkg"} {
		if err := os.CopyFS(filepath.Join(to, name), os.DirFS(filepath.Join(from, name))); err != nil {
			return fmt.Errorf("copying %q of %q: %w", name, at, err)
		}
	}
	for _, name := range []string{"go.mod", "go.sum", "main.go"} {
		content, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), content, 0o644)
		}
		if err != nil {
			return fmt.Errorf("copying %q of %q: %w", name, at, err)
		}
	}
	return errors.Join(cut(to, "pkg/provider/", "vault"), cut(to, "pkg/generator/", ""))
}

// cut takes all imports of packages in a folder out of its package register, but the one that is kept; "" keeps none.
func cut(source, folder, kept string) error {
	file := filepath.Join(source, folder, "register", "register.go")
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	line := func(name string) string { return "\t_ \"" + path.Join(module, folder, name) + "\"\n" }
	imported := regexp.MustCompile("\t_ \"" + regexp.QuoteMeta(path.Join(module, folder)) + "/.*\"\n")
	left, found := imported.ReplaceAllStringFunc(string(content), func(s string) string {
		if kept != "" && s == line(kept) {
			return s
		}
		return ""
	}), imported.FindAllString(string(content), -1)
	if len(found) < 2 || kept != "" && !strings.Contains(left, line(kept)) {
		return fmt.Errorf("cutting down %q: it imports %q, and %q is wanted", file, found, kept)
	}
	return os.WriteFile(file, []byte(left), 0o644)
}
