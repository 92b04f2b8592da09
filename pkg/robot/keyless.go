package robot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

// KeylessOptions say what BootstrapKeyless makes, and whom the robot trusts.
type KeylessOptions struct {
	BootstrapOptions
	// Issuer is the name of the cluster's issuer, as its tokens have it.
	Issuer string
}

// KeylessResult is what BootstrapKeyless did.
type KeylessResult struct {
	Steps []Step
	// Robot is the robot that the team's ServiceAccount is to name.
	Robot string
}

// keyless is one run of BootstrapKeyless.
type keyless struct {
	*bootstrap
	trust *trust
	// description is that of the robot in Quay; empty as long as there is none.
	description string
	// forgotten says that this run replaced the robot's token by one that nobody keeps.
	forgotten bool
}

// BootstrapKeyless makes the robot of a team that stores no token: organization if asked, robot, repositories, Write on them and as default
// permission, proof of the right, then a token that nobody keeps, and the cluster's ServiceAccount as the only one that the robot trusts.
// That comes last, so that a robot which trusts it has no token that anybody knows. A team with a stored credential is refused. It can
// be run again after any failure. The steps until an error are returned with it.
func BootstrapKeyless(ctx context.Context, s Services, t Tenant, opts KeylessOptions) (KeylessResult, error) {
	k := newKeyless(s, t, opts)
	steps, err := s.run(ctx, k.tasks())
	return KeylessResult{steps, k.active.username}, err
}

// PlanKeyless says what BootstrapKeyless would do, and changes nothing.
func PlanKeyless(ctx context.Context, s Services, t Tenant, opts KeylessOptions) (KeylessResult, error) {
	k := newKeyless(s, t, opts)
	steps, err := k.plan(ctx, k.tasks())
	return KeylessResult{steps, k.active.username}, err
}

func newKeyless(s Services, t Tenant, opts KeylessOptions) *keyless {
	k := &keyless{bootstrap: newBootstrap(s, t, opts.BootstrapOptions)}
	k.trust = &trust{Services: s, Tenant: t, issuer: opts.Issuer, robot: func() string { return k.active.username },
		repositories: func() []string { return k.wanted }}
	return k
}

func (k *keyless) tasks() []task {
	return slices.Concat([]task{
		k.organizationTask(),
		{id: "path", title: fmt.Sprintf("see that the team has no stored credential, at %q in Vault or in the cluster", k.VaultPath), check: k.checkNothingStored},
		k.robotTask("have the robot"),
		{id: "repositories", title: "have the team's repositories", reason: ReasonMissing, next: "create them in Quay, or see whether they are read-only or mirrors",
			check: k.checkRepositories, do: k.createRepositories},
	}, k.rightTasks(), []task{k.spentTask(), k.anchorTask(k.Organization)})
}

func (k *keyless) robotTask(title string) task {
	return task{id: "robot", title: title, reason: ReasonMissing, next: "see the robots of the organization in Quay", check: k.checkRobot, do: k.createRobot}
}

// rightTasks give the robot its rights, prove them, and hand it to the ServiceAccount alone.
func (k *keyless) rightTasks() []task {
	robot := func() string { return k.active.username }
	repositories := func() []string { return k.wanted }
	return []task{
		// Before the others: a robot that has other rights alone is one whose end was broken off, see choose.
		k.defaultPermissionTask(k.Organization, robot),
		k.permissionTask(robot, repositories),
		k.rightTask(func() credential { return k.active }, repositories, func() []string { return k.Foreign }),
		{id: "token", title: "replace the robot's token by one that nobody keeps", reason: ReasonConflict, next: "run it again", check: k.checkToken, do: k.forget},
		k.trust.task(),
		k.trust.exchangeTask(),
	}
}

// checkNothingStored refuses a team that has a credential somewhere: what would become of that is not for this to decide.
func (k *keyless) checkNothingStored(ctx context.Context) (bool, string, error) {
	found, err := k.storedIn(ctx, k.Tenant)
	if err == nil && len(found) > 0 {
		err = &Error{Reason: ReasonRefused, Problem: fmt.Sprintf("team %q has a stored credential: %s", k.Team, strings.Join(found, ", ")),
			Next: fmt.Sprintf("end it with tkn quay offboard %s --yes --apply, and delete its manifests from Git, then run this again: pushes fail in between", k.Team)}
	}
	return err == nil, "there is none", err
}

// storedIn says where the team has a stored credential.
func (s Services) storedIn(ctx context.Context, t Tenant) (found []string, err error) {
	if t.VaultPath != "" {
		metadata, err := s.Vault.Metadata(ctx, t.VaultPath)
		if err != nil {
			return nil, err
		}
		if len(metadata.Live) > 0 {
			found = append(found, fmt.Sprintf("%q in Vault has %d versions that can be read", t.VaultPath, len(metadata.Live)))
		}
	}
	_, hasExternal := s.Cluster.ExternalSecret(ctx, t.Namespace, t.Secret)
	_, hasSecret := s.Cluster.Secret(ctx, t.Namespace, t.Secret)
	for _, object := range []struct {
		kind string
		err  error
	}{{"ExternalSecret", hasExternal}, {"Secret", hasSecret}} {
		if object.err == nil {
			found = append(found, fmt.Sprintf("there is %s %q", object.kind, t.Namespace+"/"+t.Secret))
		} else if !errors.Is(object.err, ErrNotFound) {
			return nil, object.err
		}
	}
	return found, nil
}

// checkRobot also finds out whether this Quay has federation, and whether the robot is free for it, before anything is made.
func (k *keyless) checkRobot(ctx context.Context) (bool, string, error) {
	if !k.chosen {
		if err := k.choose(ctx); err != nil {
			return false, "", err
		}
	}
	if err := k.trust.checkAlone(ctx); err != nil {
		return false, "", err
	}
	r, err := k.Quay.Robot(ctx, k.active.username)
	if quay.IsNotFound(err) {
		return false, fmt.Sprintf("there is no robot %q", k.active.username), nil
	} else if err == nil && !k.adopted {
		err = k.checkOurs(r) // There was none when its name was chosen.
	}
	if err != nil {
		return false, "", err
	}
	k.active.token, k.description = r.Token, r.Description
	return true, fmt.Sprintf("robot %q exists", r.Name), nil
}

// choose decides which robot the team is. The one that its ServiceAccount names is it, if it still has its default permission: a robot
// loses that first when it is taken out of use. Else it is the latest that was made for this and has it, else a new one; none that is
// earlier than what the ServiceAccount names, see tenant.Names.RobotInUse. No other may have a right: somebody may know its token, or have
// bought one with it.
func (k *keyless) choose(ctx context.Context) error {
	// A plan goes on where there is no organization yet.
	k.active.username = k.successor(nil)
	account, err := k.Cluster.ServiceAccount(ctx, k.Namespace, k.Secret)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	accounts, err := k.accounts(ctx, k.Tenant)
	if err != nil {
		return err
	}
	k.active.username, k.chosen = k.successor(accounts, account.Robot), true
	next := fmt.Sprintf("end it with tkn quay offboard %s --yes, with --division and --app, then run this again", k.Team)
	if a := named(accounts, account.Robot); a != nil && len(a.defaults) > 0 {
		k.adopted = true
		k.active.username, next = a.Name, fmt.Sprintf("end it with tkn quay rotate %s, by which no push fails, then run this again", k.Team)
	} else {
		for _, a := range accounts {
			if a.Description == k.keylessly()+managed && len(a.defaults) > 0 && a.generation > k.Generation(account.Robot) {
				k.active.username, k.adopted = a.Name, true
				break
			}
		}
	}
	for _, a := range accounts {
		if held := a.holds(); held != "" && k.own(a) && a.Name != k.active.username {
			return &Error{Reason: ReasonRefused, Problem: fmt.Sprintf("robot %q of team %q has %s, and may be somebody's: its token was stored, or its end was broken off", a.Name, k.Team, held),
				Next: next}
		}
	}
	return nil
}

// keylessly is the description of a robot that was made for a keyless team.
func (t Tenant) keylessly() string { return "pushes images of team " + t.Team + ", keyless" }

func (k *keyless) createRobot(ctx context.Context) error {
	return k.bootstrap.make(ctx, k.keylessly())
}

// checkToken is done when nobody can know the robot's token: this run replaced it, or an earlier one did, which made the robot, and had it
// trust the ServiceAccount after that.
func (k *keyless) checkToken(ctx context.Context) (bool, string, error) {
	switch k.description {
	case "":
		return k.forgotten, "there is none yet", nil
	case k.keylessly() + managed:
	default:
		return k.forgotten, "it is not known who has the one of before", nil
	}
	if k.forgotten {
		return true, "nobody has it", nil
	}
	exact, _, err := k.trust.check(ctx)
	if exact && err == nil {
		return true, "nobody has it since it was replaced", nil
	}
	return false, "it is the one that the robot was made with", err
}

func (k *keyless) forget(ctx context.Context) error {
	_, err := k.Quay.RegenerateRobot(ctx, k.active.username)
	k.forgotten = err == nil
	return err
}

// checkStores refuses what is about a stored credential for a team that has none.
func (t Tenant) checkStores(what string) error {
	if !t.Keyless {
		return nil
	}
	return &Error{Reason: ReasonRefused, Problem: fmt.Sprintf("team %q is keyless: ServiceAccount %q stands for it, and there is no stored credential to %s", t.Team, t.Namespace+"/"+t.Secret, what),
		Next: fmt.Sprintf("to replace its robot run tkn quay rotate %s; for a stored credential run tkn quay offboard %s --yes, delete the ServiceAccount, then run this again: "+
			"pushes fail in between", t.Team, t.Team)}
}
