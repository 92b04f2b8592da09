package push

import (
	"context"
	"fmt"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/push/credential"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/permission"
	"github.com/comptech-lab/quay-push/pkg/push/registry"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// connect finds the credential and makes the client that may use it.
func (p *pusher) connect(ctx context.Context) error {
	if err := p.findCredential(); err != nil {
		return err
	}
	organization := p.to.Organization()
	if own, _, ok := (dockerconfig.Credential{Username: p.robot}).Robot(); ok && own != organization {
		whose := ""
		if shown.IsRobot(p.robot) {
			whose = fmt.Sprintf(", %q", own)
		}
		return &failure.Error{Class: failure.ClassOtherOrganization, Problem: fmt.Sprintf("%s cannot push to organization %q", shown.User(p.robot), organization),
			Proof: fmt.Sprintf("a Quay robot has rights in its own organization alone%s; %s", whose, p.given()),
			Next:  p.otherTeam()}
	}
	// Before the registry is asked: what an exchange fails of is told as that.
	if _, err := p.credential.Get(ctx); err != nil {
		return err
	}
	var err error
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

// findCredential finds where the credential comes from; that of an issuer's token is known since the source was opened.
func (p *pusher) findCredential() error {
	if p.credential != nil {
		return nil
	}
	entry, err := credential.Find(p.opts.Dockerconfig, failure.DockerconfigFlag, p.to.Host, p.to.Repository)
	if err != nil {
		return err
	}
	p.credential, p.robot, p.key = entry, entry.Credential.Username, entry.Key
	p.log.Info("found the credential", "key", p.key, "robot", shown.Robot(p.robot))
	return nil
}

// given is what named the robot.
func (p *pusher) given() string {
	if p.opts.federated() {
		return failure.RobotFlag
	}
	return fmt.Sprintf("auths entry %q", p.key)
}

// otherTeam is the next step for a robot of another organization than the target's.
func (p *pusher) otherTeam() string {
	if p.opts.federated() {
		return "name a robot of organization " + p.to.Organization() + " in " + failure.RobotFlag + ", or correct " + failure.ImageRefFlag
	}
	return "use the Secret of the team that owns " + p.to.Name()
}

// login learns, before the first byte, whether the robot may push.
func (p *pusher) login(ctx context.Context) error {
	return p.retry.Run(ctx, "logging in", func(ctx context.Context, _ int) error {
		right, err := permission.Ask(ctx, p.registry, p.destination(), p.opts.readOnly())
		if right.Known {
			p.log.Info("asked for the right to push", "robot", shown.Robot(p.robot), "repository", p.to.Repository, "has", right.Actions)
		}
		switch {
		case err != nil:
			return err
		case !right.Known:
			p.log.Warn("the token does not tell what the robot may do", "robot", shown.Robot(p.robot))
			return nil
		}
		given, err := p.registry.CheckMount(ctx)
		if given != "" {
			p.log.Info("the robot cannot read the source repository, so blobs will be uploaded, not mounted", "repository", given)
		}
		return err
	})
}
