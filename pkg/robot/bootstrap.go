package robot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

// BootstrapOptions say what Bootstrap makes beside the robot.
type BootstrapOptions struct {
	// Repositories are the team's, without the organization; those that do not exist are made. Existing ones of the
	// organization are always the team's.
	Repositories []string
	// CreateOrganization makes the organization if it does not exist; Email is its address, which Quay may require.
	CreateOrganization bool
	Email              string
	// Foreign are repositories of other teams, "organization/name", to prove that the robot may not push there. They must
	// exist.
	Foreign []string
}

// bootstrap is one run of Bootstrap.
type bootstrap struct {
	Services
	Tenant
	BootstrapOptions
	// active is the robot that is to push: see choose.
	active credential
	chosen bool
	// adopted says that it was there: its name is not used for another.
	adopted bool
	stored  stored
	// existing are the repositories of the organization, wanted those that the robot is to push to.
	existing, wanted []string
}

// Bootstrap makes the credential of a tenant: organization if asked, robot, repositories, Write on them and as default
// permission, proof of the right, Vault, the policy by which the organization keeps anchors, if Quay has such, the Secret if something
// renders it. What is right already is kept: the robot in use stays in
// use, unless it lost its rights, as one does that leaked. A robot whose end was begun is ended, and one that holds nothing any more
// is deleted.
// The steps until an error are returned with it.
func Bootstrap(ctx context.Context, s Services, t Tenant, opts BootstrapOptions) ([]Step, error) {
	if err := t.checkStores("make"); err != nil {
		return nil, err
	}
	if err := s.checkPlace(ctx, t); err != nil {
		return nil, err
	}
	return s.run(ctx, newBootstrap(s, t, opts).tasks())
}

// PlanBootstrap says what Bootstrap would do, and changes nothing.
func PlanBootstrap(ctx context.Context, s Services, t Tenant, opts BootstrapOptions) ([]Step, error) {
	if err := t.checkStores("make"); err != nil {
		return nil, err
	}
	if err := s.checkPlace(ctx, t); err != nil {
		return nil, err
	}
	b := newBootstrap(s, t, opts)
	return b.plan(ctx, b.tasks())
}

// plan says what tasks, of which the first is that of the organization, would do. Without one that may be made it ends there, as the tasks
// do: what comes after would be a guess.
func (b *bootstrap) plan(ctx context.Context, tasks []task) ([]Step, error) {
	steps, err := plan(ctx, tasks)
	if err == nil && !b.CreateOrganization && steps[0].State == Pending {
		return steps[:1], &Error{Reason: ReasonMissing, Problem: fmt.Sprintf("there is no organization %q", b.Organization), Next: tasks[0].next}
	}
	return steps, err
}

func newBootstrap(s Services, t Tenant, opts BootstrapOptions) *bootstrap {
	return &bootstrap{Services: s, Tenant: t, BootstrapOptions: opts}
}

// tasks are the steps of bootstrap. The name of the robot in use is known only when Vault was read, so what comes after
// is asked through b.
func (b *bootstrap) tasks() []task {
	robot := func() string { return b.active.username }
	repositories := func() []string { return b.wanted }
	return []task{
		b.organizationTask(),
		{id: "path", title: fmt.Sprintf("see that %q in Vault is free or this team's", b.VaultPath), check: b.checkPath},
		{id: "robot", title: "have the robot", reason: ReasonMissing, next: "see the robots of the organization in Quay",
			check: b.checkRobot, do: b.createRobot},
		{id: "repositories", title: "have the team's repositories", reason: ReasonMissing, next: "create them in Quay, or see whether they are read-only or mirrors",
			check: b.checkRepositories, do: b.createRepositories},
		b.permissionTask(robot, repositories),
		b.defaultPermissionTask(b.Organization, robot),
		b.rightTask(func() credential { return b.active }, repositories, func() []string { return b.Foreign }),
		{id: "vault", title: fmt.Sprintf("write the credential to %q in Vault", b.VaultPath), reason: ReasonConflict,
			next: nextConflict, check: b.checkVault, do: b.writeVault},
		b.endTask(),
		b.spentTask(),
		// Behind the credential, which does without it.
		b.anchorTask(b.Organization),
		b.secretTask(),
	}
}

func (b *bootstrap) checkPath(ctx context.Context) (bool, string, error) {
	found, err := b.read(ctx, b.Tenant)
	if err != nil {
		return false, "", err
	}
	b.stored = found
	if !found.exists || found.username == "" {
		return true, "it is free", nil
	}
	return true, fmt.Sprintf("it has robot %q", found.username), nil
}

func (b *bootstrap) checkRobot(ctx context.Context) (bool, string, error) {
	if !b.chosen {
		if err := b.choose(ctx); err != nil {
			return false, "", err
		}
	}
	r, err := b.Quay.Robot(ctx, b.active.username)
	if quay.IsNotFound(err) {
		return false, fmt.Sprintf("there is no robot %q", b.active.username), nil
	} else if err != nil {
		return false, "", err
	}
	b.active.token = r.Token
	return true, fmt.Sprintf("robot %q exists", r.Name), nil
}

// choose decides which robot is to push. The one that Vault names does, if it still has its default permission, which it loses
// first when it is taken out of use, and the token that Vault has. Where Vault names none, it is the latest that holds anything. Else it is a new one, after all
// that Quay and Vault know: a bearer token that one of them bought must not be good for it.
func (b *bootstrap) choose(ctx context.Context) error {
	// A plan goes on where there is no organization yet.
	b.active.username = b.successor(nil, b.stored.username)
	accounts, err := b.accounts(ctx, b.Tenant)
	if err != nil {
		return err
	}
	b.active.username, b.chosen = b.successor(accounts, b.stored.username), true
	for _, a := range accounts {
		inUse := a.Name == b.stored.username && len(a.defaults) > 0
		if inUse {
			robot, err := b.Quay.Robot(ctx, a.Name)
			if err != nil && !quay.IsNotFound(err) {
				return err
			}
			inUse = robot.Token.Equal(b.stored.token)
		}
		if left := b.stored.username == "" && b.own(a) && a.holds() != ""; inUse || left {
			b.active.username, b.adopted = a.Name, true
			break
		}
	}
	return nil
}

func (b *bootstrap) createRobot(ctx context.Context) error { return b.make(ctx, b.pushing()) }

// make makes the robot in use, unless it was there.
func (b *bootstrap) make(ctx context.Context, description string) error {
	if b.adopted {
		return &Error{Reason: ReasonConflict, Problem: fmt.Sprintf("somebody deleted robot %q at the same time", b.active.username), Next: nextAnother}
	}
	return b.Services.createRobot(ctx, b.Tenant, b.active.username, description)
}

// nextAnother is the next step where the robot that was to push is of no use any more.
const nextAnother = "run it again: it makes another robot"

// endTask ends the robots before the one in use that lost their default permissions, which is how an end begins: that of a leak may have
// been broken off, and whoever has the token can push still. One that has them may be that of runs which go on; rotate waits for those.
func (b *bootstrap) endTask() task {
	var r *retirement
	r = b.retirement(b.Tenant, func(a account) bool {
		begun := len(a.defaults) == 0 && a.holds() != "" || r.burnt[a.Name]
		return begun && b.own(a) && a.Name != b.active.username && a.generation <= b.Generation(b.active.username)
	})
	t := r.tasks(func(ctx context.Context) error { return b.inVault(ctx, b.Tenant, b.active) })[0]
	t.title = "end robots whose end was begun: take the rest of their rights, and burn their tokens"
	return t
}

// spentTask deletes the robots before the one in use that hold nothing: what offboarding, or a leak that was broken off, left.
func (b *bootstrap) spentTask() task {
	r := b.retirement(b.Tenant, func(a account) bool {
		return b.own(a) && a.generation < b.Generation(b.active.username) && a.holds() == "" && len(a.elsewhere) == 0
	})
	t := r.deleteTask("delete robots that were replaced and hold no right")
	t.id = "spent"
	deleted := t.check
	t.check = func(ctx context.Context) (bool, string, error) {
		done, detail, err := deleted(ctx)
		if !done || err != nil {
			return done, detail, err
		}
		accounts, err := b.accounts(ctx, b.Tenant)
		written := b.stored.exists && b.stored.equal(b.active)
		for _, a := range accounts {
			switch held := a.holds(); {
			case written && a.Name == b.active.username && len(a.defaults) == 0:
				return false, "", &Error{Reason: ReasonConflict, Problem: fmt.Sprintf("somebody ended robot %q at the same time", a.Name), Next: nextAnother}
			case a.Name != b.active.username && b.own(a) && held != "":
				detail = fmt.Sprintf("%s; but %q still has %s: run rotate, which ends it", detail, a.Name, held)
			}
		}
		if err == nil && written && named(accounts, b.active.username) == nil {
			err = &Error{Reason: ReasonConflict, Problem: fmt.Sprintf("somebody deleted robot %q at the same time", b.active.username), Next: nextAnother}
		}
		return true, detail, err
	}
	return t
}

func (b *bootstrap) checkRepositories(ctx context.Context) (bool, string, error) {
	existing, err := b.Services.repositories(ctx, b.Organization)
	if err != nil {
		return false, "", err
	}
	b.existing, b.wanted = existing, slices.Clone(existing)
	missing := []string{}
	for _, name := range b.Repositories {
		if path := b.Organization + "/" + name; !slices.Contains(b.wanted, path) {
			b.wanted, missing = append(b.wanted, path), append(missing, path)
		}
	}
	if len(missing) > 0 {
		return false, "missing: " + strings.Join(missing, ", "), nil
	}
	return true, fmt.Sprintf("%d repositories", len(existing)), nil
}

// repositories are the paths of the repositories of organization that a robot can push to; none where there is no such
// organization.
func (s Services) repositories(ctx context.Context, organization string) ([]string, error) {
	list, err := s.Quay.Repositories(ctx, organization)
	if err != nil {
		return nil, err
	}
	paths := []string{}
	for _, r := range list {
		if r.State == "" || r.State == "NORMAL" {
			paths = append(paths, r.Path())
		}
	}
	return paths, nil
}

func (b *bootstrap) createRepositories(ctx context.Context) error {
	for _, path := range b.wanted {
		if slices.Contains(b.existing, path) {
			continue
		}
		if err := b.Quay.CreateRepository(ctx, path); err != nil && !quay.IsExists(err) {
			return err
		}
	}
	return nil
}

// checkVault compares with Quay, which is the source of truth.
func (b *bootstrap) checkVault(ctx context.Context) (bool, string, error) {
	found, err := b.read(ctx, b.Tenant)
	if err != nil {
		return false, "", err
	}
	b.stored = found
	if found.exists && found.equal(b.active) {
		return true, fmt.Sprintf("version %d has the token that Quay has", found.version), nil
	}
	return false, "Vault does not have the token that Quay has", nil
}

func (b *bootstrap) writeVault(ctx context.Context) error {
	return b.write(ctx, b.Tenant, b.active, b.stored.version)
}
