package story_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
	"github.com/comptech-lab/quay-push/pkg/overlay"
	"github.com/comptech-lab/quay-push/test/story"
)

// Each statement about a branch can be untrue, and only what is wrong is.
func TestProposed(t *testing.T) {
	o := overlay.Overlay{Team: "payments", App: "checkout", Env: "dev"}
	const branch, message = "ci/dev/3f4781f2", "bump: payments/checkout dev @aaaaaaaa"
	bumped := map[string]string{o.Path(): gitopstest.Kustomization("checkout", gitopstest.Digest("a"))}
	for _, c := range []struct {
		branch, message string
		files           map[string]string
		untrue          string
	}{
		{branch, message, bumped, ""},
		{"ci/dev/other", message, bumped, "branch ci/dev/other, named after the source commit"},
		{branch, "bump: another", bumped, "it has one commit: bump: another"},
		{branch, message, map[string]string{o.Path(): gitopstest.Kustomization("checkout", gitopstest.Digest("a")), "more": ""}, "and changes one line"},
		{branch, message, map[string]string{"more": "one line\n"}, "and changes one line"},
	} {
		server := gitopstest.Start(t, gitopstest.App("checkout"))
		server.Branch(c.branch, "main")
		server.Commit(c.branch, c.message, c.files)
		var out bytes.Buffer
		head, err := story.New(&out).Proposed(t.Context(), story.Proposal{
			Commit: story.SourceCommit,
			Git:    server.Git, Branch: c.branch, Overlay: o, Digest: gitopstest.Digest("a")})
		if err != nil || head != server.Head(c.branch) {
			t.Errorf("%v: head %q, %v", c, head, err)
		}
		if untrue := strings.Count(out.String(), "UNTRUE"); c.untrue == "" && untrue != 0 ||
			c.untrue != "" && (untrue != 1 || !strings.Contains(out.String(), "UNTRUE "+c.untrue)) {
			t.Errorf("%v: the story is\n%s", c, out.String())
		}
	}
}

func TestProposedWithoutABranch(t *testing.T) {
	server := gitopstest.Start(t, gitopstest.App("checkout"))
	if _, err := story.New(&bytes.Buffer{}).Proposed(t.Context(), story.Proposal{Git: server.Git, Branch: "ci/dev/none", Commit: story.SourceCommit}); err == nil ||
		!strings.Contains(err.Error(), "ci/dev/none") {
		t.Errorf("error is %v", err)
	}
}
