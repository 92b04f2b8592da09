//go:build e2e

package e2e

import (
	"context"
	"strings"
	"testing"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/tenant"
	"github.com/comptech-lab/quay-push/test/stage"
)

// offboard ends both teams, not while a run goes on. Afterwards the old token is nobody's, a robot without rights holds the place of
// the names, the trigger may create no run, a run that is there all the same is refused, and verify says that the team is gone.
func (p *platform) offboard(t *testing.T, ctx context.Context) {
	runs := s.Tekton.TektonV1().PipelineRuns(stage.SharedNamespace)
	pending := p.run("story--none")
	pending.Spec.Status = pipelinev1.PipelineRunSpecStatusPending
	pending, err := runs.Create(ctx, pending, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	trigger := p.trigger(t)
	last := p.inUse(ctx)
	token := secret.New(p.token(ctx, last))
	p.tool(ctx, cli.ExitConflict, "offboard", "story", "--yes", "--apply")
	p.tool(ctx, cli.ExitOK, "verify", "story")
	if _, err := runs.Patch(ctx, pending.Name, types.MergePatchType, []byte(`{"spec":{"status":"Cancelled"}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Wait(ctx, pending); err != nil {
		t.Fatal(err)
	}
	for _, team := range teams {
		p.tool(ctx, cli.ExitOK, "offboard", team, "--yes", "--apply")
		p.tool(ctx, cli.ExitMissing, "verify", team)
	}

	if _, err := p.quay.Rights(ctx, last, token, "team-story/app"); !quay.IsUnauthorized(err) {
		t.Errorf("asking for a right with the old token of %s: %v", last, err)
	}
	left, err := p.quay.Robots(ctx, "team-story")
	if names := tenant.Default().Names("story"); err != nil || len(left) != 1 || names.Generation(left[0].Name) != names.Generation(last)+1 ||
		len(left[0].Repositories)+len(left[0].Teams) > 0 {
		t.Errorf("robots are %v, %v, want the one after %s, without a right", left, err, last)
	}
	if repositories, err := p.quay.Repositories(ctx, "team-story"); err != nil || len(repositories) != 1 {
		t.Errorf("repositories are %v, %v", repositories, err)
	}
	waitUntil(t, ctx, "the Secret is gone", func() bool {
		_, err := s.Kube.CoreV1().Secrets(stage.SharedNamespace).Get(ctx, "quay-robot-team-story", metav1.GetOptions{})
		return apierrs.IsNotFound(err)
	})
	if _, err := trigger.TektonV1().PipelineRuns(stage.SharedNamespace).Create(ctx, p.run("story--none"), metav1.CreateOptions{}); !apierrs.IsInvalid(err) || !strings.Contains(err.Error(), "may not push as team story") {
		t.Errorf("creating a run as the trigger: %v, want Invalid", err)
	}
	refused(t, ctx, p.run("story--none"), v1alpha1.ReasonSecretUnreadable, "quay-robot-team-story")
}
