package retention_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
)

// What a file in Git LFS needs is not known, where it may name an image: its team's, or everything where it is in no team's directory.
func TestGitLFS(t *testing.T) {
	pointer := "version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("7", 64) + "\nsize 4242\n"
	files := gitopstest.App("checkout")
	files[devOf] = gitopstest.Kustomization("checkout", digest("a"))
	files[".gitattributes"] = "*.tgz filter=lfs diff=lfs merge=lfs -text\n"
	files["apps/payments/docs/logo.png"] = pointer // The first of this content, and one of which nobody makes an image.
	files["apps/payments/values/prod.yaml"] = pointer
	files["charts/checkout-1.0.0.tgz"] = pointer
	files["notes/lfs.md"] = pointer + digest("c") + "\n"
	files["notes/lfs.yaml"] = "# as in: " + pointer
	s := gitopstest.Start(t, files)
	s.Branch("x", "main")
	s.Commit("x", "one more", map[string]string{"values.json": pointer})
	look := func(set func(ignore, protect *bool)) []string {
		t.Helper()
		g := gitSource(t, s)
		var protect bool
		if set(&g.IgnoreLFS, &protect); protect {
			g.Protected = []string{"main"}
		}
		d := g.Look(t.Context(), ago(grace))
		for _, letter := range []string{"a", "c"} {
			if who := d.By(digest(letter)); who != "branch main of gitops.git" {
				t.Errorf("%s is needed by %q", letter, who)
			}
		}
		return gapsOf(d)
	}
	main := []string{`a file "charts/checkout-1.0.0.tgz" of branch main of gitops.git`, `team-payments a file "apps/payments/values/prod.yaml" of branch main of gitops.git`}
	want := slices.Insert(slices.Clone(main), 1, `a file "values.json" of branch x of gitops.git`)
	if got := look(func(_, _ *bool) {}); !slices.Equal(got, want) {
		t.Errorf("gaps %q", got)
	}
	want = slices.Insert(slices.Clone(main), 1, `ignored: a file "values.json" of branch x of gitops.git`)
	if got := look(func(_, protect *bool) { *protect = true }); !slices.Equal(got, want) {
		t.Errorf("of a protected branch: gaps %q", got)
	}
	if got := look(func(ignore, _ *bool) { *ignore = true }); len(got) > 0 {
		t.Errorf("ignored: gaps %q", got)
	}
	// No anchor goes that a chart in it may pin.
	r := collect(t, fake(anchor(digest("a"), 90*day), anchor(digest("b"), 90*day)), false, gitSource(t, s))
	if got := outcomes(r)[digest("b")]; got.Outcome != "unknown" || !strings.Contains(r.Gaps[0].Err.Error(), "--ignore-lfs") {
		t.Errorf("%+v, gaps %+v", got, r.Gaps)
	}
}
