package robot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// RotateOptions say how to rotate.
type RotateOptions struct {
	// MaxAge leaves a credential alone that was written to Vault less than this long ago; 0 rotates any. An unfinished
	// rotation is finished whatever its age.
	MaxAge time.Duration
	// InPlace replaces the token of the one robot: pushes fail from then until the Secret has the new one.
	InPlace bool
	// Foreign are repositories of other teams, "organization/name", to prove that the new credential may not push there.
	Foreign []string
}

// RotateResult is what Rotate did.
type RotateResult struct {
	Steps []Step `json:"steps"`
	// Robot is the robot in use now.
	Robot string `json:"robot"`
	// Resumed says that an earlier, unfinished rotation was finished, and no new one begun.
	Resumed bool `json:"resumed"`
	// Outage is how long no credential in the cluster was good, in JSON in nanoseconds; always 0 unless in place.
	Outage time.Duration `json:"outage"`
}

// rotation is one run of Rotate.
type rotation struct {
	Services
	Tenant
	RotateOptions
	// from is the credential in use when the rotation began, to the one that takes over; its token is unknown until it is
	// made.
	from, to credential
	// version is the version in Vault to write on.
	version int
	// fresh says that nothing was begun yet, over that no robot that is to go is good for anything any more; alive that Quay takes the
	// credential in use.
	fresh, over, alive bool
	// robots are the team's, as they were when the rotation began.
	robots []account
	// retired are the robots that go: the one in use before, and every other that an earlier run left.
	retired *retirement
	// repositories are those that the new robot has to be able to push to.
	repositories []string
	// runs were unfinished when the Secret had changed; captured says that they were looked up.
	runs     []string
	captured bool
}

// Rotate replaces the robot of a tenant, so that no push fails: a new robot is made, of the next generation, its right is proved,
// Vault and the Secret take it over, the runs that began with the old one end. Then the old one loses its rights, its token and its
// name, see retirement, and its copies in Vault are destroyed. It can be run again after any failure and goes on where it was.
//
// What a rotation has left undone is read from Quay and Vault alone: an older version in Vault that names another robot is there until
// the very end, and what that robot holds says how far the rotation was. A robot that was made and never written to Vault goes with
// the next rotation, under which it has a name of its own. Of a keyless team the ServiceAccount takes Vault's and the Secret's place, see
// keylessRotation.
func Rotate(ctx context.Context, s Services, t Tenant, opts RotateOptions) (RotateResult, error) {
	return rotate(ctx, s, t, opts, s.run)
}

// PlanRotate says what Rotate would do, and changes nothing.
func PlanRotate(ctx context.Context, s Services, t Tenant, opts RotateOptions) (RotateResult, error) {
	return rotate(ctx, s, t, opts, plan)
}

func rotate(ctx context.Context, s Services, t Tenant, opts RotateOptions, work func(context.Context, []task) ([]Step, error)) (RotateResult, error) {
	if t.Keyless {
		return rotateKeyless(ctx, s, t, opts, work)
	}
	r := &rotation{Services: s, Tenant: t, RotateOptions: opts}
	current, err := r.load(ctx)
	if err != nil {
		return RotateResult{}, err
	}
	result := RotateResult{Robot: current.username, Resumed: !r.fresh}
	age := s.now().Sub(current.Created)
	switch {
	case r.fresh && r.alive && opts.MaxAge > 0 && age < opts.MaxAge:
		return r.tidy(ctx, result, age, work)
	case r.fresh:
		if err := r.checkFresh(ctx); err != nil {
			return RotateResult{}, err
		}
	}
	if r.fresh && opts.InPlace {
		return r.inPlace(ctx, current, work)
	}
	if !r.over {
		if _, err := r.unfinishedRuns(ctx, t); err != nil {
			return RotateResult{}, err
		}
	}
	tasks := r.tasks()
	if r.fresh {
		if r.repositories, err = r.Services.repositories(ctx, r.Organization); err != nil {
			return RotateResult{}, err
		}
		why, err := r.renewal(ctx, current)
		if err != nil {
			return RotateResult{}, err
		} else if why != "" {
			tasks = append([]task{r.renewTask(current, why)}, tasks...)
		}
	}
	result.Steps, err = work(ctx, tasks)
	if err == nil && !r.to.token.IsZero() {
		result.Robot = r.to.username
		err = r.checkStands(ctx)
	}
	return result, err
}

// makingTakes is how long a robot may be on its way to Vault, as one that a leak makes: as long it is not taken for one that was left.
const makingTakes = time.Hour

// beingMade reports whether somebody may be making the robot just now, to take over from the one of generation inUse.
func (r *rotation) beingMade(a account, inUse int, now time.Time) bool {
	return a.generation > inUse && now.Sub(a.Created.Time) < makingTakes
}

// tidy leaves a credential alone that is young enough. Another robot that can push goes all the same.
func (r *rotation) tidy(ctx context.Context, result RotateResult, age time.Duration, work func(context.Context, []task) ([]Step, error)) (RotateResult, error) {
	young := task{id: "age", title: "see whether the credential is old enough", check: func(context.Context) (bool, string, error) {
		return true, fmt.Sprintf("it is %s old", age.Round(time.Second)), nil
	}}
	now, inUse := r.quayNow(), r.Generation(result.Robot)
	r.retired = r.retirement(r.Tenant, func(a account) bool {
		return r.own(a) && a.Name != result.Robot && !r.beingMade(a, inUse, now)
	})
	r.retired.below = inUse
	armed, left := r.remains()
	tasks := []task{young}
	if armed {
		if _, err := r.unfinishedRuns(ctx, r.Tenant); err != nil {
			return result, err
		}
		tasks = append(tasks, r.secretTask("secret", "see that the Secret has the credential in use", func() credential { return r.from }), r.runsTask())
	}
	if left {
		r.to = r.from
		tasks = append(tasks, r.retired.tasks(r.checkTakenOver)...)
	}
	steps, err := work(ctx, tasks)
	result.Steps = steps
	return result, err
}

// remains reports whether a robot that is to go holds anything, and whether there is anything to do about any of them.
func (r *rotation) remains() (armed, left bool) {
	for _, a := range r.robots {
		if r.retired.whom(a) {
			armed, left = armed || a.holds() != "", left || a.holds() != "" || r.retired.deletable(a)
		}
	}
	return armed, left
}

// checkFresh fails where a rotation that is begun now could not be finished, or be told from one that was never begun.
func (r *rotation) checkFresh(ctx context.Context) error {
	if err := r.checkRefresh(ctx, r.Tenant); err != nil || r.InPlace {
		return err
	}
	return r.checkKept(ctx, r.Tenant)
}

// load finds out where the tenant stands.
func (r *rotation) load(ctx context.Context) (stored, error) {
	if err := r.checkMount(ctx); err != nil {
		return stored{}, err
	}
	current, err := r.read(ctx, r.Tenant)
	if err != nil {
		return stored{}, err
	}
	if !current.exists || !r.OwnsRobot(current.username) {
		return stored{}, &Error{Reason: ReasonMissing, Problem: fmt.Sprintf("there is no credential at %q in Vault", r.VaultPath),
			Next: "make it with bootstrap"}
	}
	r.version = current.version
	if err := r.checkOwner(ctx, r.Tenant); err != nil {
		return stored{}, err
	}
	old, found, err := r.unfinished(ctx, current)
	if err != nil {
		return stored{}, err
	}
	if r.robots, err = r.accounts(ctx, r.Tenant); err != nil {
		return stored{}, err
	}
	if found {
		r.from, r.to = old, current.credential
		return current, r.resume(ctx)
	}
	r.fresh = true
	if r.alive, err = r.takes(ctx, current.credential); err != nil {
		return stored{}, err
	}
	r.from, r.to = current.credential, credential{username: r.successor(r.robots, current.username)}
	return current, nil
}

// unfinished looks for an older version in Vault that names another robot of the team.
func (r *rotation) unfinished(ctx context.Context, current stored) (credential, bool, error) {
	metadata, err := r.Vault.Metadata(ctx, r.VaultPath)
	if err != nil {
		return credential{}, false, err
	}
	for _, version := range slices.Backward(metadata.Live) {
		if version == current.version {
			continue
		}
		secret, err := r.Vault.ReadVersion(ctx, r.VaultPath, version)
		if errors.Is(err, vault.ErrNotFound) {
			continue
		} else if err != nil {
			return credential{}, false, err
		}
		if old := credentialOf(secret.Data); old.username != current.username && r.OwnsRobot(old.username) {
			return old, true, nil
		}
	}
	return credential{}, false, nil
}

// resume looks whether the new token is still good, before the Secret gets it, and whether the old one is good for anything.
func (r *rotation) resume(ctx context.Context) error {
	if err := r.stillGood(ctx); err != nil {
		return err
	}
	if to := named(r.robots, r.to.username); to != nil && len(to.defaults) == 0 {
		return &Error{Reason: ReasonConflict, Problem: fmt.Sprintf("robot %q, which Vault has, lost its rights", to.Name), Next: nextBootstrap}
	}
	// Whichever of them a run has: it is waited for.
	r.over = !slices.ContainsFunc(r.robots, func(a account) bool {
		return a.Name != r.to.username && (r.own(a) || a.Name == r.from.username) && a.holds() != ""
	})
	return nil
}

// takes reports whether Quay takes the credential, of a robot that was not begun to be taken out of use.
func (r *rotation) takes(ctx context.Context, c credential) (bool, error) {
	if a := named(r.robots, c.username); a == nil || len(a.defaults) == 0 {
		return false, nil
	}
	robot, err := r.Quay.Robot(ctx, c.username)
	if quay.IsNotFound(err) {
		return false, nil
	}
	return robot.Token.Equal(c.token), err
}

// tasks are the steps of a rotation. Those before "secret" are done where an earlier run did them.
func (r *rotation) tasks() []task {
	to := r.Generation(r.to.username)
	r.retired = r.retirement(r.Tenant, func(a account) bool {
		// One of a later generation is somebody's who works on the team now: it is the next run's, if it is anybody's.
		return a.Name != r.to.username && a.generation <= to && (r.own(a) || a.Name == r.from.username)
	})
	secret := r.secretTask("secret", "have the Secret take it over", func() credential { return r.to })
	r.retired.below = to
	retire := r.retired.tasks(r.checkTakenOver)
	// Quay may keep a robot, as one that a mirror uses: that is told last of all.
	end := []task{retire[0], r.destroyTask(), retire[1]}
	switch {
	case r.fresh:
		current := r.secretTask("secret-current", "see that the Secret has the credential in use", func() credential { return r.from })
		return slices.Concat([]task{current}, r.makeTasks(), []task{secret, r.runsTask()}, end)
	case r.over:
		// By an earlier run, after the Secret had the new one; or by somebody else, before: there is nothing to wait for.
		return append([]task{secret}, end...)
	}
	return append([]task{secret, r.runsTask()}, end...)
}

// makeTasks make the robot that takes over, prove its right and put it into Vault.
func (r *rotation) makeTasks() []task {
	robot := func() string { return r.to.username }
	repositories := func() []string { return r.repositories }
	return []task{
		{id: "robot", title: fmt.Sprintf("make the robot %q", r.to.username), reason: ReasonMissing,
			next: "see the robots of the organization in Quay", check: r.checkRobot,
			do: func(ctx context.Context) error { return r.createRobot(ctx, r.Tenant, r.to.username, r.pushing()) }},
		r.permissionTask(robot, repositories),
		r.defaultPermissionTask(r.Organization, robot),
		r.rightTask(func() credential { return r.to }, repositories, func() []string { return r.Foreign }),
		{id: "vault", title: "put it into Vault", reason: ReasonConflict, next: nextConflict, check: r.checkVault,
			do: func(ctx context.Context) error { return r.write(ctx, r.Tenant, r.to, r.version) }},
	}
}

func (r *rotation) runsTask() task {
	return task{id: "runs", title: "let the runs end that began with the old token", check: r.checkRuns, do: r.waitForRuns}
}

// checkRobot is done when the robot exists, with the token that it was made with. It did not when its name was chosen.
func (r *rotation) checkRobot(ctx context.Context) (bool, string, error) {
	robot, err := r.Quay.Robot(ctx, r.to.username)
	if quay.IsNotFound(err) {
		return false, "it does not exist", nil
	}
	if err == nil {
		err = r.checkOurs(robot)
	}
	if err != nil {
		return false, "", err
	}
	r.to.token = robot.Token
	return true, "it exists", nil
}

func (r *rotation) checkToken(context.Context) (bool, string, error) {
	if r.to.token.IsZero() {
		return false, "the cluster has the one of now", nil
	}
	return true, "Quay has a newer one than the cluster", nil
}

func (r *rotation) regenerate(ctx context.Context) error {
	robot, err := r.Quay.RegenerateRobot(ctx, r.to.username)
	r.to.token = robot.Token
	return err
}

func (r *rotation) checkVault(ctx context.Context) (bool, string, error) {
	found, err := r.read(ctx, r.Tenant)
	if err != nil {
		return false, "", err
	}
	if !found.exists || !found.equal(r.to) {
		return false, fmt.Sprintf("version %d is the old one", r.version), nil
	}
	return true, fmt.Sprintf("it is version %d", found.version), r.stillGood(ctx)
}

// checkRuns is done when every run has ended that was there when the Secret changed.
func (r *rotation) checkRuns(ctx context.Context) (bool, string, error) {
	now, err := r.unfinishedRuns(ctx, r.Tenant)
	if err != nil {
		return false, "", err
	}
	if !r.captured {
		r.runs, r.captured = now, true
	}
	left := []string{}
	for _, name := range r.runs {
		if slices.Contains(now, name) {
			left = append(left, name)
		}
	}
	if len(left) == 0 {
		return true, "none is left", nil
	}
	const most = 5
	return false, fmt.Sprintf("%d left: %s", len(left), strings.Join(left[:min(most, len(left))], ", ")), nil
}

func (r *rotation) waitForRuns(ctx context.Context) error {
	return r.wait(ctx, "runs that began with the old token", func() (bool, string, error) {
		done, detail, err := r.checkRuns(ctx)
		if !done && err == nil {
			err = r.checkInUse(ctx)
		}
		return done, detail, err
	})
}
