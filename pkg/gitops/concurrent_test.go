package gitops_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/comptech-lab/quay-push/pkg/gitops"
	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
)

// TestConcurrentUpdates has many updates of one repository go on together, each of another app.
func TestConcurrentUpdates(t *testing.T) {
	runs := 200
	if testing.Short() {
		runs = 40
	}
	files := map[string]string{}
	for i := range runs {
		maps.Copy(files, gitopstest.App(fmt.Sprintf("app-%03d", i)))
	}
	server := gitopstest.Start(t, files)
	main := server.Head("main")
	credential := credentials(t, gitopstest.Password)
	got := make([]gitops.Result, runs)
	var group errgroup.Group
	for i := range runs {
		group.Go(func() error {
			name := fmt.Sprintf("app-%03d", i)
			var err error
			got[i], err = gitops.Update(context.Background(), gitops.Options{
				Repository: server.URL(), PlainHTTP: true, Team: "payments", App: name, Image: gitopstest.Image(name), Digest: numbered(i),
				SourceCommit: fmt.Sprintf("%08x%032d", i, 0), Credential: credential,
				Timeout: time.Hour, // The machine may be slow; what counts is that none is lost.
			})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	branches := []string{"main"}
	for i, result := range got {
		branches = append(branches, result.Branch)
		if head := server.Head(result.Branch); head != result.Commit || !result.Changed {
			t.Errorf("run %d: %+v, the branch is at %q", i, result, head)
		}
	}
	slices.Sort(branches)
	if diff := cmp.Diff(branches, server.Branches()); diff != "" || server.Head("main") != main {
		t.Errorf("branches (-reported +there):\n%s", diff)
	}
	for i, result := range got {
		name := fmt.Sprintf("app-%03d", i)
		want := "M\tapps/payments/" + name + "/overlays/dev/kustomization.yaml\n"
		if changed := gitopstest.Git(t, server.Dir, "diff", "--name-status", "main", result.Branch); changed != want {
			t.Errorf("%s changes %q, want %q", result.Branch, changed, want)
		}
		if content := server.File(result.Branch, strings.TrimSpace(strings.TrimPrefix(want, "M\t"))); content != gitopstest.Kustomization(name, numbered(i)) {
			t.Errorf("%s has %s", result.Branch, content)
		}
	}
	gitopstest.Git(t, server.Dir, "fsck", "--strict")
}

// numbered is a digest, a different one for each number.
func numbered(i int) string { return fmt.Sprintf("sha256:%064x", i+1) }
