package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// mostOrganizations is how many organizations are asked about their policies: doctor has little time, and verify looks at each team's.
const mostOrganizations = 20

// lookAtAnchors looks at what takes a digest that an overlay pins: whether the teams' organizations keep anchors, and which auto-prune
// policy takes some. Those of repositories are for verify.
func (d *doctor) lookAtAnchors(ctx context.Context, q *quay.Client, settings quay.Config) {
	looked := d.organizations[:min(len(d.organizations), mostOrganizations)]
	missing, takers := grouped{}, grouped{}
	for _, organization := range looked {
		found, err := robot.LookAtAnchors(ctx, q, settings, organization, nil)
		if err != nil {
			d.cannot(err, lookAnchors, lookAutoPrune)
			return
		}
		if !found.Kept {
			missing.add(found.Problem+"; "+found.Next, organization)
		}
		for _, taker := range found.Takers {
			takers.add(taker, organization)
		}
	}
	which := fmt.Sprintf("of %d organizations", len(looked))
	if len(looked) < len(d.organizations) {
		which = fmt.Sprintf("of the first %d of %d organizations", len(looked), len(d.organizations))
	}
	switch {
	case d.unlisted != nil:
		d.cannot(d.unlisted, lookAnchors)
	case len(looked) == 0:
		d.skip([]string{lookAnchors}, "it takes a team to look at, and none was found")
	default:
		d.warn(lookAnchors, len(missing.texts) == 0, "", "an immutability policy keeps the anchors "+which, strings.Join(missing.lines("organization"), "; "))
	}
	switch {
	case !settings.Features["AUTO_PRUNE"]:
		d.addAs(healthy, lookAutoPrune, "", "Quay does not prune tags by itself")
	case len(looked) == 0:
		d.addAs(warning, lookAutoPrune, "see the policies of the organizations, and tkn quay overlay verify --registry", "Quay may prune tags, and with them digests that overlays pin")
	default:
		d.warn(lookAutoPrune, len(takers.texts) == 0, robot.NextOfTakers, "no auto-prune policy takes an anchor "+which, strings.Join(takers.lines("organization"), "; "))
	}
}

// lookAtTimeMachine looks whether Quay remembers for as long as retention gc is to, unless it is told otherwise, when a tag left a digest.
func (d *doctor) lookAtTimeMachine(ctx context.Context, q *quay.Client) {
	looked := d.organizations[:min(len(d.organizations), mostOrganizations)]
	short := grouped{}
	for _, organization := range looked {
		of, err := q.Organization(ctx, organization)
		if err == nil && !of.Admin {
			d.skip([]string{lookTimeMachine}, "your OAuth token does not administer %q, see quay-token", organization)
			return
		}
		if err != nil {
			d.cannot(err, lookTimeMachine)
			return
		}
		if remembers := time.Duration(of.TimeMachine) * time.Second; remembers < defaultGrace {
			short.add(shown.Duration(remembers), organization)
		}
	}
	switch {
	case d.unlisted != nil:
		d.cannot(d.unlisted, lookTimeMachine)
	case len(looked) == 0:
		d.skip([]string{lookTimeMachine}, "it takes a team to look at, and none was found")
	default:
		d.warn(lookTimeMachine, len(short.texts) == 0, "let it be as long, or run retention gc with a --grace as short: else the anchor of a digest that a tag left before may go earlier",
			"Quay remembers for "+shown.Duration(defaultGrace)+", the grace period of retention gc, when a tag left a digest",
			"the time machine is shorter than the grace period of retention gc, "+shown.Duration(defaultGrace)+": "+strings.Join(short.lines("organization"), "; "))
	}
}

// organizationsOf are those of tenants, each once, in their order.
func organizationsOf(tenants []robot.Tenant) (names []string) {
	for _, t := range tenants {
		if !slices.Contains(names, t.Organization) {
			names = append(names, t.Organization)
		}
	}
	return names
}
