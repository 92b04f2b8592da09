package robot

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

const (
	// otherTeams is how many other teams are looked at to tell whether what is wrong with one is wrong with all.
	otherTeams = 3
	// lookTimeout is how long that may take: what does not answer within it is away.
	lookTimeout = 20 * time.Second
	// failedInARow is how many teams may fail one after the other, with none rotated in between, for want of a good answer.
	failedInARow = 10
)

// commonTrouble tells trouble of all teams from that of one: with Quay, Vault or the cluster away, or a token refused, each
// further team would only fail as well.
type commonTrouble struct {
	Services
	// others are teams to look at.
	others []Tenant

	mu sync.Mutex
	// row counts the teams that failed one after the other.
	row int
}

// spread chooses a few teams from all over a list.
func spread(tenants []Tenant) []Tenant {
	if len(tenants) <= otherTeams {
		return tenants
	}
	return []Tenant{tenants[0], tenants[len(tenants)/2], tenants[len(tenants)-1]}
}

// stops reports whether after a team's outcome no further one is to be begun.
func (c *commonTrouble) stops(ctx context.Context, t TeamRotation) bool {
	switch t.Outcome {
	case OutcomeRotated, OutcomeResumed:
		c.count(false)
		return false
	case OutcomeFailed:
		return errors.As(t.Err, new(*notHeld)) || c.is(ctx, t.Err) || !ofOneTeam(t.Err) && c.count(true) >= failedInARow
	}
	return false
}

// count notes a team that failed, or that did not.
func (c *commonTrouble) count(failed bool) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.row++; !failed {
		c.row = 0
	}
	return c.row
}

// is reports whether err, of one team, is what all the others meet too: where it may be, they are looked at.
func (c *commonTrouble) is(ctx context.Context, err error) bool {
	if !maybeCommon(err) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	for _, t := range c.others {
		if !c.meets(ctx, t) {
			return false
		}
	}
	return true
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
