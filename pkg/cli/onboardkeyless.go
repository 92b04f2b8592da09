package cli

import (
	"context"
	"fmt"

	"github.com/comptech-lab/quay-push/pkg/onboard"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// onboardKeyless makes the team's robot, and delivers its manifests, with a ServiceAccount in place of the ExternalSecret.
func (c *connection) onboardKeyless(ctx context.Context, name string, flags bootstrapFlags, team onboard.Team, to destination) error {
	if err := c.checkKeyless(ctx, flags.namespace, team); err != nil {
		return err
	}
	issuer, err := c.checkedIssuer(ctx)
	if err != nil {
		return err
	}
	s, err := c.services(ctx, false)
	if err != nil {
		return err
	}
	view := s.cluster
	if err := c.checkHome(ctx, view, name, flags.namespace); err != nil {
		return err
	}
	t, adopted, err := c.newTenant(ctx, s, name, flags.place)
	if err != nil {
		return err
	} else if adopted {
		return &robot.Error{Reason: robot.ReasonRefused, Problem: fmt.Sprintf("team %q has a stored credential: ExternalSecret %q reads %q in Vault", t.Team, t.Namespace+"/"+t.Secret, t.VaultPath),
			Next: fmt.Sprintf("end it with tkn quay offboard %s --yes --apply, and delete its manifests from Git, then run this again: pushes fail in between", t.Team)}
	}
	if flags.Repositories, err = view.ownRepositories(t, flags.Repositories); err != nil {
		return err
	}
	if flags.Foreign, err = view.foreign(ctx, s.Quay, t.Team); err != nil {
		return err
	}
	done, err := c.bootstrapKeyless(ctx, s, t, robot.KeylessOptions{BootstrapOptions: flags.BootstrapOptions, Issuer: issuer}, flags.dryRun)
	if err != nil {
		return err
	}
	team.Convention, team.Tenant, team.Namespace, team.Custody, team.Robot = view.config.Convention, t, flags.namespace, true, done.Robot
	return c.deliver(ctx, onboarded{head: newHead("Onboarding"), Tenant: t.Team, Steps: done.Steps}, team.Manifests(), to)
}

// checkKeyless fails where no team, or not this one, can be keyless.
func (c *connection) checkKeyless(ctx context.Context, namespace string, team onboard.Team) error {
	config, err := c.tenancy(ctx)
	switch {
	case err != nil:
		return err
	case config.CustodyNamespace == "":
		return &failure{ExitRefused, "a keyless team needs custody: the controller alone may have tokens of its ServiceAccount, and ConfigMap config-tenancy names no custody-namespace",
			"switch custody on, see docs/custody.md, or leave --keyless out"}
	case namespace == "":
		return usagef("give the team's namespace with --namespace, or leave --keyless out", "--keyless is for runs in a namespace of the team's: those in a shared namespace need a Secret")
	case team.VersionAnnotation:
		return usagef("leave one of them out", "--version-annotation is for a Secret, which a keyless team does not have")
	}
	return nil
}

// bootstrapKeyless makes the team's robot, or says what it would do.
func (c *connection) bootstrapKeyless(ctx context.Context, s services, t robot.Tenant, opts robot.KeylessOptions, dryRun bool) (robot.KeylessResult, error) {
	if dryRun {
		return robot.PlanKeyless(ctx, s.Services, t, opts)
	}
	progress := c.program.start("making team " + t.Team + " keyless")
	defer progress.stop()
	s.Report = progress.report
	return robot.BootstrapKeyless(ctx, s.Services, t, opts)
}
