package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/push"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// request is what the controller would know of a run of team payments that pushes to a repository.
func (s *stage) request(repository string) tenant.Request {
	const namespace = "apps-payments-checkout"
	return tenant.Request{Name: "build-push", Namespace: namespace, Image: s.image(repository),
		NamespaceLabels: map[string]string{s.convention.TeamLabel: "payments"}}
}

// decided is what the controller does first: it says whose run it is, and which Secret it gets.
func (s *stage) decided(context.Context) error {
	s.Scene("1. A run in namespace %s pushes to %s: whose is it?", s.request(repository).Namespace, s.image(repository))
	decision, err := s.convention.Decide(s.request(repository))
	s.Tell(err == nil && decision.Team == "payments", "tenant %s, decided by rule %s: %s", decision.Team, decision.Rule, decision.Evidence)
	s.Tell(decision.Secret == "quay-robot-team-payments" && decision.Robot(1) == robot, "Secret %s, with the token of robot %s: the run names neither",
		decision.Secret, decision.Robot(1))
	return nil
}

// pushed is the step push-image, with that Secret.
func (s *stage) pushed(ctx context.Context) error {
	s.Scene("2. push-image pushes the OCI layout that the build left")
	result, err := push.Push(ctx, s.options(repository, "v1"))
	if err != nil {
		return err
	}
	s.Tell(result.Digest == s.quay.Tags(repository)["v1"], "digest %s, and Quay serves it as %s:v1", result.Digest, s.image(repository))
	s.Tell(result.Digest == s.imageDigest, "it is the digest that the build wrote into its layout")
	item, err := os.ReadFile(filepath.Join(s.results, v1alpha1.ResultOverlay))
	if err != nil {
		return err
	}
	s.overlayItem = string(item)
	want := fmt.Sprintf(`{"name":%q,"newName":%q,"digest":%q}`, s.image(repository), s.image(repository), s.imageDigest)
	s.Tell(s.overlayItem == want, "kustomize images item: %s", item)
	return nil
}

// refused is the same run with another team's repository: the controller refuses it, and so does Quay.
func (s *stage) refused(ctx context.Context) error {
	s.Scene("3. The same run tries to push to %s, which is another team's", s.image(foreign))
	_, err := s.convention.Decide(s.request(foreign))
	refusal := &tenant.Refusal{}
	s.Tell(errors.As(err, &refusal) && refusal.Reason == v1alpha1.ReasonImageOutsideOrganization, "the controller refuses with %s, before there is a Pod:", refusal.Reason)
	s.Quote(refusal.Error())
	before := len(s.quay.Requests())
	_, err = push.Push(ctx, s.options(foreign, "stolen"))
	reason := failure.Of(err)
	s.Tell(err != nil && reason.Class == failure.ClassOtherOrganization, "push-image, run all the same with that robot, exits with %d:", failure.ExitCode(err))
	s.Quote(reason.Error())
	s.Tell(len(s.quay.Requests()) == before, "Quay was not asked, and not one byte was sent")
	s.Tell(len(s.quay.Tags(foreign)) == 0, "Quay has no tag in %s", s.image(foreign))
	return nil
}
