package cli

import (
	"cmp"
	"context"
	"fmt"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

// lookAtQuay looks at what Quay tells everybody, and whether the OAuth token does what the tool needs.
func (d *doctor) lookAtQuay(ctx context.Context) {
	q, err := d.quay(ctx, false)
	if err != nil {
		d.cannot(err, "quay")
		d.skip(append(quayLooks, "quay-token"), "Quay was not asked, see quay")
		return
	}
	settings, err := q.Config(ctx)
	if err != nil {
		problem, next := split(err)
		d.addAs(sick, "quay", cmp.Or(next, "see whether Quay runs, and --quay-url"), problem)
		d.skip(append(quayLooks, "quay-token"), "Quay did not answer, see quay")
		return
	}
	d.addAs(healthy, "quay", "", "Quay answers at "+q.Host())
	d.addQuayVersion(settings.Version)
	d.add("quay-state", settings.State == "normal", "pushes fail until its state is normal again", "Quay takes pushes", fmt.Sprintf("the state of Quay is %q", settings.State))
	hostname, _ := settings.Settings["SERVER_HOSTNAME"].(string)
	d.add("quay-hostname", hostname == d.config.Registry, "set registry in config-tenancy to Quay's name: tokens are for that name alone",
		fmt.Sprintf("Quay calls itself %q, as config-tenancy does", hostname), fmt.Sprintf("Quay calls itself %q, config-tenancy calls it %q", hostname, d.config.Registry))
	d.lookAtAnchors(ctx, q, settings)
	d.lookAtTimeMachine(ctx, q)
	d.warn("quay-superusers", !settings.Features["SUPERUSERS_FULL_ACCESS"], "count them among the platform team, see docs/threat-model.md",
		"superusers have no access to other organizations", "superusers read and write every organization")
	d.lookAtQuayToken(ctx, q)
}

// lookAtQuayToken asks about the organization of one tenant.
func (d *doctor) lookAtQuayToken(ctx context.Context, q *quay.Client) {
	const id = "quay-token"
	if d.noTenant(id) {
		return
	}
	t := d.tenants[0]
	o, err := q.Organization(ctx, t.Organization)
	if err != nil {
		problem, next := split(err)
		d.addAs(sick, id, cmp.Or(next, "see tkn quay verify "+t.Team), problem)
		return
	}
	d.add(id, o.Admin, "use a token of an owner of the teams' organizations, with org:admin and repo:admin",
		fmt.Sprintf("your OAuth token administers %q", t.Organization), fmt.Sprintf("your OAuth token does not administer %q", t.Organization))
}
