package main

import (
	"context"
	"errors"
	"strings"

	"github.com/comptech-lab/quay-push/test/stage"
)

// running is the end: what the branch says is started from Quay, by the kubelet with the team's pull Secret, and answers.
func (s *scenes) running(ctx context.Context) (err error) {
	t := stage.Payments
	s.Scene("5. The dev overlay of branch %s runs in namespace %s", s.branch, t.Namespace)
	err = s.stage.Deploy(ctx, t, s.gitops, "origin/"+s.branch, "overlays/dev")
	if errors.Is(err, errors.ErrUnsupported) {
		s.Quote("not shown: the nodes of this cluster neither find nor trust a Quay that is a Service in it")
		return nil
	}
	defer func() { err = errors.Join(err, s.stage.Undeploy(context.WithoutCancel(ctx), t)) }()
	if err != nil {
		return err
	}
	page, image, err := s.stage.Page(ctx, t)
	if err != nil {
		return err
	}
	s.Tell(image == t.Repository+"@"+s.digest, "the kubelet pulled %s", image)
	may, err := s.stage.Quay.MayPull(ctx, t.Repository, s.digest)
	if err != nil {
		return err
	}
	s.Tell(!may, "which Quay gives to nobody without a credential")
	line := ""
	for l := range strings.Lines(page) {
		if strings.Contains(l, "commit") {
			line = strings.TrimSpace(l)
		}
	}
	s.Tell(strings.Contains(line, "commit "+s.commit.Hash+"."), "its page says: %s", line)
	return nil
}
