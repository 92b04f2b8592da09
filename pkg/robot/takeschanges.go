package robot

import (
	"context"
	"math"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

// changedTeams is how many teams it is tried with at most.
const changedTeams = 10

// neverWritten is a version that no secret in Vault has.
const neverWritten = math.MaxInt32

// takeChanges reports whether Quay and Vault take changes for any other team, when those of many in a row failed though they answer
// what is asked of them. Where there is no team that this can be tried with, it is taken that they do.
func (c *commonTrouble) takeChanges(ctx context.Context) bool {
	tried := false
	for _, t := range spread(c.chosen(), changedTeams) {
		could, took := c.changeNothing(ctx, t)
		if tried = tried || could; took {
			return true
		}
	}
	return !tried
}

// changeNothing has Quay and Vault write what they have of a team already: Quay the role of its robot's default permission, Vault that
// a version is destroyed which never was. could says that the team has all that is needed for it, took that both did.
func (c *commonTrouble) changeNothing(all context.Context, t Tenant) (could, took bool) {
	ctx, cancel := context.WithTimeout(all, lookTimeout)
	defer cancel()
	found, err := c.read(ctx, t)
	if err != nil || !found.exists {
		return false, false
	}
	prototypes, err := c.Quay.Prototypes(ctx, t.Organization)
	if err != nil {
		return false, false
	}
	for _, p := range prototypes {
		if p.Delegate == found.username && p.ActivatingUser == "" && p.Role == quay.Write {
			err := c.Quay.SetPrototypeRole(ctx, t.Organization, p.ID, p.Role)
			if err == nil {
				err = c.Vault.Destroy(ctx, t.VaultPath, []int{neverWritten})
			}
			// A refusal is an answer of somebody who is there.
			return true, err == nil || all.Err() != nil || ofOneTeam(err)
		}
	}
	return false, false
}
