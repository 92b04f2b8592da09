package robot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

// offboarding is one run of Offboard.
type offboarding struct {
	Services
	Tenant
	// retired are all of the team's robots but the one that this run made to hold their place.
	retired *retirement
	// holder is the name of that one, empty as long as there is none.
	holder string
	// taken are the robots that Vault names, the team's whoever made them.
	taken []string
	// inVault is the one of them that Vault names; empty if it has no credential.
	inVault string
}

const (
	// holding is the description of a robot that holds no right and was made for no push: as long as it exists, the team's next robot
	// has a later name than all before.
	holding = "keeps the names of the team's earlier robots from being used again"
	// heldFor is how long it is kept: as long as a bearer token can be used, and some minutes in which the robots before are deleted.
	heldFor = BearerLifetime + 10*time.Minute
)

// Offboard ends the credential of a tenant: while no run of the team goes on, the team's robots lose their rights and their tokens, so
// that nothing can push any more, then the path in Vault goes with all its versions, then the robots. Their names, and that of one
// which Vault names and somebody deleted in Quay, stay taken for as long as a bearer token that one of them bought can be used: a
// robot that holds no right is left to hold the place, and goes when Offboard is run again after that. The organization, its
// repositories and its images stay, and so does what is in the cluster. It can be run again after any failure and goes on where it
// was. The steps until an error are returned with it.
func Offboard(ctx context.Context, s Services, t Tenant) ([]Step, error) {
	if err := s.checkMount(ctx); err != nil {
		return nil, err
	}
	return s.run(ctx, newOffboarding(s, t).tasks())
}

// PlanOffboard says what Offboard would do, and changes nothing.
func PlanOffboard(ctx context.Context, s Services, t Tenant) ([]Step, error) {
	if err := s.checkMount(ctx); err != nil {
		return nil, err
	}
	return plan(ctx, newOffboarding(s, t).tasks())
}

func newOffboarding(s Services, t Tenant) *offboarding {
	o := &offboarding{Services: s, Tenant: t}
	o.retired = s.retirement(t, func(a account) bool {
		// What holds the place goes when another does that.
		stays := a.Name == o.holder || o.holder == "" && a.holdsPlace()
		return !stays && (t.own(a) || slices.Contains(o.taken, a.Name))
	})
	return o
}

// holdsPlace reports whether the robot was made to hold the place of earlier names, and nothing else.
func (a account) holdsPlace() bool { return a.Description == holding+managed && a.holds() == "" }

func (o *offboarding) tasks() []task {
	retire := o.retired.tasks(func(context.Context) error { return nil })
	return []task{
		{id: "path", title: fmt.Sprintf("see that %q in Vault is this team's", o.VaultPath), check: o.checkPath},
		{id: "runs", title: "see that no run of the team goes on", reason: ReasonConflict,
			next: "stop what starts them, let them end or cancel them, then run this again", check: o.checkRuns},
		retire[0],
		{id: "holder", title: "make a robot without rights that holds the place of their names", reason: ReasonMissing,
			next: "see the robots of the organization in Quay", check: o.checkHolder, do: o.makeHolder},
		{id: "vault", title: fmt.Sprintf("delete %q in Vault with all its versions", o.VaultPath), reason: ReasonConflict,
			next: nextConflict, check: o.checkVault, do: func(ctx context.Context) error { return o.Vault.Delete(ctx, o.VaultPath) }},
		retire[1],
		{id: "names", title: "let the names be used again", reason: ReasonConflict, next: "see in Quay what keeps that robot, then run this again",
			check: o.checkNames, do: func(ctx context.Context) error { return unlessGone(o.Quay.DeleteRobot(ctx, o.holder)) }},
	}
}

func (o *offboarding) checkPath(ctx context.Context) (bool, string, error) {
	if o.Keyless {
		account, err := o.Cluster.ServiceAccount(ctx, o.Namespace, o.Secret)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return false, "", err
		}
		if o.OwnsRobot(account.Robot) {
			o.taken = append(o.taken, account.Robot)
		}
		if o.VaultPath == "" {
			return true, "the team is keyless, and no path in Vault is known", nil
		}
	}
	found, err := o.read(ctx, o.Tenant)
	if err != nil || !found.exists {
		return true, "there is no credential at it", err
	}
	o.taken, o.inVault = append(o.taken, found.username), found.username
	return true, fmt.Sprintf("it has robot %q", found.username), nil
}

func (o *offboarding) checkRuns(ctx context.Context) (bool, string, error) {
	runs, err := o.unfinishedRuns(ctx, o.Tenant)
	if err != nil || len(runs) > 0 {
		return false, fmt.Sprintf("%d of team %q%s", len(runs), o.Team, list(":", runs)), err
	}
	return true, "there is none", nil
}

func (o *offboarding) checkVault(ctx context.Context) (bool, string, error) {
	if o.Keyless && o.VaultPath == "" {
		return true, "no path is known", nil
	}
	metadata, err := o.Vault.Metadata(ctx, o.VaultPath)
	if err != nil || metadata.Current > 0 {
		return false, fmt.Sprintf("it is at version %d", metadata.Current), err
	}
	return true, "there is nothing", nil
}

// checkHolder is done when there is nothing whose place is to be held, or a robot holds it: one that this run made, or that of an
// earlier run where that is all that is left. The place of a robot that Vault names is held also where somebody deleted it in Quay, which
// may have been just now.
func (o *offboarding) checkHolder(ctx context.Context) (bool, string, error) {
	if o.holder != "" {
		return true, fmt.Sprintf("it is %q", o.holder), nil
	}
	left, err := o.retired.left(ctx)
	if err != nil || len(left) > 0 {
		return false, fmt.Sprintf("%d robots are to go", len(left)), err
	}
	accounts, err := o.accounts(ctx, o.Tenant)
	if err == nil && o.inVault != "" && named(accounts, o.inVault) == nil {
		return false, fmt.Sprintf("%q, which Vault names, is gone", o.inVault), nil
	}
	for _, a := range accounts {
		if a.holdsPlace() {
			o.holder = a.Name
			return true, fmt.Sprintf("it is %q", o.holder), err
		}
	}
	return true, "there is no robot", err
}

// makeHolder makes it anew in each run that deletes a robot: the time in which the names are kept begins with it.
func (o *offboarding) makeHolder(ctx context.Context) error {
	accounts, err := o.accounts(ctx, o.Tenant)
	if err != nil {
		return err
	}
	name := o.successor(accounts, o.taken...)
	if err := o.createRobot(ctx, o.Tenant, name, holding); err != nil {
		return err
	}
	made, err := o.Quay.Robot(ctx, name)
	if err == nil && made.Description != holding+managed {
		err = &Error{Reason: ReasonConflict, Problem: fmt.Sprintf("somebody else made robot %q at the same time", name), Next: "see who works on this team, then run this again"}
	}
	if err != nil {
		return err
	}
	o.holder = name
	return nil
}

// checkNames is done while the names are kept, and when nothing keeps them any more.
func (o *offboarding) checkNames(ctx context.Context) (bool, string, error) {
	if o.holder == "" {
		left, err := o.retired.left(ctx)
		if err != nil || len(left) > 0 {
			return false, fmt.Sprintf("they are kept for %s", heldFor), err
		}
		return true, "nothing keeps them", nil
	}
	holder, err := o.Quay.Robot(ctx, o.holder)
	if quay.IsNotFound(err) {
		return true, "nothing keeps them any more", nil
	} else if err != nil {
		return false, "", err
	}
	until := holder.Created.Add(heldFor)
	if o.quayNow().Before(until) {
		return true, fmt.Sprintf("%q, which has no right, keeps them until no bearer token is left that one of them bought; run this again with --division and --app after %s, and it is deleted%s",
			o.holder, stamp(until), after("; ", o.clockApart())), nil
	}
	return false, fmt.Sprintf("%q keeps them since %s", o.holder, stamp(holder.Created.Time)), nil
}
