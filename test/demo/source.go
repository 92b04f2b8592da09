package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"

	"github.com/comptech-lab/quay-push/test/stage"
)

// sources gives both teams a repository with their app's source, and what builds it.
func (s *scenes) sources(ctx context.Context) (err error) {
	if s.builder, err = s.stage.OpenBuilder(ctx); err != nil {
		return err
	}
	if s.source, s.commit, err = s.newSource(ctx, stage.Payments); err != nil {
		return err
	}
	_, s.stranger, err = s.newSource(ctx, stage.Platform)
	return err
}

func (s *scenes) newSource(ctx context.Context, t stage.Tenant) (*stage.Repository, stage.Commit, error) {
	dir := filepath.Join(s.dir, t.Team)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, stage.Commit{}, err
	}
	r, err := s.stage.NewSource(ctx, dir, t)
	if err != nil {
		return nil, stage.Commit{}, err
	}
	commit, err := r.Head(ctx)
	return r, commit, err
}

// change is what a developer does all day.
func (s *scenes) change(ctx context.Context) (err error) {
	if _, err := s.source.Git(ctx, "commit", "--quiet", "--allow-empty", "--message=another version"); err != nil {
		return err
	}
	s.commit, err = s.source.Head(ctx)
	return err
}

// built checks that the run built the commit that the story names.
func (s *scenes) built(ctx context.Context, run *pipelinev1.PipelineRun) error {
	clone, err := s.stage.TaskResults(ctx, run, "clone")
	if err != nil {
		return err
	}
	s.Tell(clone["COMMIT"] == s.commit.Hash, "a Pod cloned commit %.8s", clone["COMMIT"])
	build, err := s.stage.TaskResults(ctx, run, "build")
	if err != nil {
		return err
	}
	digest := build["image-digest"]
	s.Tell(strings.HasPrefix(digest, "sha256:") && digest == stage.Results(run)["IMAGE_DIGEST"], "in another one buildah built %s, which is the digest that was pushed", digest)
	return nil
}
