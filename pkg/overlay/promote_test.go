package overlay_test

import (
	"testing"
	"testing/fstest"

	"github.com/comptech-lab/quay-push/pkg/overlay"
)

func TestPromote(t *testing.T) {
	for _, test := range []struct{ from, to, app, sidecar string }{{"dev", "stg", "d", "1"}, {"stg", "prd", "5", "2"}} {
		e, err := overlay.Promote(app(), in(test.from), test.to)
		if err != nil {
			t.Fatal(err)
		}
		if want := kustomization(test.to, digest(test.app), digest(test.sidecar)); e.Path != in(test.to).Path() || string(e.After) != want {
			t.Errorf("Promote from %s = %s with\n%s\nwant\n%s", test.from, e.Path, e.After, want)
		}
	}
}

func TestNextEnvironment(t *testing.T) {
	for env, want := range map[string]string{"dev": "stg", "stg": "prd", "prd": "", "qa": "", "": ""} {
		if got := overlay.NextEnvironment(env); got != want {
			t.Errorf("NextEnvironment(%q) = %q, want %q", env, got, want)
		}
	}
}

func TestPromoteAgainChangesNothing(t *testing.T) {
	tree := app()
	put(tree, in("stg").Path(), kustomization("stg", digest("d"), digest("1")))
	if e, err := overlay.Promote(tree, dev, "stg"); err != nil || e.Changed() {
		t.Errorf("Promote = %+v, %v", e, err)
	}
}

func TestPromoteRefuses(t *testing.T) {
	none := func(fstest.MapFS) {}
	for name, test := range map[string]struct {
		from, to string
		reason   overlay.Reason
		change   func(fstest.MapFS)
	}{
		"a skip":               {"dev", "prd", overlay.ReasonOrder, none},
		"backwards":            {"prd", "stg", overlay.ReasonOrder, none},
		"itself":               {"dev", "dev", overlay.ReasonOrder, none},
		"an unknown target":    {"dev", "qa", overlay.ReasonEnvironment, none},
		"an unknown source":    {"qa", "dev", overlay.ReasonEnvironment, none},
		"no source":            {"dev", "stg", overlay.ReasonMissing, func(tree fstest.MapFS) { delete(tree, dev.Path()) }},
		"no target":            {"dev", "stg", overlay.ReasonMissing, func(tree fstest.MapFS) { delete(tree, in("stg").Path()) }},
		"a placeholder":        {"dev", "stg", overlay.ReasonNotPinned, func(tree fstest.MapFS) { edit(tree, dev.Path(), digest("1"), overlay.Placeholder) }},
		"a tag":                {"dev", "stg", overlay.ReasonNotPinned, func(tree fstest.MapFS) { edit(tree, dev.Path(), "digest: "+digest("d"), "newTag: v1") }},
		"a tag and a digest":   {"dev", "stg", overlay.ReasonNotPinned, func(tree fstest.MapFS) { edit(tree, dev.Path(), digest("d"), digest("d")+"\n    newTag: v1") }},
		"a tag in the target":  {"dev", "stg", overlay.ReasonNewTag, func(tree fstest.MapFS) { edit(tree, in("stg").Path(), digest("5"), digest("5")+"\n    newTag: v1") }},
		"an item less there":   {"dev", "stg", overlay.ReasonNoEntry, func(tree fstest.MapFS) { edit(tree, in("stg").Path(), "name: "+checkout+" #", "name: other #") }},
		"no images":            {"dev", "stg", overlay.ReasonNoEntry, func(tree fstest.MapFS) { put(tree, dev.Path(), "resources: [../../base]\n") }},
		"a source like no one": {"dev", "stg", overlay.ReasonDuplicateKey, func(tree fstest.MapFS) { edit(tree, dev.Path(), "images:", "namespace: x\nimages:") }},
		"an anchor":            {"dev", "stg", overlay.ReasonAnchor, func(tree fstest.MapFS) { edit(tree, dev.Path(), "images:", "images: &x") }},
	} {
		t.Run(name, func(t *testing.T) {
			tree := app()
			test.change(tree)
			e, err := overlay.Promote(tree, in(test.from), test.to)
			checkRefusal(t, err, test.reason)
			if e.After != nil {
				t.Errorf("there is an edit: %s", e.After)
			}
		})
	}
}

// A newTag is forbidden in stg and prd; a promotion puts the digest in its place.
func TestPromoteReplacesNewTag(t *testing.T) {
	tree := app()
	edit(tree, in("stg").Path(), "digest: "+digest("5"), "newTag: v1")
	e, err := overlay.Promote(tree, dev, "stg")
	if want := kustomization("stg", digest("d"), digest("1")); err != nil || string(e.After) != want {
		t.Errorf("Promote = %s, %v", e.After, err)
	}
}
