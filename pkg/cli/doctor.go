package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// doctor looks at an installation.
type doctor struct {
	*connection
	clients Clients
	config  *config.Config
	// tenants are the teams with a stored credential, keyless the ServiceAccounts of the others.
	tenants []robot.Tenant
	keyless []string
	// organizations are those of all teams.
	organizations []string
	// unlisted is why the tenants are not known, if they are not.
	unlisted error
	// late reports whether a look ran out of time.
	late  bool
	found diagnosis
}

// add adds a look that is ok, or failed; yes and no are the sentences for the two.
func (d *doctor) add(id string, ok bool, next, yes, no string) {
	if ok {
		d.addAs(healthy, id, "", yes)
		return
	}
	d.addAs(sick, id, next, no)
}

// warn adds a look that is ok, or works and may become wrong.
func (d *doctor) warn(id string, ok bool, next, yes, no string) {
	if ok {
		d.addAs(healthy, id, "", yes)
		return
	}
	d.addAs(warning, id, next, no)
}

func (d *doctor) addAs(h health, id, next, detail string) {
	l := look{ID: id, Health: h, Detail: detail, Next: next}
	if h != healthy {
		l.Symptom = symptomOf[id]
	}
	d.found.Looks = append(d.found.Looks, l)
}

// cannot adds looks that could not be done.
func (d *doctor) cannot(err error, ids ...string) {
	problem, next := split(err)
	for _, id := range ids {
		d.addAs(unknown, id, next, problem)
	}
}

// skip adds looks for which there is nothing to look at.
func (d *doctor) skip(ids []string, format string, args ...any) {
	for _, id := range ids {
		d.addAs(unknown, id, "", fmt.Sprintf(format, args...))
	}
}

// noTenant says of looks that they need a tenant, if there is none, or none is known.
func (d *doctor) noTenant(ids ...string) bool {
	if d.unlisted != nil {
		d.cannot(d.unlisted, ids...)
	} else if len(d.tenants) == 0 {
		d.skip(ids, "it takes a team to look at, and no ExternalSecret of one was found")
	}
	return len(d.tenants) == 0
}

func (c *connection) newDoctor() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look at the installation: versions, policies, rights, settings of Quay and Vault, clocks",
		Long: `Looks at what all tenants depend on, and changes nothing. What cannot be looked at is unknown, with the reason, and no failure;
docs/cli.md lists the looks. Vault's policy is tested by logging in as External Secrets does and asking Vault what it may read.`,
		Example: "  tkn quay doctor\n  tkn quay doctor -o json",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := c.examine(cmd.Context())
			if err != nil {
				return err
			}
			if err := c.print(d.found); err != nil {
				return err
			}
			return d.verdict(cmd.Context())
		},
	}
	c.addQuayFlags(cmd)
	c.addVaultFlags(cmd)
	return cmd
}

// verdict is the error for what was found.
func (d *doctor) verdict(ctx context.Context) error {
	switch err := ctx.Err(); {
	case err != nil:
		return fmt.Errorf("looking at the installation: %w", err)
	case d.found.sick() > 0:
		return &failure{exit: ExitFindings, problem: fmt.Sprintf("%d of %d looks failed", d.found.sick(), len(d.found.Looks))}
	case d.late:
		return fmt.Errorf("looking at the installation: a look ran out of time: %w", context.DeadlineExceeded)
	}
	return nil
}

// within looks for lookTimeout at most, and for half of the time that is left: what hangs leaves time for the looks after it.
func within(ctx context.Context, look func(context.Context) error) error {
	limit := lookTimeout
	if end, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(end)/2)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return look(ctx)
}

// examine looks at everything.
func (c *connection) examine(ctx context.Context) (*doctor, error) {
	clients, err := c.cluster()
	if err != nil {
		return nil, err
	}
	err = within(ctx, func(ctx context.Context) error {
		_, err := c.tenancy(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	d := &doctor{connection: c, clients: clients, config: c.config, found: diagnosis{head: newHead("Diagnosis")}}
	for _, look := range []func(context.Context){d.lookAtTenants, d.lookAtController, d.lookAtTekton, d.lookAtTask, d.lookAtExternalSecrets, d.lookAtPolicies, d.lookAtSharedNamespaces,
		d.lookAtRights, d.lookAtReceiptKey, d.lookAtQuay, d.lookAtQuayTokenAge, d.lookAtKeyless, d.lookAtVaultToken, d.lookAtVaultRole, d.lookAtClocks} {
		d.late = within(ctx, func(ctx context.Context) error { look(ctx); return ctx.Err() }) != nil || d.late
	}
	slices.SortStableFunc(d.found.Looks, func(a, b look) int { return slices.Index(looks, a.ID) - slices.Index(looks, b.ID) })
	return d, nil
}

// lookAtTenants finds the teams that other looks take as their example.
func (d *doctor) lookAtTenants(ctx context.Context) {
	tenants, err := (&cluster{d.clients, d.config}).tenants(ctx)
	if err != nil {
		d.unlisted = err
		d.cannot(err, "tenants")
		return
	}
	d.organizations = organizationsOf(tenants)
	for _, t := range tenants {
		if t.Keyless {
			d.keyless = append(d.keyless, t.Secret)
		} else {
			d.tenants = append(d.tenants, t)
		}
	}
	d.addAs(healthy, "tenants", "", fmt.Sprintf("teams with an ExternalSecret: %d, keyless teams: %d", len(d.tenants), len(d.keyless)))
}
