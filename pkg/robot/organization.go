package robot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

// organizationStep is the step on which all others in Quay stand.
const organizationStep = "organization"

// organizationTask has the organization, if it may make it.
func (b *bootstrap) organizationTask() task {
	next := "create it in Quay, or use --create-organization; the OAuth token then needs user:admin too"
	if b.CreateOrganization {
		next = "see what became of it in Quay, then run this again"
	}
	return task{id: organizationStep, title: fmt.Sprintf("have the organization %q", b.Organization), reason: ReasonMissing,
		next: next, check: b.checkOrganization, do: b.createOrganization}
}

func (b *bootstrap) checkOrganization(ctx context.Context) (bool, string, error) {
	o, err := b.Quay.Organization(ctx, b.Organization)
	switch {
	case quay.IsNotFound(err):
		return false, fmt.Sprintf("there is no organization %q", b.Organization), nil
	case err != nil:
		return false, "", err
	case !o.Admin:
		return false, "", notOwner(b.Organization)
	}
	return true, "it exists", nil
}

func (b *bootstrap) createOrganization(ctx context.Context) error {
	if !b.CreateOrganization {
		return nil
	}
	err := b.Quay.CreateOrganization(ctx, b.Organization, b.Email)
	if err == nil {
		return nil
	}
	refused := (*quay.Error)(nil)
	switch found, _, checked := b.checkOrganization(ctx); {
	case found && checked == nil && quay.IsExists(err):
		return nil // Somebody else made it meanwhile.
	case quay.IsForbidden(err):
		return &Error{Reason: ReasonNoRight, Problem: "the organization was not made", Err: err, Next: quay.Next(err) +
			"; or create it in Quay and run this again without --create-organization"}
	case quay.IsExists(err):
		return &Error{Reason: ReasonConflict, Problem: fmt.Sprintf("the name %q is taken in Quay, and not by an organization", b.Organization), Err: err,
			Next: "rename the user of that name in Quay, or have other names with organization in ConfigMap config-tenancy"}
	case errors.As(err, &refused) && refused.Status == http.StatusBadRequest && quay.Next(err) == "" && strings.Contains(strings.ToLower(refused.Message), "email"):
		return &Error{Reason: ReasonMissing, Problem: "the organization was not made", Err: err, Next: "give an address of its own with --email"}
	}
	return err
}
