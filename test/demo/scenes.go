package main

import (
	"context"
	"fmt"
	"strings"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/stage"
	"github.com/comptech-lab/quay-push/test/story"
)

// scenes are those of the story, on a stage.
type scenes struct {
	*story.Story
	stage *stage.Stage
	// dir is for clones.
	dir     string
	builder *stage.Builder
	// source is the repository of payments' app, commit its newest and stranger a commit of platform's.
	source           *stage.Repository
	commit, stranger stage.Commit
	gitops           *stage.Repository
	// branch of gitops has the newest digest.
	branch, digest string
}

// pushImage is the way to use: nobody names a credential.
func (s *scenes) pushImage(ctx context.Context) error {
	t := stage.Payments
	s.Scene("1. Team %s, namespace %s, builds commit %.8s of %s and pushes it: PushImage", t.Team, t.Namespace, s.commit.Hash, s.commit.URL)
	run, err := s.stage.Run(ctx, s.builder.NewRun(t, "clone-build-and-push-image", s.commit, map[string]string{"image-ref": t.Repository, "tag": "v1"}))
	if err != nil {
		return err
	}
	s.succeeded(run)
	if err := s.built(ctx, run); err != nil {
		return err
	}
	custom, err := s.stage.CustomRunOf(ctx, run)
	if err != nil {
		return err
	}
	decision, err := stage.DecisionOf(custom)
	if err != nil {
		return err
	}
	s.Tell(decision.Team == t.Team, "tenant %s, decided by rule %s: %s", decision.Team, decision.Rule, decision.Evidence)
	s.Tell(decision.Secret == t.Secret, "Secret %s, named by the controller, by nobody else", decision.Secret)
	s.pushed(ctx, t, run, "v1")
	return nil
}

// seedsWay is the shared Task with the Secret as the run's parameter.
func (s *scenes) seedsWay(ctx context.Context) error {
	t := stage.Payments
	s.Scene("2. Team %s pushes as before: taskRef push-image-quay, dockerconfig-secret in the run", t.Team)
	run, err := s.stage.Run(ctx, s.builder.NewRun(t, "clone-build-and-push-quay", s.commit, map[string]string{
		"image-ref": t.Repository, "tag": "v2", "dockerconfig-secret": t.Secret}))
	if err != nil {
		return err
	}
	s.succeeded(run)
	s.Tell(true, "Secret %s, named by the run itself", t.Secret)
	s.pushed(ctx, t, run, "v2")
	return nil
}

// refused is another tenant that names the first one's repository.
func (s *scenes) refused(ctx context.Context) error {
	t, victim := stage.Platform, stage.Payments
	s.Scene("3. Team %s, namespace %s, tries to push to %s", t.Team, t.Namespace, victim.Repository)
	run, err := s.stage.Run(ctx, s.builder.NewRun(t, "clone-build-and-push-image", s.stranger, map[string]string{"image-ref": victim.Repository, "tag": "stolen"}))
	if err != nil {
		return err
	}
	outcome := stage.Outcome(run.Status.Conditions)
	s.Tell(outcome.Status == corev1.ConditionFalse, "PipelineRun %s failed: %s", run.Name, outcome.Reason)
	custom, err := s.stage.CustomRunOf(ctx, run)
	if err != nil {
		return err
	}
	why := stage.Outcome(custom.Status.Conditions)
	s.Tell(why.Reason == v1alpha1.ReasonImageOutsideOrganization, "refused with %s:", why.Reason)
	s.Quote(why.Message)
	pods, err := s.stage.PodsOf(ctx, custom)
	if err != nil {
		return err
	}
	s.Tell(pods == 0, "no Pod was made, no credential was touched")
	digest, err := s.stage.Quay.TagDigest(ctx, victim.Repository, "stolen")
	if err != nil {
		return err
	}
	s.Tell(digest == "", "Quay has no tag stolen in %s", victim.Repository)
	return nil
}

func (s *scenes) succeeded(run *pipelinev1.PipelineRun) {
	outcome := stage.Outcome(run.Status.Conditions)
	s.Tell(outcome.Status == corev1.ConditionTrue, "PipelineRun %s: %s %s", run.Name, outcome.Reason, strings.TrimSpace(outcome.Message))
}

// pushed checks the run's results against what Quay serves now.
func (s *scenes) pushed(ctx context.Context, t stage.Tenant, run *pipelinev1.PipelineRun, tag string) {
	results := stage.Results(run)
	digest := results[v1alpha1.ResultImageDigest]
	served, err := s.stage.Quay.TagDigest(ctx, t.Repository, tag)
	s.Tell(err == nil && digest != "" && served == digest, "digest %s, and Quay serves it as %s:%s", digest, t.Repository, tag)
	want := fmt.Sprintf(`{"name":%q,"newName":%q,"digest":%q}`, t.Repository, t.Repository, digest)
	s.Tell(results[v1alpha1.ResultOverlay] == want, "kustomize images item: %s", results[v1alpha1.ResultOverlay])
}
