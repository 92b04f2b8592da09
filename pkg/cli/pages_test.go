package cli_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/cli"
)

// pages writes the pages of a kind, and returns them by file name.
func pages(t *testing.T, kind string) map[string]string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "new")
	if exit := cli.New().Run(t.Context(), []string{"docs", kind, dir}); exit != cli.ExitOK {
		t.Fatalf("exit %d", exit)
	}
	return read(t, dir)
}

// read returns the files of a directory by name.
func read(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(data)
	}
	return files
}

// The pages in docs/cli are those that the commands write.
func TestPagesAreOfTheseCommands(t *testing.T) {
	if diff := cmp.Diff(read(t, "../../docs/cli"), pages(t, "markdown")); diff != "" {
		t.Errorf("run make docs; (-docs/cli +commands):\n%s", diff)
	}
}

// There is a man page wherever there is one in docs/cli, with its title and all its flags, and of the date that is asked for.
func TestManPages(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "0")
	man := pages(t, "man")
	wanted := []string{}
	for name, page := range pages(t, "markdown") {
		name = strings.ReplaceAll(strings.TrimSuffix(name, ".md"), "_", "-")
		wanted = append(wanted, name+".1")
		text := strings.ReplaceAll(man[name+".1"], `\-`, "-")
		if !strings.Contains(text, `.TH "`+strings.ToUpper(name)+`" "1" "Jan 1970" "quay-push" "tkn quay"`) {
			t.Errorf("%s has no title: %.100s", name, text)
		}
		for word := range strings.FieldsSeq(page) {
			if flag := strings.TrimRight(word, ",:."); strings.HasPrefix(flag, "--") && !strings.Contains(text, flag) {
				t.Errorf("%s does not tell of %s", name, flag)
			}
		}
	}
	slices.Sort(wanted)
	if diff := cmp.Diff(wanted, slices.Sorted(maps.Keys(man))); diff != "" {
		t.Errorf("pages (-wanted +written):\n%s", diff)
	}
}

func TestPagesOfNoKind(t *testing.T) {
	w := newWorld(t)
	if exit, _, stderr := w.run(t.Context(), "", "docs", "pdf", t.TempDir()); exit != cli.ExitUsage || !strings.Contains(stderr, "next: use man or markdown") {
		t.Errorf("exit %d: %s", exit, stderr)
	}
}
