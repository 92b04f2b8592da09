package main

import (
	"context"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/gitops"
	"github.com/comptech-lab/quay-push/test/story"
)

// proposed is the step update-overlay with what the push reported, twice.
func (s *stage) proposed(ctx context.Context) error {
	s.Scene("4. update-overlay puts the digest on a branch of %s", s.git.URL())
	options := gitops.Options{Repository: s.git.URL(), Team: app.Team, App: app.App, OverlayImage: s.overlayItem,
		SourceCommit: story.SourceCommit, Credential: s.gitSecret, PlainHTTP: true}
	before, err := s.git.Git(ctx, "rev-parse", "main")
	if err != nil {
		return err
	}
	result, err := gitops.Update(ctx, options)
	if err != nil {
		return err
	}
	head, err := s.Proposed(ctx, story.Proposal{Git: s.git.Git, Branch: result.Branch, Commit: story.SourceCommit, Overlay: app, Digest: s.imageDigest})
	if err != nil {
		return err
	}
	diff, err := s.git.Git(ctx, "diff", "--unified=0", "main", result.Branch)
	if err != nil {
		return err
	}
	for line := range strings.Lines(diff) {
		if strings.HasPrefix(line, "-  ") || strings.HasPrefix(line, "+  ") {
			s.Quote(strings.TrimSpace(line))
		}
	}
	again, err := gitops.Update(ctx, options)
	if err != nil {
		return err
	}
	s.Tell(!again.Changed && again.Commit == head, "the same digest again: no second commit, the branch is at %.8s", again.Commit)
	heads, err := s.git.Git(ctx, "for-each-ref", "--format=%(refname:short) %(objectname)")
	if err != nil {
		return err
	}
	s.Tell(heads == result.Branch+" "+head+"\nmain "+before, "main is at %.8s, where it was, and there is no other branch", before)
	return nil
}
