package overlay_test

import (
	"io"
	"log"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/comptech-lab/quay-push/pkg/overlay"
)

// warned is a tree that hears the warnings.
type warned struct {
	fstest.MapFS
	lines map[string]int
}

func (w warned) Warn(line string) { w.lines[line]++ }

// said runs f, and returns what the process writes to stderr meanwhile.
func said(t *testing.T, f func()) string {
	t.Helper()
	stderr := os.Stderr
	defer func() { os.Stderr = stderr; log.SetOutput(stderr) }()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	os.Stderr = write
	log.SetOutput(write)
	f()
	write.Close()
	text, err := io.ReadAll(read)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What kustomize warns of, on stderr or in package log, comes to the tree in lines, and nowhere else.
func TestWarnings(t *testing.T) {
	long := strings.Repeat("X", 2000)
	for field, want := range map[string]string{
		// The contract has commonLabels.
		"commonLabels: {apps.platform/env: dev}": "",
		"sortOptions: {order: fifo}":             "",
		"bases: []":                              "'bases' is deprecated",
		"patchesJson6902: [{target: {version: v1, kind: Service, name: checkout}, patch: '[{\"op\": \"remove\", \"path\": \"/spec\"}]'}]": "'patchesJson6902' is deprecated",
		"vars: [{name: X, objref: {apiVersion: v1, kind: Service, name: checkout}}]":                                                      "well-defined vars that were never replaced: X",
		"vars: [{name: " + long + ", objref: {apiVersion: v1, kind: Service, name: checkout}}]":                                           "never replaced: XXX",
		"patchesStrategicMerge: ['{apiVersion: v1, kind: Service, metadata: {name: checkout}, spec: {externalName: \"a\\nb\"}}']":         "'patchesStrategicMerge' is deprecated",
	} {
		t.Run(field[:min(len(field), 40)], func(t *testing.T) {
			tree := warned{app(), map[string]int{}}
			edit(tree.MapFS, dev.Path(), "images:", field+"\nimages:")
			var err error
			text := said(t, func() { _, err = overlay.Set(tree, dev, pin) })
			if err != nil || text != "" {
				t.Errorf("the process says %q (%v)", text, err)
			}
			found := want == "" && len(tree.lines) == 0
			for line := range tree.lines {
				found = found || want != "" && strings.Contains(line, want)
				if strings.ContainsAny(line, "\n#") || len(line) > 500 {
					t.Errorf("the line %q is more than one, or too long", line)
				}
			}
			if !found {
				t.Errorf("it hears %v, want %q", tree.lines, want)
			}
			// Without anybody who listens nothing is said either.
			if text := said(t, func() { _, err = overlay.Set(tree.MapFS, dev, pin) }); err != nil || text != "" {
				t.Errorf("the process says %q (%v)", text, err)
			}
		})
	}
}

// A refused rendering leaves stderr and package log as they were.
func TestWarningsOfARefusal(t *testing.T) {
	tree := app()
	put(tree, "apps/payments/checkout/base/service.yaml", "{")
	stderr := os.Stderr
	text := said(t, func() {
		_, err := overlay.Set(tree, dev, pin)
		checkRefusal(t, err, overlay.ReasonRender)
		log.Print("mine")
	})
	if os.Stderr != stderr || !strings.Contains(text, "mine") {
		t.Errorf("package log writes %q", text)
	}
}
