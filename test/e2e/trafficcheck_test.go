//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/test/stage"
)

// check waits until all pushes have ended, and holds what became of them against what must.
func (f *traffic) check(t *testing.T, ctx context.Context) {
	t.Helper()
	for _, run := range f.runs {
		ended, err := s.Wait(ctx, run.PipelineRun)
		if err != nil {
			t.Fatalf("lost: %v", err)
		}
		if outcome := stage.Outcome(ended.Status.Conditions); !outcome.IsTrue() {
			t.Errorf("%s failed: %s: %s; %s", run.Name, outcome.Reason, outcome.Message, whatFailed(ctx, ended))
		}
		if digest := stage.Results(ended)["digest"]; digest != run.digest {
			t.Errorf("%s says that it pushed %q, its image is %s", run.Name, digest, run.digest)
		}
	}
	for _, seen := range f.seen {
		for end, n := range seen.check(t, ctx) {
			if end != "True Succeeded" {
				t.Errorf("%d CustomRuns ended with %s", n, end)
			}
		}
	}
	f.checkTasks(t, ctx)
	for _, team := range []stage.Tenant{stage.Payments, stage.Platform} {
		f.checkQuay(t, ctx, team)
	}
	took := f.runs[len(f.runs)-1].CreationTimestamp.Sub(f.runs[0].CreationTimestamp.Time)
	t.Logf("%d pushes in %s, %.1f a minute", len(f.runs), took, float64(len(f.runs)-1)/took.Minutes())
}

// whatFailed is what the children of the run say of themselves.
func whatFailed(ctx context.Context, run *pipelinev1.PipelineRun) (said string) {
	for _, child := range run.Status.ChildReferences {
		if custom, err := s.Tekton.TektonV1beta1().CustomRuns(run.Namespace).Get(ctx, child.Name, metav1.GetOptions{}); err == nil {
			said += fmt.Sprintf("CustomRun %s: %+v ", child.Name, custom.Status.Conditions)
		}
		if task, err := s.Tekton.TektonV1().TaskRuns(run.Namespace).Get(ctx, child.Name, metav1.GetOptions{}); err == nil {
			said += fmt.Sprintf("TaskRun %s: %+v ", child.Name, task.Status.Conditions)
		}
	}
	return said
}

// checkTasks makes sure that each run has one TaskRun, which was tried once.
func (f *traffic) checkTasks(t *testing.T, ctx context.Context) {
	t.Helper()
	for _, run := range f.runs {
		tasks, err := s.Tekton.TektonV1().TaskRuns(run.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "tekton.dev/pipelineRun=" + run.Name})
		if err != nil {
			t.Fatal(err)
		}
		if len(tasks.Items) != 1 || len(tasks.Items[0].Status.RetriesStatus) > 0 {
			t.Errorf("%s had %d TaskRuns: %+v", run.Name, len(tasks.Items), tasks.Items)
		}
	}
}

// checkQuay makes sure that Quay's log has one push of each run's tag, and that the tag is of the run's image and has been from the beginning.
func (f *traffic) checkQuay(t *testing.T, ctx context.Context, team stage.Tenant) {
	t.Helper()
	organization, repository := "team-"+team.Team, strings.TrimPrefix(team.Repository, s.Quay.Host+"/")
	log, err := f.client.Pushes(ctx, organization, organization+"+ci", f.since, time.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	tags, err := f.client.Tags(ctx, repository, f.since.Add(-time.Second))
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range f.runs {
		if run.team.Team != team.Team {
			continue
		}
		set := slices.DeleteFunc(slices.Clone(log), func(push quay.Push) bool { return push.Tag != run.Name || push.Repository != repository })
		if len(set) != 1 {
			t.Errorf("Quay's log has %d pushes of tag %s: %+v", len(set), run.Name, set)
		}
		lives := slices.DeleteFunc(slices.Clone(tags), func(tag quay.Tag) bool { return tag.Name != run.Name })
		if len(lives) != 1 || lives[0].Digest != run.digest || !lives[0].End.IsZero() {
			t.Errorf("%s is %+v, its image %s", run.Name, lives, run.digest)
		}
	}
}
