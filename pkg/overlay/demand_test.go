package overlay_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/overlay"
)

var (
	errAway   = errors.New("the registry is away")
	noReceipt = &overlay.Refusal{Reason: overlay.ReasonNoReceipt, Problem: "there is none", Next: "push it"}
)

// asker records what it is asked about, and answers err for one image.
type asker struct {
	t     *testing.T
	asked []string
}

func (a *asker) demand(image string, err error) overlay.Demand {
	return func(_ context.Context, o overlay.Overlay, pin overlay.Pin) error {
		if o != dev {
			a.t.Errorf("asked for %s", o)
		}
		a.asked = append(a.asked, pin.Image)
		if pin.Image == image {
			return err
		}
		return nil
	}
}

// Each digest in images is asked about; the first that does not meet a demand ends it.
func TestMeets(t *testing.T) {
	for name, test := range map[string]struct {
		image string
		want  error
		asked []string
	}{
		"met":              {"", nil, []string{checkout, proxy}},
		"the second fails": {proxy, noReceipt, []string{checkout, proxy}},
		"the first fails":  {checkout, noReceipt, []string{checkout}},
		"nobody answers":   {checkout, errAway, []string{checkout}},
	} {
		a := &asker{t: t}
		if err := dev.Meets(t.Context(), app(), a.demand(test.image, test.want)); !errors.Is(err, test.want) || !slices.Equal(a.asked, test.asked) {
			t.Errorf("%s: %v after %v, want %v after %v", name, err, a.asked, test.want, test.asked)
		}
	}
	a := &asker{t: t}
	if err := dev.Meets(t.Context(), app(), a.demand("", nil), a.demand(checkout, noReceipt)); !errors.Is(err, noReceipt) || len(a.asked) != 2 {
		t.Errorf("of two demands the second fails: %v after %v", err, a.asked)
	}
	if err := in("prd").Meets(t.Context(), app()); err != nil {
		t.Errorf("without a demand: %v", err)
	}
	if err := in("prd").Meets(t.Context(), app(), a.demand("", nil)); err == nil {
		t.Error("what has no digest meets a demand")
	}
}

// What would run is asked about, also what the base pins and no item of images; a refusal is a finding, and no answer is none.
func TestVerifyDemands(t *testing.T) {
	tree := app()
	sidecar := "registry.example.com/mesh/proxy"
	edit(tree, "apps/payments/checkout/base/deployment.yaml", proxy+":placeholder", sidecar+"@"+digest("9"))
	edit(tree, dev.Path(), "  - name: "+proxy+"\n    newName: "+proxy+"\n", "")
	text := string(tree[dev.Path()].Data)
	put(tree, dev.Path(), text[:len(text)-len("    digest: "+digest("e")+"\n")])
	a := &asker{t: t}
	found, err := overlay.VerifyOverlay(t.Context(), tree, dev, nil, a.demand(sidecar, noReceipt))
	slices.Sort(a.asked)
	if err != nil || len(found) != 1 || found[0].Reason != overlay.ReasonNoReceipt || !slices.Equal(a.asked, []string{checkout, sidecar}) {
		t.Errorf("found %v, %v; asked about %v", found, err, a.asked)
	}
	if _, err := overlay.VerifyOverlay(t.Context(), tree, dev, nil, a.demand(checkout, errAway)); !errors.Is(err, errAway) {
		t.Errorf("nobody answers: %v", err)
	}
}
