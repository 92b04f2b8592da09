package overlay_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/comptech-lab/quay-push/pkg/overlay"
)

// A node takes a thousand times as much memory as it has bytes: what a file may hold is counted in nodes, too, in every way to write
// them. Text is none, however it looks.
func TestNodes(t *testing.T) {
	const base = "apps/payments/checkout/base/"
	list := func(names ...string) string {
		return "resources: [deployment.yaml, " + strings.Join(names, ", ") + "]\n"
	}
	object := func(name, rest string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\n" + rest
	}
	for name, test := range map[string]struct {
		refused bool
		change  func(fstest.MapFS)
	}{
		"a list": {true, func(tree fstest.MapFS) {
			put(tree, base+"more.yaml", object("x", "x: ["+strings.Repeat("1,", 400_000)+"]\n"))
		}},
		"a list that is just too long": {true, func(tree fstest.MapFS) {
			put(tree, base+"more.yaml", object("x", "x: ["+strings.Repeat("1,", 120_000)+"]\n"))
		}},
		"lists in lists": {true, func(tree fstest.MapFS) {
			put(tree, base+"more.yaml", object("x", "x:\n"+strings.Repeat("- [[],[]]\n", 60_000)))
		}},
		"dashes": {true, func(tree fstest.MapFS) {
			put(tree, base+"more.yaml", object("x", "x:\n"+strings.Repeat("- - - -\n", 100_000)))
		}},
		"empty keys": {true, func(tree fstest.MapFS) {
			put(tree, base+"more.yaml", object("x", "x: {"+strings.Repeat("? ,", 300_000)+"}\n"))
		}},
		"lines of CR": {true, func(tree fstest.MapFS) {
			put(tree, base+"more.yaml", object("x", "x:\r"+strings.Repeat("- a\r", 200_000)))
		}},
		"the kustomization": {true, func(tree fstest.MapFS) {
			edit(tree, dev.Path(), "images:", "x: ["+strings.Repeat("1,", 400_000)+"]\nimages:")
		}},
		"the base's": {true, func(tree fstest.MapFS) {
			put(tree, base+"kustomization.yaml", list()+"x: ["+strings.Repeat("1,", 400_000)+"]\n")
		}},
		"many smaller files": {true, func(tree fstest.MapFS) {
			var names []string
			for i := range 10 {
				names = append(names, fmt.Sprintf("more-%d.yaml", i))
				put(tree, base+names[i], object(fmt.Sprint("x", i), "x: ["+strings.Repeat("1,", 20_000)+"]\n"))
			}
			put(tree, base+"kustomization.yaml", list(names...))
		}},
		"text": {false, func(tree fstest.MapFS) {
			put(tree, base+"more.yaml", object("x", "data:\n  x: |\n"+strings.Repeat("    {a: [1,2,3]}, - b\n", 20_000)))
			put(tree, base+"kustomization.yaml", list("more.yaml"))
		}},
		"a short list": {false, func(tree fstest.MapFS) {
			put(tree, base+"more.yaml", object("x", "x: ["+strings.Repeat("1,", 20_000)+"]\n"))
			put(tree, base+"kustomization.yaml", list("more.yaml"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			tree := app()
			test.change(tree)
			_, err := overlay.Set(tree, dev, pin)
			refusal := (*overlay.Refusal)(nil)
			if !test.refused && err != nil || test.refused && (!errors.As(err, &refusal) || refusal.Reason != overlay.ReasonTooLarge) {
				t.Errorf("error is %.300v", err)
			}
		})
	}
}

// Directories without a file count too, and so does the length of their names.
func TestDirectories(t *testing.T) {
	for name, put := range map[string]func(fstest.MapFS){
		"many": func(tree fstest.MapFS) {
			for i := range 2001 {
				tree[fmt.Sprintf("apps/payments/checkout/base/%d", i)] = &fstest.MapFile{Mode: 0o755 | 1<<31}
			}
		},
		"deep":   func(tree fstest.MapFS) { put(tree, "apps/payments/checkout/base/"+strings.Repeat("d/", 70)+"x", "") },
		"a name": func(tree fstest.MapFS) { put(tree, "apps/payments/checkout/base/"+strings.Repeat("n", 5000), "") },
	} {
		t.Run(name, func(t *testing.T) {
			tree := app()
			put(tree)
			_, err := overlay.Set(tree, dev, pin)
			if refusal := (*overlay.Refusal)(nil); !errors.As(err, &refusal) || refusal.Reason != overlay.ReasonTooLarge {
				t.Errorf("error is %.300v", err)
			}
		})
	}
}
