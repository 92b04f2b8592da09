package cli

import "context"

// lookAtQuay looks at what Quay tells everybody, and whether the OAuth token does what the tool needs.
func (d *doctor) lookAtQuay(ctx context.Context) {
	q, err := d.quay(ctx, false)
	if err != nil {
		d.cannot("quay", err)
		return
	}
	settings, err := q.Config(ctx)
	if err != nil {
		d.add("quay", false, "see whether Quay runs, and --quay-url", "%v", err)
		return
	}
	d.add("quay", true, "", "it answers at %s", q.Host())
	d.addQuayVersion(settings.Version)
	d.add("quay-state", settings.State == "normal", "pushes fail until it is normal again", "it is %q", settings.State)
	hostname, _ := settings.Settings["SERVER_HOSTNAME"].(string)
	d.add("quay-hostname", hostname == d.config.Registry, "set registry in config-tenancy to it: tokens are for that name alone",
		"Quay calls itself %q, config-tenancy %q", hostname, d.config.Registry)
	if settings.Features["AUTO_PRUNE"] {
		d.addAs(warning, "quay-auto-prune", "see the policies of the organizations, and tkn quay overlay verify --registry", "Quay may prune tags, and with them digests that overlays pin")
	}
	if settings.Features["SUPERUSERS_FULL_ACCESS"] {
		d.addAs(warning, "quay-superusers", "count them among the platform team, see docs/threat-model.md", "superusers read and write every organization")
	}
	for _, t := range d.tenants {
		o, err := q.Organization(ctx, t.Organization)
		if err != nil {
			d.add("quay-token", false, "see tkn quay verify "+t.Team, "%v", err)
			return
		}
		d.add("quay-token", o.Admin, "use a token of an owner of the teams' organizations, with org:admin and repo:admin",
			"it administers %q: %t", t.Organization, o.Admin)
		return
	}
}
