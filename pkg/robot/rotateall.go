package robot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// RotateAllOptions say how to rotate many teams.
type RotateAllOptions struct {
	// MaxAge leaves a credential alone that was written to Vault less than this long ago. An unfinished rotation is finished
	// whatever its age.
	MaxAge time.Duration
	// Parallel is how many teams are worked on at once.
	Parallel int
	// Timeout is how long one team may take, the wait for its runs included. The next run goes on where it was.
	Timeout time.Duration
	// Tried is by team when it was worked on last and not rotated: it comes behind those whose credential was written before that, so
	// that what stops a team does not stop others from their turn.
	Tried map[string]time.Time
	// DryRun says of each team what would be done, and changes nothing.
	DryRun bool
	// Exclusively does work while nobody else works on the team's credential; it fails with ReasonConflict where somebody does.
	Exclusively func(ctx context.Context, team string, work func(context.Context) error) error
	// Ended is told of each team that was begun, as it ends, by one at a time; nil means nobody.
	Ended func(TeamRotation)
}

// RotateAllResult is what RotateAll did.
type RotateAllResult struct {
	// Teams are in the order in which they were to be worked on.
	Teams []TeamRotation
	// Stopped is why no further team was begun; nil if each was.
	Stopped error
}

// rotationOfAll is one run of RotateAll. Of a team it keeps no more than its result.
type rotationOfAll struct {
	Services
	RotateAllOptions
	common commonTrouble
	// teams are in the order in which they are worked on.
	teams []agedTeam
	// foreign is a repository each of some organizations.
	foreign []foreignRepository

	mu     sync.Mutex
	result RotateAllResult
}

// agedTeam is a team with what Vault had at the beginning.
type agedTeam struct {
	Tenant
	// username is the robot in Vault, written is when it was written there; of a keyless team the robot that its ServiceAccount names, and
	// when it was made. Empty and zero where nobody said.
	username string
	written  time.Time
}

// RotateAll rotates every team whose credential is older than MaxAge, or, of a keyless team, whose robot is, the oldest first but for
// Tried, and finishes what an earlier run left undone. What there is to do it sees in Quay and Vault alone, so that it can be run again
// after any failure. What is wrong with one team does not stop the others; what is wrong with all of them does, see commonTrouble. When
// ctx ends no further team is begun, and those under way stop where they are.
func RotateAll(ctx context.Context, s Services, tenants []Tenant, opts RotateAllOptions) RotateAllResult {
	// The steps of several teams at once would tell nobody anything.
	s.Report = nil
	r := &rotationOfAll{Services: s, RotateAllOptions: opts, common: commonTrouble{Services: s, others: tenants}}
	for _, t := range tenants {
		r.teams = append(r.teams, agedTeam{Tenant: t})
	}
	err := r.readAges(ctx)
	r.sort()
	for _, t := range r.teams {
		r.result.Teams = append(r.result.Teams, TeamRotation{Team: t.Team, Outcome: OutcomeNotBegun, Written: t.written})
	}
	if err == nil {
		err = r.findForeign(ctx)
	}
	if err != nil {
		r.result.Stopped = err
		return r.result
	}
	group := errgroup.Group{}
	group.SetLimit(opts.Parallel)
	for i, t := range r.teams {
		group.Go(func() error {
			if r.goesOn(ctx) {
				r.ended(ctx, i, r.team(ctx, t))
			}
			return nil
		})
	}
	_ = group.Wait() // No team's error is one of the group.
	return r.result
}

// readAges reads from Vault when each credential was written. Where that fails for one team, its rotation says why.
func (r *rotationOfAll) readAges(ctx context.Context) error {
	return each(ctx, len(r.teams), func(ctx context.Context, i int) error {
		t := &r.teams[i]
		if t.Keyless {
			return r.readKeylessAge(ctx, t)
		} else if t.VaultPath == "" {
			return nil
		}
		secret, err := r.Vault.Read(ctx, t.VaultPath)
		switch {
		case err == nil:
			t.username, t.written = credentialOf(secret.Data).username, secret.Created
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !errors.Is(err, vault.ErrNotFound) && !errors.Is(err, vault.ErrDenied) && r.common.is(ctx, err):
			return err
		}
		return nil
	})
}

// readKeylessAge reads from Quay when the robot was made that a keyless team's ServiceAccount names: of that team nothing else could be old.
func (r *rotationOfAll) readKeylessAge(ctx context.Context, t *agedTeam) error {
	account, err := r.serviceAccount(ctx, t.Tenant)
	if err == nil {
		var robot quay.Robot
		if robot, err = r.Quay.Robot(ctx, account.Robot); err == nil {
			t.username, t.written = robot.Name, robot.Created.Time
		}
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil && r.common.is(ctx, err):
		return err
	}
	return nil
}

// sort puts first whom nothing was done for the longest: the credential was written then, or that was tried. Before all are those of
// whom neither is known. From then on it is known of whom Vault answered.
func (r *rotationOfAll) sort() {
	last := func(t agedTeam) time.Time {
		if tried := r.Tried[t.Team]; tried.After(t.written) {
			return tried
		}
		return t.written
	}
	slices.SortStableFunc(r.teams, func(a, b agedTeam) int { return last(a).Compare(last(b)) })
	known := []Tenant{}
	for _, t := range r.teams {
		if !t.written.IsZero() {
			known = append(known, t.Tenant)
		}
	}
	if len(known) > 0 {
		r.common.others = known
	}
}

// goesOn reports whether a further team is to be begun.
func (r *rotationOfAll) goesOn(ctx context.Context) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.result.Stopped == nil && ctx.Err() != nil {
		r.result.Stopped = context.Cause(ctx)
	}
	return r.result.Stopped == nil
}

// ended notes what became of a team, and whether that stops the rest.
func (r *rotationOfAll) ended(ctx context.Context, i int, t TeamRotation) {
	stops := r.common.stops(ctx, t)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Teams[i] = t
	if stops && r.result.Stopped == nil {
		r.result.Stopped = t.Err
	}
	if r.Ended != nil {
		r.Ended(t)
	}
}

// foreignRepository is one repository of an organization, by its path.
type foreignRepository struct{ organization, path string }

// findForeign finds a repository each of some organizations, once for all teams: each new robot is tried against those of others.
func (r *rotationOfAll) findForeign(ctx context.Context) error {
	const most = 11
	for _, t := range r.teams {
		if len(r.foreign) == most || slices.ContainsFunc(r.foreign, func(f foreignRepository) bool { return f.organization == t.Organization }) {
			continue
		}
		found, err := r.repositories(ctx, t.Organization)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && r.common.is(ctx, err):
			return err
		case len(found) > 0:
			r.foreign = append(r.foreign, foreignRepository{t.Organization, found[0]})
		}
	}
	return nil
}

// twice is the error for a team that has two ExternalSecrets, or one and a ServiceAccount: each rotation would end the other's robot. It
// is nil if the team has one of them.
func (r *rotationOfAll) twice(t Tenant) error {
	for _, other := range r.teams {
		switch {
		case other.Team != t.Team:
		case other.Keyless != t.Keyless:
			return &Error{Reason: ReasonRefused, Problem: fmt.Sprintf("team %q has both an ExternalSecret and a ServiceAccount %q", t.Team, t.Secret),
				Next: "delete the ExternalSecret if the team is keyless, else the ServiceAccount, from Git first"}
		case other.Namespace != t.Namespace:
			return &Error{Reason: ReasonRefused, Problem: fmt.Sprintf("team %q has ExternalSecrets in the namespaces %q and %q", t.Team, t.Namespace, other.Namespace),
				Next: "a team has one Secret: delete one of them"}
		}
	}
	return nil
}
