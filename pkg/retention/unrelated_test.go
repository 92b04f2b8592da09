package retention_test

import (
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/retention"
)

// A repository that can be read, and names nothing that is or was in Quay, is another one: nothing goes, until somebody says that it is meant.
func TestUnrelated(t *testing.T) {
	right, wrong := gitopstest.App("checkout"), gitopstest.App("checkout")
	right[devOf] = gitopstest.Kustomization("checkout", digest("a"))
	wrong[devOf] = gitopstest.Kustomization("checkout", digest("f"))
	needs := gitSource(t, gitopstest.Start(t, right))
	other := gitSource(t, gitopstest.Start(t, wrong))
	old := quay.Tag{Name: "main", Digest: digest("f"), Start: ago(90 * day), End: ago(80 * day)}
	for name, row := range map[string]struct {
		tags    []quay.Tag
		sources []retention.Source
		allow   bool
		goes    int
		gap     string
	}{
		"the right one":                     {tags: []quay.Tag{anchor(digest("a"), 90*day), anchor(digest("b"), 90*day)}, sources: []retention.Source{needs}, goes: 1},
		"a wrong one":                       {tags: []quay.Tag{anchor(digest("a"), 90*day), anchor(digest("b"), 90*day)}, sources: []retention.Source{other}, gap: other.Reader.URL()},
		"a wrong one beside it":             {tags: []quay.Tag{anchor(digest("a"), 90*day), anchor(digest("b"), 90*day)}, sources: []retention.Source{needs, other}, gap: other.Reader.URL()},
		"a wrong one beside a cluster":      {tags: []quay.Tag{anchor(digest("a"), 90*day), anchor(digest("b"), 90*day)}, sources: []retention.Source{other, &fakeSource{needs: map[string]string{digest("a"): "Pod x"}}}, gap: other.Reader.URL()},
		"it is meant":                       {tags: []quay.Tag{anchor(digest("a"), 90*day), anchor(digest("b"), 90*day)}, sources: []retention.Source{other}, allow: true, goes: 2},
		"what it names has no anchor":       {tags: []quay.Tag{anchor(digest("b"), 90*day), old}, sources: []retention.Source{other}, goes: 1},
		"nothing is to go, so nobody cares": {tags: []quay.Tag{anchor(digest("b"), day)}, sources: []retention.Source{other}},
	} {
		for _, dryRun := range []bool{true, false} {
			q := fake(row.tags...)
			r := retention.Collect(t.Context(), q, retention.Options{Organizations: []string{"team-a"}, Sources: row.sources, Grace: grace, Parallel: 2, DryRun: dryRun,
				AllowUnrelated: row.allow, Now: func() time.Time { return now }})
			if got := r.Count(retention.LetGo); got != row.goes || (len(q.changed()) > 0) != (!dryRun && row.goes > 0) {
				t.Errorf("%s: %d go, want %d, it did %q", name, got, row.goes, q.changed())
			}
			switch {
			case row.gap == "" && len(r.Gaps) > 0:
				t.Errorf("%s: gaps %+v", name, r.Gaps)
			case row.gap != "" && (len(r.Gaps) != 1 || r.Gaps[0].What != row.gap || !strings.Contains(r.Gaps[0].Err.Error(), "see whether --gitops is right")):
				t.Errorf("%s: gaps %+v", name, r.Gaps)
			}
			for _, a := range r.Anchors {
				if a.Outcome == retention.Unknown && a.Why != row.gap+" names no image that was looked at" {
					t.Errorf("%s: %+v", name, a)
				}
			}
		}
	}
}
