package cli_test

import (
	"os"
	"strings"
	"testing"
)

// The example on the page is what the tool prints.
func TestPageShowsExplain(t *testing.T) {
	w := newWorld(t)
	for _, document := range []string{`
apiVersion: v1
kind: Namespace
metadata: {name: apps-payments-checkout, labels: {apps.platform/team: payments}}
`, `
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: build-7x2kq, namespace: apps-payments-checkout, uid: u1}
`} {
		if err := w.add([]byte(document)); err != nil {
			t.Fatal(err)
		}
	}
	_, stdout, stderr := w.run(t.Context(), "", "explain", "pipelinerun", "build-7x2kq", "-n", "apps-payments-checkout")
	lines := strings.Split(strings.ReplaceAll(stdout+stderr, w.quay.Host(), "quay.example.com"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	want := "```console\n$ tkn quay explain pipelinerun build-7x2kq -n apps-payments-checkout\n" + strings.Join(lines, "\n") + "```\n"
	page, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), want) {
		t.Errorf("docs/cli.md does not have\n%s", want)
	}
}
