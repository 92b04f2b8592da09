package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/comptech-lab/quay-push/pkg/vault"
)

// lookTokenAge is how old the OAuth token of the platform is.
const lookTokenAge = "quay-token-age"

// oldToken is the age from which an OAuth token is told as old: it is good for ten years where nobody says otherwise.
const oldToken = 90 * 24 * time.Hour

// days is an age for people.
func days(age time.Duration) string {
	if n := int(age.Hours() / 24); n != 1 {
		return fmt.Sprintf("%d days", n)
	}
	return "1 day"
}

// lookAtQuayTokenAge asks Vault: Quay tells nobody how old the token is that he has.
func (d *doctor) lookAtQuayTokenAge(ctx context.Context) {
	const keep = "keep it in Vault, where docs/fleet.md says, which knows when it was written"
	v, err := d.vault(ctx)
	if err != nil {
		problem, next := split(err)
		d.addAs(unknown, lookTokenAge, next, "Quay does not tell how old your OAuth token is, and Vault was not asked: "+problem)
		return
	}
	found, err := v.Read(ctx, defaultOAuthPath)
	switch {
	case errors.Is(err, vault.ErrNotFound):
		d.addAs(unknown, lookTokenAge, keep, fmt.Sprintf("Quay does not tell how old your OAuth token is, and Vault has none at %q", defaultOAuthPath))
	case err != nil:
		d.cannot(err, lookTokenAge)
	default:
		age := d.program.Now().Sub(found.Created)
		text := fmt.Sprintf("the OAuth token in Vault is %s old", days(age))
		d.warn(lookTokenAge, age < oldToken, "replace it with tkn quay platform-token rotate, or by hand where Quay is older than 3.18", text, text)
	}
}
