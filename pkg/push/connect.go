package push

import (
	"context"
	"fmt"
	"slices"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/registry"
)

// connect finds the credential and makes the client that may use it.
func (p *pusher) connect() error {
	match, err := registry.FindCredential(p.opts.Dockerconfig, failure.DockerconfigFlag, p.to)
	if err != nil {
		return err
	}
	p.credential, p.key = match.Credential, match.Key
	p.log.Info("found the credential", "key", p.key, "robot", p.credential.Username)
	organization := p.to.Organization()
	if own, _, ok := p.credential.Robot(); ok && own != organization {
		return &failure.Error{Class: failure.ClassOtherOrganization, Problem: fmt.Sprintf("robot %q cannot push to organization %q", p.credential.Username, organization),
			Proof: fmt.Sprintf("a Quay robot has rights in its own organization alone, %q; auths entry %q", own, p.key),
			Next:  "use the Secret of the team that owns " + p.to.Name()}
	}
	p.registry, err = registry.New(registry.Config{Host: p.to.Host, Repository: p.to.Repository, PlainHTTP: p.opts.PlainHTTP, Role: failure.TargetRole, CAFile: p.opts.CAFile,
		TokenHost: p.opts.TokenHost, Credential: p.credential, MountFrom: p.mountFrom, Stall: p.opts.StallTimeout, Now: p.opts.Now})
	if err != nil {
		return err
	}
	if proxy := p.registry.Proxy(); proxy != "" {
		p.log.Info("going through a proxy", "proxy", proxy)
	}
	return nil
}

// login learns, before the first byte, whether the robot may push.
func (p *pusher) login(ctx context.Context) error {
	return p.retry.Run(ctx, "logging in", func(ctx context.Context, _ int) error {
		ask := p.registry.Login
		if p.opts.readOnly() {
			if err := p.checkExists(ctx); err != nil {
				return err
			}
			ask = p.registry.Rights
		}
		actions, known, err := ask(ctx, registry.ScopePush)
		if err != nil {
			return err
		}
		if !known {
			p.log.Warn("the token does not tell what the robot may do", "robot", p.credential.Username)
			return nil
		}
		p.log.Info("asked for the right to push", "robot", p.credential.Username, "repository", p.to.Repository, "has", actions)
		if err := p.destination().CheckRight(actions); err != nil {
			return err
		}
		given, err := p.registry.CheckMount(ctx)
		if given != "" {
			p.log.Info("the robot cannot read the source repository, so blobs will be uploaded, not mounted", "repository", given)
		}
		return err
	})
}

// checkExists makes sure that asking for the right to push has no effect: Quay creates a missing repository when it is
// asked, if the robot may create (quay/quay endpoints/v2/v2auth.py).
func (p *pusher) checkExists(ctx context.Context) error {
	actions, known, err := p.registry.Login(ctx, registry.ScopePull)
	if err != nil || !known || slices.Contains(actions, "pull") || slices.Contains(actions, "*") {
		return err
	}
	return &failure.Error{Class: failure.ClassNoAccess, Problem: fmt.Sprintf("%s does not exist, or robot %q has no right on it", p.to.Name(), p.credential.Username),
		Proof: fmt.Sprintf("its token, bought with the auths entry %q, has %q", p.key, actions),
		Next:  "create the repository; a push would ask for the right to push, at which Quay creates it if the robot may; a rehearsal does not"}
}
