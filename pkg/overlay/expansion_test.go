package overlay_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/comptech-lab/quay-push/pkg/overlay"
)

// bomb is YAML with n levels of ten aliases each.
func bomb(n int) string {
	var b strings.Builder
	b.WriteString("x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n")
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, "x%d: &x%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*x%d, ", i-1), 10), ", "))
	}
	return b.String()
}

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"

func TestSetRefusesABomb(t *testing.T) {
	const serviceFile, baseFile = "apps/payments/checkout/base/service.yaml", "apps/payments/checkout/base/kustomization.yaml"
	for name, change := range map[string]func(fstest.MapFS){
		"a resource":        func(tree fstest.MapFS) { put(tree, serviceFile, configMap+bomb(9)) },
		"a second document": func(tree fstest.MapFS) { put(tree, serviceFile, service+"---\n"+configMap+bomb(9)) },
		"a loop":            func(tree fstest.MapFS) { put(tree, serviceFile, configMap+"x: &x [*x]\n") },
		"a patch written out": func(tree fstest.MapFS) {
			indented := strings.ReplaceAll(configMap+bomb(9), "\n", "\n      ")
			edit(tree, baseFile, "resources:", "patches:\n  - target: {kind: Deployment}\n    patch: |-\n      "+indented+"\nresources:")
		},
		"a patch file": func(tree fstest.MapFS) {
			edit(tree, baseFile, "resources:", "patches: [{path: patch.yaml}]\nresources:")
			put(tree, "apps/payments/checkout/base/patch.yaml", deployment+bomb(9))
		},
	} {
		t.Run(name, func(t *testing.T) {
			tree := app()
			change(tree)
			_, err := overlay.Set(tree, dev, pin)
			checkRefusal(t, err, overlay.ReasonTooLarge)
		})
	}
	// What people write is far from it.
	tree := app()
	put(tree, serviceFile, configMap+bomb(3))
	if _, err := overlay.Set(tree, dev, pin); err != nil {
		t.Error(err)
	}
}

// Whatever a base holds, it is rendered or refused; nothing panics, and nothing takes all the memory.
func FuzzSet(f *testing.F) {
	for _, text := range []string{base, deployment, service, configMap + bomb(3), "x: &x [*x]\n", "- a\n", "%", "{", "apiVersion: v1\nkind: List\nitems: []\n"} {
		f.Add(text, text)
	}
	f.Add(base+"patches: [{target: {kind: Deployment}, patch: '[{\"op\":\"remove\",\"path\":\"/spec\"}]'}]\n", deployment)
	f.Add(base+"configMapGenerator: [{name: a, literals: [b=c]}]\nreplicas: [{name: checkout, count: 2}]\n", service)
	f.Fuzz(func(t *testing.T, kustomization, resource string) {
		tree := app()
		put(tree, "apps/payments/checkout/base/kustomization.yaml", kustomization)
		put(tree, "apps/payments/checkout/base/service.yaml", resource)
		e, err := overlay.Set(tree, dev, pin)
		if err == nil && !strings.Contains(string(e.After), pin.Digest) || err != nil && e.After != nil {
			t.Fatalf("Set = %s, %v", e.After, err)
		}
	})
}
