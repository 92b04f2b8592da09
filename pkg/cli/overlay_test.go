package cli_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/nexttest"
	"github.com/comptech-lab/quay-push/pkg/cli"
)

const (
	overlayImage  = "quay.example.com/team-payments/checkout"
	overlayDigest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	overlayItem   = `{"name":"` + overlayImage + `","newName":"` + overlayImage + `","digest":"` + overlayDigest + `"}`
)

// clone makes a working copy with one app, and goes there. Its prd has a tag.
func clone(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	item := "resources: [../../base]\nimages:\n  # The app.\n\n  - name: " + overlayImage + "\n    newName: " + overlayImage + "\n    "
	for name, content := range map[string]string{
		".git/HEAD": "",
		"apps/payments/checkout/base/kustomization.yaml": "resources: [deployment.yaml]\n",
		"apps/payments/checkout/base/deployment.yaml": `apiVersion: apps/v1
kind: Deployment
metadata: {name: checkout}
spec:
  selector: {matchLabels: {app: checkout}}
  template:
    metadata: {labels: {app: checkout}}
    spec: {containers: [{name: app, image: "` + overlayImage + `:placeholder"}]}
`,
		"apps/payments/checkout/overlays/dev/kustomization.yaml": item + "digest: sha256:REPLACED_BY_CI\n",
		"apps/payments/checkout/overlays/stg/kustomization.yaml": item + "digest: sha256:REPLACED_BY_CI\n",
		"apps/payments/checkout/overlays/prd/kustomization.yaml": item + "newTag: latest\n",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// The page shows commands with what they print, one after the other. With -update it is written.
func TestOverlayPage(t *testing.T) {
	page, err := filepath.Abs("../../docs/overlay.md")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	clone(t)
	commands := 0
	values := strings.NewReplacer("$DIGEST", overlayDigest)
	got := regexp.MustCompile("(?s)```console\n\\$ .*?```").ReplaceAllStringFunc(string(text), func(block string) string {
		out := "```console\n"
		for _, command := range regexp.MustCompile(`(?m)^\$ .*$`).FindAllString(block, -1) {
			commands++
			command = strings.TrimPrefix(command, "$ ")
			in := ""
			args, piped := strings.CutPrefix(command, "echo \"$OVERLAY_IMAGE\" | ")
			if piped {
				in = overlayItem
			}
			args, ok := strings.CutPrefix(args, "tkn quay ")
			if !ok {
				t.Fatalf("%q is no command of tkn quay", command)
			}
			_, stdout, stderr := w.run(t.Context(), in, strings.Fields(values.Replace(args))...)
			out += "$ " + command + "\n" + strings.ReplaceAll(stdout+stderr, overlayDigest, "$DIGEST")
		}
		return out + "```"
	})
	if commands < 8 {
		t.Errorf("the page has %d commands", commands)
	}
	if *update {
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(string(text), got); diff != "" {
		t.Errorf("%s (-page +commands), write it with -update:\n%s", page, diff)
	}
}

// Each cause leads to the exit code and the next step of its row, and each next step of the source has a cause. What package
// overlay refuses has a table there.
func TestOverlayCauses(t *testing.T) {
	const dev = "apps/payments/checkout/overlays/dev"
	sources := []string{"overlay.go"}
	for i, name := range sources {
		absolute, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		sources[i] = absolute
	}
	w := newWorld(t)
	clone(t)
	if err := os.WriteFile("tag", []byte("latest"), 0o600); err != nil {
		t.Fatal(err)
	}
	// Root reads all there is, so that nothing leads there in every test; TestReadable has it.
	seen := []string{"see whether the files of the working copy can be read and written"}
	for name, row := range map[string]struct {
		args          []string
		exit          cli.Exit
		problem, next string
	}{
		"nothing to set":        {[]string{"set", dev}, cli.ExitUsage, "the digest is missing, or given twice", "give --image and --digest, or --from with the result overlay-image of a push"},
		"half of it":            {[]string{"set", dev, "--image", overlayImage}, cli.ExitUsage, "the digest is missing, or given twice", "give --image and --digest, or --from with the result overlay-image of a push"},
		"both":                  {[]string{"set", dev, "--from", "-", "--digest", overlayDigest}, cli.ExitUsage, "the digest is missing, or given twice", "give --image and --digest, or --from with the result overlay-image of a push"},
		"a file that is not":    {[]string{"set", dev, "--from", "none"}, cli.ExitUsage, "open none: no such file", "let --from be a file that can be read, or - for stdin"},
		"a directory":           {[]string{"set", dev, "--from", "apps"}, cli.ExitUsage, "apps: is a directory", "let --from be a file that can be read, or - for stdin"},
		"a tag":                 {[]string{"set", dev, "--from", "tag"}, cli.ExitUsage, `reading overlay-image "latest"`, "give the result overlay-image of a push as it is"},
		"nowhere to promote to": {[]string{"promote", dev}, cli.ExitUsage, "--to is missing", "name the next environment, such as --to stg"},
		"a refusal":             {[]string{"set", dev, "--image", "x", "--digest", overlayDigest}, cli.ExitRefused, `no item of images has the name "x"`, "give an image that has an item"},
	} {
		exit, _, stderr := w.run(t.Context(), "", append([]string{"overlay"}, row.args...)...)
		_, next, _ := strings.Cut(strings.TrimSpace(stderr), "\nnext: ")
		seen = append(seen, next)
		if exit != row.exit || !strings.Contains(stderr, row.problem) || !strings.HasPrefix(next, row.next) {
			t.Errorf("%s: exit %d, %s", name, exit, stderr)
		}
	}
	nexttest.Check(t, seen, sources...)
}
