package robot

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

const (
	// otherTeams is how many other teams are looked at, at most, to tell whether what is wrong with one is wrong with all: that it is not
	// is known from the first of which it is not.
	otherTeams = 50
	// lookTimeout is how long one of them may take, and looksTimeout how long all: what does not answer within it is away.
	lookTimeout, looksTimeout = 10 * time.Second, 2 * time.Minute
	// failedInARow is how many teams may fail one after the other for want of a good answer, with none rotated in between, until it is
	// tried whether others could be changed.
	failedInARow = 10
)

// commonTrouble tells trouble of all teams from that of one: with Quay, Vault or the cluster away, or a token refused, each
// further team would only fail as well. However many teams have trouble of their own, one that has none shows that it is not all's.
type commonTrouble struct {
	Services
	// others are teams to look at.
	others []Tenant

	mu sync.Mutex
	// row counts the teams that failed one after the other; failed are all of those.
	row    int
	failed map[string]bool
}

// spread chooses n teams at most from all over a list, one after the other from far apart.
func spread(tenants []Tenant, n int) []Tenant {
	const rough = 5
	chosen := tenants
	if len(tenants) > n {
		chosen = []Tenant{}
		for i := range n {
			chosen = append(chosen, tenants[i*(len(tenants)-1)/(n-1)])
		}
	}
	apart := []Tenant{}
	for first := range rough {
		for i := first; i < len(chosen); i += rough {
			apart = append(apart, chosen[i])
		}
	}
	return apart
}

// allMeet reports whether every one of teams meets what one has met; so it is where Quay as a whole does not answer.
func (s Services) allMeet(ctx context.Context, teams []Tenant, meets func(context.Context, Tenant) bool) bool {
	ctx, cancel := context.WithTimeout(ctx, looksTimeout)
	defer cancel()
	if _, err := s.Quay.Config(ctx); err != nil {
		return true
	}
	return !slices.ContainsFunc(teams, func(t Tenant) bool {
		ctx, cancel := context.WithTimeout(ctx, lookTimeout)
		defer cancel()
		return !meets(ctx, t)
	})
}

// stops reports whether after a team's outcome no further one is to be begun.
func (c *commonTrouble) stops(ctx context.Context, t TeamRotation) bool {
	switch t.Outcome {
	case OutcomeRotated, OutcomeResumed:
		c.count(t.Team, false)
		return false
	case OutcomeFailed:
		if errors.As(t.Err, new(*notHeld)) || c.is(ctx, t.Err) {
			return true
		}
		return !ofOneTeam(t.Err) && c.count(t.Team, true)%failedInARow == 0 && !c.takeChanges(ctx)
	}
	return false
}

// count notes a team that failed, or that did not, and returns how many failed in a row.
func (c *commonTrouble) count(team string, failed bool) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.row++; !failed {
		c.row = 0
		return 0
	}
	if c.failed == nil {
		c.failed = map[string]bool{}
	}
	c.failed[team] = true
	return c.row
}

// chosen are a few of the others, of which none is known to have trouble of its own, as long as there are such.
func (c *commonTrouble) chosen() []Tenant {
	c.mu.Lock()
	defer c.mu.Unlock()
	well := slices.DeleteFunc(slices.Clone(c.others), func(t Tenant) bool { return c.failed[t.Team] })
	if len(well) == 0 {
		well = c.others
	}
	return spread(well, otherTeams)
}

// is reports whether err, of one team, is what all the others meet too: where it may be, they are looked at.
func (c *commonTrouble) is(ctx context.Context, err error) bool {
	if !maybeCommon(err) {
		return false
	}
	return c.allMeet(ctx, c.chosen(), c.meets)
}

// meets reports whether such an error comes from any of the parts that a rotation of t works on.
func (c *commonTrouble) meets(ctx context.Context, t Tenant) bool {
	looks := []func() error{
		func() error { return c.checkOwner(ctx, t) },
		func() error { return c.checkRefresh(ctx, t) },
		func() error { _, err := c.unfinishedRuns(ctx, t); return err },
	}
	switch {
	case t.Keyless:
		looks[1] = func() error { _, err := c.serviceAccount(ctx, t); return err }
	case t.VaultPath != "":
		looks = append(looks, func() error { _, err := c.Vault.Read(ctx, t.VaultPath); return err })
	}
	for _, look := range looks {
		if err := look(); err != nil && maybeCommon(err) {
			return true
		}
	}
	return false
}

// maybeCommon reports whether err can be one of all teams: no answer, or one that is about the caller's own rights.
func maybeCommon(err error) bool {
	domain, answer := (*Error)(nil), (*quay.Error)(nil)
	switch {
	case errors.Is(err, vault.ErrNotFound), errors.Is(err, ErrNotFound):
		return false
	case errors.As(err, &domain):
		return domain.Reason == ReasonNoRight || errors.Is(err, ErrNoTekton)
	case quay.IsUnauthorized(err) && errors.As(err, &answer) && answer.Path == quay.TokenPath:
		return false // That is the robot's own token.
	}
	return !ofOneTeam(err) || errors.Is(err, vault.ErrDenied) || quay.IsForbidden(err)
}
