package retention_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
)

// Every branch that renders a digest is told, and one that has it in another file; not what a branch had before, nor other digests.
func TestPins(t *testing.T) {
	files := gitopstest.App("checkout")
	files[devOf] = gitopstest.Kustomization("checkout", digest("a"))
	s := gitopstest.Start(t, files)
	s.Branch("ci/dev/x", "main")
	s.Branch("later", "main")
	s.Commit("later", "bump", map[string]string{devOf: gitopstest.Kustomization("checkout", digest("b")), "notes.md": "x@" + digest("c")})
	pinned, gaps := gitSource(t, s).Pins(t.Context(), []string{digest("a"), digest("b"), digest("c"), digest("d")}, time.Now())
	want := map[string][]string{digest("a"): {"branch ci/dev/x of gitops.git", "branch main of gitops.git"}, digest("b"): {"branch later of gitops.git"},
		digest("c"): {"branch later of gitops.git"}}
	if diff := cmp.Diff(want, pinned); diff != "" || len(gaps) > 0 {
		t.Errorf("gaps %v, pinned (-want +got):\n%s", gaps, diff)
	}
}

// What cannot be read is a gap; the branches that can be are told all the same.
func TestPinsGaps(t *testing.T) {
	files := gitopstest.App("checkout")
	files[devOf] = gitopstest.Kustomization("checkout", digest("a"))
	s := gitopstest.Start(t, files)
	s.Branch("x", "main")
	s.Commit("x", "break it", map[string]string{devOf: "{"})
	pinned, gaps := gitSource(t, s).Pins(t.Context(), []string{digest("a")}, time.Now())
	if diff := cmp.Diff(map[string][]string{digest("a"): {"branch main of gitops.git"}}, pinned); diff != "" {
		t.Errorf("pinned (-want +got):\n%s", diff)
	}
	if len(gaps) != 1 || gaps[0].Organization != "team-payments" || !strings.Contains(gaps[0].What, "on branch x of gitops.git") {
		t.Errorf("gaps are %v", gaps)
	}
	down := func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return true
	}
	s.Before.Store(&down)
	if pinned, gaps := gitSource(t, s).Pins(t.Context(), []string{digest("a")}, time.Now()); len(pinned) > 0 || len(gaps) != 1 {
		t.Errorf("pinned %v, gaps %v", pinned, gaps)
	}
}
