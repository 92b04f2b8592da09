package robot

import (
	"context"
	"fmt"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

// offboarding is one run of Offboard.
type offboarding struct {
	Services
	Tenant
	// burnt says that this run burnt the tokens of the robots that there were.
	burnt bool
}

// Offboard ends the credential of a tenant: while no run of the team goes on, the tokens of both robots are burnt, so that
// nothing can push any more, then the path in Vault goes with all its versions, then the robots with their rights. The
// organization, its repositories and its images stay, and so does what is in the cluster. It can be run again after any
// failure and goes on where it was. The steps until an error are returned with it.
func Offboard(ctx context.Context, s Services, t Tenant) ([]Step, error) {
	if err := s.checkMount(ctx); err != nil {
		return nil, err
	}
	return s.run(ctx, (&offboarding{Services: s, Tenant: t}).tasks())
}

// PlanOffboard says what Offboard would do, and changes nothing.
func PlanOffboard(ctx context.Context, s Services, t Tenant) ([]Step, error) {
	if err := s.checkMount(ctx); err != nil {
		return nil, err
	}
	return plan(ctx, (&offboarding{Services: s, Tenant: t}).tasks())
}

func (o *offboarding) tasks() []task {
	return []task{
		{id: "path", title: fmt.Sprintf("see that %q in Vault is this team's", o.VaultPath), check: o.checkPath},
		{id: "runs", title: "see that no run of the team goes on", reason: ReasonConflict,
			next: "stop what starts them, let them end or cancel them, then run this again", check: o.checkRuns},
		// Burnt before they are deleted: Quay keeps a robot that a mirror uses (quay/quay endpoints/api/robot.py), and its token with it.
		{id: "burn", title: "burn the tokens of the team's robots", check: o.checkBurnt, do: o.burn},
		{id: "vault", title: fmt.Sprintf("delete %q in Vault with all its versions", o.VaultPath), reason: ReasonConflict,
			next: nextConflict, check: o.checkVault, do: func(ctx context.Context) error { return o.Vault.Delete(ctx, o.VaultPath) }},
		{id: "robots", title: "delete the robots with their rights", reason: ReasonConflict,
			next: "see who made them again, then run this again", check: o.checkRobots, do: o.deleteRobots},
	}
}

func (o *offboarding) checkPath(ctx context.Context) (bool, string, error) {
	found, err := o.read(ctx, o.Tenant)
	if err != nil || !found.exists {
		return true, "there is no credential at it", err
	}
	return true, fmt.Sprintf("it has robot %q", found.username), nil
}

func (o *offboarding) checkRuns(ctx context.Context) (bool, string, error) {
	runs, err := o.unfinishedRuns(ctx, o.Tenant)
	if err != nil || len(runs) > 0 {
		return false, fmt.Sprintf("%d of team %q%s", len(runs), o.Team, list(":", runs)), err
	}
	return true, "there is none", nil
}

// robots are the names of those of the tenant's two robots that exist.
func (o *offboarding) robots(ctx context.Context) ([]string, error) {
	found := []string{}
	for _, name := range []string{o.Robot, o.StandbyRobot} {
		switch _, err := o.Quay.Robot(ctx, name); {
		case err == nil:
			found = append(found, name)
		case !quay.IsNotFound(err):
			return nil, err
		}
	}
	return found, nil
}

func (o *offboarding) checkBurnt(ctx context.Context) (bool, string, error) {
	if o.burnt {
		return true, "nobody knows the new ones; what the old ones bought stays good for an hour at most", nil
	}
	robots, err := o.robots(ctx)
	if err != nil || len(robots) > 0 {
		return false, strings.Join(robots, ", "), err
	}
	return true, "there is none", nil
}

func (o *offboarding) burn(ctx context.Context) error {
	_, err := o.burnBoth(ctx, o.Tenant)
	o.burnt = err == nil
	return err
}

func (o *offboarding) checkVault(ctx context.Context) (bool, string, error) {
	metadata, err := o.Vault.Metadata(ctx, o.VaultPath)
	if err != nil || metadata.Current > 0 {
		return false, fmt.Sprintf("it is at version %d", metadata.Current), err
	}
	return true, "there is nothing", nil
}

func (o *offboarding) checkRobots(ctx context.Context) (bool, string, error) {
	robots, err := o.robots(ctx)
	if err != nil || len(robots) > 0 {
		return false, strings.Join(robots, ", "), err
	}
	return true, "there is none", nil
}

func (o *offboarding) deleteRobots(ctx context.Context) error {
	robots, err := o.robots(ctx)
	if err != nil {
		return err
	}
	for _, name := range robots {
		if err := o.Quay.DeleteRobot(ctx, name); err != nil && !quay.IsNotFound(err) {
			return err
		}
	}
	return nil
}
