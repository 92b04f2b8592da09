package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/robot"
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

// organizationsOf are those of tenants, each once, in their order.
func organizationsOf(tenants []robot.Tenant) (names []string) {
	for _, t := range tenants {
		if !slices.Contains(names, t.Organization) {
			names = append(names, t.Organization)
		}
	}
	return names
}
