package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/overlay"
	"github.com/comptech-lab/quay-push/test/stage"
	"github.com/comptech-lab/quay-push/test/story"
)

// overlay is the whole chain: source, build, push, digest, branch; then once more with the same digest.
func (s *scenes) overlay(ctx context.Context) error {
	t := stage.Payments
	dir := filepath.Join(s.dir, "gitops")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	gitops, err := s.stage.NewRepository(ctx, dir, t)
	if err != nil {
		return err
	}
	if err := s.change(ctx); err != nil {
		return err
	}
	s.Scene("4. Team %s commits %.8s: build, push, and the digest on a branch of %s", t.Team, s.commit.Hash, gitops.URL)
	base, err := gitops.Build(ctx, "main", "base")
	if err != nil {
		return err
	}
	s.Tell(base == t.Repository+":placeholder", "kustomize build base: %s", base)
	before, err := s.renders(ctx, gitops, "main", "sha256:REPLACED_BY_CI")
	if err != nil {
		return err
	}
	params := map[string]string{"image-ref": t.Repository, "tag": "v3", "git-url": gitops.URL, "git-secret": t.GitSecret,
		"team": t.Team, "app": t.App}
	run, err := s.stage.Run(ctx, s.builder.NewRun(t, "clone-build-and-push-image", s.commit, params))
	if err != nil {
		return err
	}
	s.succeeded(run)
	if err := s.built(ctx, run); err != nil {
		return err
	}
	s.pushed(ctx, t, run, "v3")
	results := stage.Results(run)
	digest, branch := results[v1alpha1.ResultImageDigest], results["overlay-branch"]
	if _, err := gitops.Branches(ctx); err != nil {
		return err
	}
	head, err := s.Proposed(ctx, story.Proposal{Git: gitops.Git, Refs: "origin/", Branch: branch, Commit: s.commit.Hash, Digest: digest,
		Overlay: overlay.Overlay{Team: t.Team, App: t.App, Env: "dev"}})
	if err != nil {
		return err
	}
	if _, err := s.renders(ctx, gitops, "origin/"+branch, digest); err != nil {
		return err
	}

	params["dockerconfig-secret"] = t.Secret
	if run, err = s.stage.Run(ctx, s.builder.NewRun(t, "clone-build-and-push-quay", s.commit, params)); err != nil {
		return err
	}
	s.succeeded(run)
	heads, err := gitops.Branches(ctx)
	if err != nil {
		return err
	}
	again := stage.Results(run)
	s.Tell(again[v1alpha1.ResultImageDigest] == digest, "the same commit, built again in the pipeline without the custom task: the same digest")
	s.Tell(again["overlay-changed"] == "false" && heads[branch] == head, "so there is no second commit, the branch is at %.8s", heads[branch])
	s.Tell(len(heads) == 2 && heads["main"] == before, "main is at %.8s, where it was", heads["main"])
	s.gitops, s.branch, s.digest = gitops, branch, digest
	return nil
}

// renders checks what kustomize makes of the dev overlay, and returns the commit at which it looked.
func (s *scenes) renders(ctx context.Context, gitops *stage.Repository, at, digest string) (string, error) {
	image, err := gitops.Build(ctx, at, "overlays/dev")
	if err != nil {
		return "", err
	}
	s.Tell(image == stage.Payments.Repository+"@"+digest, "kustomize build overlays/dev on %s: %s", strings.TrimPrefix(at, "origin/"), image)
	return gitops.Git(ctx, "rev-parse", "HEAD")
}
