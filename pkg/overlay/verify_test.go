package overlay_test

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/overlay"
)

func TestVerify(t *testing.T) {
	const baseDir = "apps/payments/checkout/base"
	sameForAll := func(reason overlay.Reason) []string {
		return []string{"dev " + string(reason), "prd " + string(reason), "stg " + string(reason)}
	}
	in3 := func(change func(tree fstest.MapFS, name string)) func(fstest.MapFS) {
		return func(tree fstest.MapFS) {
			for _, env := range overlay.Environments {
				change(tree, in(env).Path())
			}
		}
	}
	for name, test := range map[string]struct {
		want   []string
		change func(fstest.MapFS)
	}{
		"nothing":           {nil, func(fstest.MapFS) {}},
		"files beside apps": {nil, func(tree fstest.MapFS) { put(tree, "apps/README.md", ""); put(tree, "apps/payments/README.md", "") }},
		"newTag in dev":     {nil, func(tree fstest.MapFS) { edit(tree, dev.Path(), "digest: "+digest("d"), "newTag: v1") }},
		"newTag in stg and prd": {[]string{"stg new-tag", "stg not-pinned"}, func(tree fstest.MapFS) {
			edit(tree, in("stg").Path(), "digest: "+digest("5"), "newTag: v1")
		}},
		"a tag beside the digest": {[]string{"dev new-tag", "dev no-effect"}, func(tree fstest.MapFS) {
			edit(tree, dev.Path(), digest("d"), digest("d")+"\n    newTag: v1")
		}},
		"a suffix": {[]string{"prd new-tag", "prd new-tag"}, func(tree fstest.MapFS) {
			edit(tree, in("prd").Path(), "digest: ", "tagSuffix: x\n    digest: ")
		}},
		"no digest": {[]string{"dev no-digest", "prd no-digest", "prd not-pinned", "stg no-digest", "stg not-pinned"}, in3(func(tree fstest.MapFS, name string) {
			put(tree, name, "resources: [../../base]\nimages: [{name: "+checkout+", newName: "+checkout+"}, {name: "+proxy+", newName: "+proxy+", digest: "+digest("1")+"}]\n")
		})},
		"a digest that is none": {[]string{"dev digest", "prd digest", "prd not-pinned", "stg digest", "stg not-pinned"}, in3(func(tree fstest.MapFS, name string) {
			put(tree, name, "resources: [../../base]\nimages: [{name: "+checkout+", newName: "+checkout+", digest: sha512:a}, {name: "+proxy+", newName: "+proxy+", digest: "+digest("1")+"}]\n")
		})},
		"no item for the sidecar": {[]string{"prd not-pinned", "stg not-pinned"}, in3(func(tree fstest.MapFS, name string) {
			put(tree, name, "resources: [../../base]\nimages: [{name: "+checkout+", newName: "+checkout+", digest: "+digest("1")+"}]\n")
		})},
		"no images":         {sameForAll(overlay.ReasonNoEntry), in3(func(tree fstest.MapFS, name string) { put(tree, name, "resources: [../../base]\n") })},
		"a name twice":      {[]string{"dev two-entries", "dev two-entries", "dev no-effect"}, func(tree fstest.MapFS) { edit(tree, dev.Path(), proxy, checkout) }},
		"another name":      {[]string{"dev base-image", "dev no-effect"}, func(tree fstest.MapFS) { edit(tree, dev.Path(), checkout, checkout+"s") }},
		"another newName":   {[]string{"dev new-name", "dev no-effect"}, func(tree fstest.MapFS) { edit(tree, dev.Path(), "newName: "+checkout, "newName: "+checkout+"s") }},
		"no newName":        {[]string{"dev new-name"}, func(tree fstest.MapFS) { edit(tree, dev.Path(), "    newName: "+checkout+"\n", "") }},
		"a missing overlay": {[]string{"stg missing"}, func(tree fstest.MapFS) { delete(tree, in("stg").Path()) }},
		"no overlays":       {sameForAll(overlay.ReasonMissing), func(tree fstest.MapFS) { move(tree, "apps/payments/checkout/overlays", "elsewhere") }},
		"no base":           {sameForAll(overlay.ReasonMissing), func(tree fstest.MapFS) { move(tree, baseDir, "elsewhere") }},
		"a fourth overlay":  {[]string{"qa environment"}, func(tree fstest.MapFS) { put(tree, in("qa").Path(), "") }},
		"a name of a team":  {[]string{"dev path", "prd path", "stg path"}, func(tree fstest.MapFS) { move(tree, "apps/payments", "apps/Payments") }},
		"an app that is a link": {[]string{"dev symlink", "prd symlink", "stg symlink"}, func(tree fstest.MapFS) {
			link(tree, "apps/payments/refunds", "checkout")
		}},
		"a base that does not render": {sameForAll(overlay.ReasonRender), func(tree fstest.MapFS) { put(tree, baseDir+"/kustomization.yaml", "resource: []\n") }},
		"an overlay that does not":    {[]string{"stg render"}, func(tree fstest.MapFS) { edit(tree, in("stg").Path(), "images:", "image: x\nimages:") }},
		"a URL":                       {[]string{"dev remote"}, func(tree fstest.MapFS) { edit(tree, dev.Path(), "../../base", "../../base\n  - https://example.com/x") }},
		"two documents":               {[]string{"dev multi-document"}, func(tree fstest.MapFS) { edit(tree, dev.Path(), "images:", "---\nimages:") }},
	} {
		t.Run(name, func(t *testing.T) {
			tree := app()
			test.change(tree)
			findings, err := overlay.VerifyRepository(context.Background(), tree, nil)
			if err != nil {
				t.Fatal(err)
			}
			checkFindings(t, test.want, findings)
		})
	}
}

// checkFindings compares the findings, each as the last directory of its path and its reason.
func checkFindings(t *testing.T, want []string, findings []overlay.Finding) {
	t.Helper()
	got := map[string]int{}
	for _, f := range findings {
		got[path.Base(strings.TrimSuffix(f.Path, "/kustomization.yaml"))+" "+string(f.Reason)]++
		if f.Problem == "" || f.Next == "" || !strings.HasPrefix(f.Error(), f.Path+": ") {
			t.Errorf("finding %+v says too little", f)
		}
	}
	expected := map[string]int{}
	for _, w := range want {
		expected[w]++
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s\n%v", diff, findings)
	}
}

// registry is one in which some digests have tags.
type registry map[string][]string

// elsewhere are the tags of an image that another registry has.
var elsewhere = []string{"elsewhere"}

func (r registry) Fate(_ context.Context, image, digest string) (overlay.Fate, error) {
	tags, ok := r[image+"@"+digest]
	if !ok {
		return overlay.Fate{}, errors.New("nobody should ask for " + image + "@" + digest)
	}
	if slices.Equal(tags, elsewhere) {
		return overlay.Fate{}, overlay.ErrElsewhere
	}
	return overlay.Fate{Tags: tags}, nil
}

// An image of another registry is neither alive nor dead.
func TestVerifyOfAnotherRegistry(t *testing.T) {
	r := registry{checkout + "@" + digest("d"): {"v2"}, proxy + "@" + digest("1"): elsewhere}
	findings, err := overlay.VerifyOverlay(t.Context(), app(), dev, r)
	if err != nil || len(findings) > 0 {
		t.Errorf("VerifyOverlay = %v, %v", findings, err)
	}
}

func TestVerifyAsksTheRegistry(t *testing.T) {
	r := registry{
		checkout + "@" + digest("d"): {"v2"}, proxy + "@" + digest("1"): {"v2"},
		checkout + "@" + digest("5"): {}, proxy + "@" + digest("2"): {"v1", "latest"},
	}
	findings, err := overlay.VerifyRepository(context.Background(), app(), r)
	if err != nil {
		t.Fatal(err)
	}
	checkFindings(t, []string{"stg not-alive"}, findings)
	delete(r, checkout+"@"+digest("5"))
	if _, err := overlay.VerifyRepository(context.Background(), app(), r); err == nil {
		t.Error("the registry's error is lost")
	}
}

// A digest that the base has, and no item of images, runs too: it is asked about, once.
func TestVerifyAsksAboutTheBase(t *testing.T) {
	const own, other = "quay.example.com/team-payments/agent", "docker.io/library/agent"
	for name, test := range map[string]struct {
		image string
		tags  []string
		want  []string
	}{
		"alive":               {own + "@" + digest("a"), []string{"v1"}, nil},
		"with a tag":          {own + ":v1@" + digest("a"), []string{}, []string{"dev not-alive"}},
		"dead":                {own + "@" + digest("a"), []string{}, []string{"dev not-alive"}},
		"of another registry": {other + "@" + digest("a"), elsewhere, nil},
	} {
		t.Run(name, func(t *testing.T) {
			tree := app()
			edit(tree, "apps/payments/checkout/base/deployment.yaml", "      containers:\n",
				"      containers:\n        - {name: one, image: \""+test.image+"\"}\n        - {name: two, image: \""+test.image+"\"}\n")
			asked := registry{checkout + "@" + digest("d"): {"v2"}, proxy + "@" + digest("1"): {"v2"}}
			key := own + "@" + digest("a")
			if strings.HasPrefix(test.image, other) {
				key = test.image
			}
			asked[key] = test.tags
			findings, err := overlay.VerifyOverlay(t.Context(), tree, dev, asked)
			if err != nil {
				t.Fatal(err)
			}
			checkFindings(t, test.want, findings)
			delete(asked, key)
			if _, err := overlay.VerifyOverlay(t.Context(), tree, dev, asked); err == nil {
				t.Error("nobody asked about the base's image")
			}
		})
	}
}

// Where no overlay is, none is right.
func TestVerifyOfNoApps(t *testing.T) {
	for name, files := range map[string][]string{
		"nothing": nil, "a file": {"apps"}, "other files": {"README.md", "apps/README.md", "apps/payments/README.md"}, "another layout": {"payments/checkout/overlays/dev/kustomization.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			tree := fstest.MapFS{}
			for _, name := range files {
				put(tree, name, "")
			}
			findings, err := overlay.VerifyRepository(context.Background(), tree, nil)
			if err != nil || len(findings) != 1 || findings[0].Path != "apps" || findings[0].Reason != overlay.ReasonMissing || findings[0].Problem != `no overlay found below "apps"` {
				t.Errorf("VerifyRepository = %v, %v", findings, err)
			}
		})
	}
}
