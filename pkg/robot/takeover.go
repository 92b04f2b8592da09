package robot

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// secretTask has the Secret take the credential over where there is an ExternalSecret already: to apply that again changes nothing, so
// that External Secrets would look at Vault in an hour.
func (b *bootstrap) secretTask() task {
	var late []site
	return task{id: "secret", title: "have the Secret take it over", reason: ReasonDrift, next: nextConflict,
		check: func(ctx context.Context) (bool, string, error) {
			late = nil
			details := []string{}
			for _, x := range b.sites(b.Tenant) {
				has, detail, err := b.tookOver(ctx, x)
				if err != nil {
					return false, "", err
				} else if !has {
					late = append(late, x)
				}
				details = append(details, detail)
			}
			return len(late) == 0, strings.Join(details, "; "), nil
		},
		do: func(ctx context.Context) error {
			return b.refresh(ctx, late, b.whileInVault(b.Tenant, b.active, b.tookOver))
		}}
}

// tookOver looks whether the Secret there has the credential, or is nothing to wait for: without an ExternalSecret, by one that onboard
// has to render again, or where the caller may not look.
func (b *bootstrap) tookOver(ctx context.Context, x site) (bool, string, error) {
	e, err := x.readExternalSecret(ctx)
	has, detail := false, ""
	switch {
	case err == nil && e.Path != b.VaultPath:
		return true, fmt.Sprintf("ExternalSecret %s reads another path: render it again with onboard", x), nil
	case err == nil && e.Frozen != "":
		return true, fmt.Sprintf("ExternalSecret %s never does, as %s: %s", x, e.Frozen, nextOfFrozen(e.Frozen)), nil
	case err == nil:
		if secret, err := x.readSecret(ctx); err == nil {
			if _, err := b.carried(secret); err != nil {
				return true, fmt.Sprintf("Secret %s cannot be used: %v: render its ExternalSecret again with onboard", x, err), nil
			}
		}
		has, detail, err = x.has(ctx, b.Tenant, b.active)
	}
	switch denied := (*Error)(nil); {
	case errors.Is(err, ErrNotFound):
		return true, fmt.Sprintf("there is no ExternalSecret %s yet", x), nil
	case errors.As(err, &denied) && denied.Reason == ReasonNoRight:
		return true, fmt.Sprintf("you may not see %s: %s", x, denied.Problem), nil
	}
	return has, detail, err
}
