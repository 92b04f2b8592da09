//go:build builders

package builders_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/test/builders"
)

var update = flag.Bool("update", false, "write the table into docs/builders.md")

// Every recipe that can run here is run, what it really left is pushed, pulled back by two other clients, and held against what the
// builder wrote, byte for byte. What became of it is the page's table.
func TestBuilders(t *testing.T) {
	w := newWorkshop(t)
	rows := make([]string, len(builders.Recipes))
	for i, r := range builders.Recipes {
		rows[i] = r.Row(builders.NotRun)
		if len(r.Needs) == 0 {
			continue
		}
		t.Run(fmt.Sprint(i, " ", r.Builder), func(t *testing.T) {
			t.Log(r.Command)
			for _, program := range r.Needs {
				if _, err := exec.LookPath(program); err != nil {
					t.Fatalf("%v: make builders gets it", err)
				}
			}
			dir := w.context(t)
			w.run(t, dir, "sh", "-ec", r.Command)
			became := w.pushed(t, dir, r)
			t.Log(became)
			rows[i] = r.Row(became)
		})
	}
	if t.Failed() {
		return
	}
	if *update {
		if err := builders.WriteTable(page, builders.Table(rows)); err != nil {
			t.Fatal(err)
		}
	}
	if table, err := builders.ReadTable(page); err != nil || table != builders.Table(rows) {
		t.Errorf("the page's table is another one (%v); make builders writes it:\n%s", err, builders.Table(rows))
	}
}

// pushed pushes what the recipe left in dir, and says what became of it.
func (w *workshop) pushed(t *testing.T, dir string, r builders.Recipe) string {
	t.Helper()
	w.n++
	image := fmt.Sprintf("%s/team-payments/image-%d", w.quay.Host(), w.n)
	args := []string{"--source", r.Source, "--source-dir", dir, "--image-ref", image, "--tag", "v1", "--dockerconfig", w.dockerconfig, "--ca-file", w.quay.CAFile()}
	cmd := exec.CommandContext(t.Context(), w.pushImage, args...)
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	var log strings.Builder
	cmd.Stderr = &log
	output, err := cmd.Output()
	if r.Refused != "" {
		if err == nil || !strings.Contains(strings.ReplaceAll(log.String(), `\"`, `"`), r.Refused) {
			t.Fatalf("it was pushed, or refused for another reason than %q: %v\n%s", r.Refused, err, log.String())
		}
		return "refused: " + r.Refused
	}
	if err != nil {
		t.Fatalf("pushing: %v\n%s", err, log.String())
	}
	pinned := strings.TrimSpace(string(output))
	return w.compare(t, pinned, written(t, dir, r.Source))
}

// compare pulls the image with two clients and compares it with what the builder wrote.
func (w *workshop) compare(t *testing.T, pinned string, written digests) string {
	t.Helper()
	dir := t.TempDir()
	w.run(t, dir, "skopeo", "--insecure-policy", "copy", "--all", "--preserve-digests", "docker://"+pinned, "dir:skopeo")
	w.run(t, dir, "crane", "pull", "--format", "oci", pinned, "crane")
	got, other := pulled(t, filepath.Join(dir, "skopeo")), pulled(t, filepath.Join(dir, "crane"))
	if !maps.EqualFunc(got, other, slices.Equal) {
		t.Errorf("skopeo pulled %d parts, crane %d others", len(got), len(other))
	}
	_, digest, _ := strings.Cut(pinned, "@")
	if got[digest] == nil {
		t.Errorf("%s was not pulled", digest)
	}
	compressed := false
	for part, content := range got {
		switch {
		case written[part]:
		case written[digestOf(plain(t, content))]:
			compressed = true
		case part != digest:
			t.Errorf("%s is nothing that the builder wrote: %.300s", part, content)
		}
	}
	switch {
	case written[digest]:
		return "the same digest, and every part the same"
	case compressed:
		return "a new digest; config and layers the same, the layers compressed"
	}
	return "a new digest; every part the same"
}

// run runs a program in dir, which must succeed.
func (w *workshop) run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "quay.example.com", w.quay.Host())
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, output)
	}
}
