package overlay_test

import (
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/overlay"
)

// A digest that goes into an image volume is told of with its place: what renders in the cluster may be a kustomize that does not know
// it. Another image's volume is none of that.
func TestImageVolumesAreWarnedOf(t *testing.T) {
	for name, test := range map[string]struct {
		volumes string
		places  []string
	}{
		"none":            {"", nil},
		"another image's": {`{name: x, image: {reference: "` + proxy + `:v1"}}`, nil},
		"an empty one":    {`{name: x, emptyDir: {}}`, nil},
		"one":             {`{name: x, image: {reference: "` + checkout + `:v1"}}`, []string{`Deployment "checkout" spec.template.spec.volumes[0].image.reference`}},
		"two": {`{name: x, image: {reference: "` + checkout + `:v1"}}, {name: y, image: {reference: "` + checkout + `"}}`,
			[]string{`Deployment "checkout" spec.template.spec.volumes[0].image.reference`, `Deployment "checkout" spec.template.spec.volumes[1].image.reference`}},
	} {
		t.Run(name, func(t *testing.T) {
			tree := warned{app(), map[string]int{}}
			edit(tree.MapFS, "apps/payments/checkout/base/deployment.yaml", "      containers:", "      volumes: ["+test.volumes+"]\n      containers:")
			if _, err := overlay.Set(tree, dev, pin); err != nil {
				t.Fatal(err)
			}
			want := map[string]int{}
			if test.places != nil {
				want["a kustomize older than v5.8.1, such as that of kubectl or Argo CD may be, can leave an image volume without the digest: "+strings.Join(test.places, ", ")] = 1
			}
			if len(tree.lines) != len(want) {
				t.Errorf("the warnings are %v, want %v", tree.lines, want)
			}
			for line := range want {
				if tree.lines[line] != 1 {
					t.Errorf("the warnings are %v, want %v", tree.lines, want)
				}
			}
		})
	}
}
