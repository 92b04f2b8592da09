package overlay_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/overlay"
)

func TestAll(t *testing.T) {
	tree := app()
	put(tree, "apps/README.md", "")
	put(tree, "apps/payments/README.md", "")
	put(tree, "apps/payments/checkout/overlays/README.md", "")
	put(tree, "apps/payments/checkout/overlays/qa/kustomization.yaml", "")
	put(tree, "apps/Odd Team/UI/overlays/dev/kustomization.yaml", "")
	link(tree, "apps/payments/checkout/overlays/link", "dev")
	got, err := overlay.All(tree)
	want := []overlay.Overlay{{"Odd Team", "UI", "dev"}, dev, {"payments", "checkout", "link"}, in("prd"), {"payments", "checkout", "qa"}, in("stg")}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v, overlays (-want +got):\n%s", err, diff)
	}
}

// What kustomize makes of an overlay counts, wherever a digest stands in it, and what it cannot make is a refusal.
func TestDigests(t *testing.T) {
	for name, c := range map[string]struct {
		env  string
		make func(edit func(name, old, new string), put func(name, content string))
		want []string
	}{
		"dev":           {"dev", nil, []string{digest("d"), digest("1")}},
		"no digest yet": {"prd", nil, nil},
		"another env": {"qa", func(_ func(_, _, _ string), put func(_, _ string)) {
			put("apps/payments/checkout/overlays/qa/kustomization.yaml", "resources: [../../base]\nimages: [{name: "+checkout+", digest: \""+digest("e")+"\"}]\n")
		}, []string{digest("e")}},
		"of the base": {"prd", func(edit func(_, _, _ string), _ func(_, _ string)) {
			edit("apps/payments/checkout/base/deployment.yaml", "payments/checkout:placeholder", "payments/other@"+digest("b"))
		}, []string{digest("b")}},
		"in an argument": {"prd", func(edit func(_, _, _ string), _ func(_, _ string)) {
			edit("apps/payments/checkout/base/deployment.yaml", "{name: app,", "{name: app, args: [--sidecar=x@"+digest("c")+"],")
		}, []string{digest("c")}},
		"as an escape": {"prd", func(edit func(_, _, _ string), _ func(_, _ string)) {
			edit(in("prd").Path(), "images:", "commonAnnotations: {by: \"sha256:"+strings.Repeat("\\u0066", 64)+"\"}\nimages:")
		}, []string{digest("f")}},
	} {
		tree := app()
		if c.make != nil {
			c.make(func(name, old, new string) { edit(tree, name, old, new) }, func(name, content string) { put(tree, name, content) })
		}
		got, err := in(c.env).Digests(tree)
		slices.Sort(got)
		slices.Sort(c.want)
		if got = slices.Compact(got); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, error %v, want %q", name, got, err, c.want)
		}
	}
	for name, text := range map[string]string{"no YAML": "{", "a remote base": "resources: [https://github.com/x/y]", "a base that is not there": "resources: [../../base, ../none]"} {
		tree := app()
		put(tree, in("prd").Path(), text)
		if got, err := in("prd").Digests(tree); !errors.As(err, new(*overlay.Refusal)) {
			t.Errorf("%s: %q, error %v", name, got, err)
		}
	}
}
