package tenant

import (
	"fmt"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reference"
)

// checkImage is the rule image: image must be <registry>/<the team's organization>/<name>[:tag]. It compares whole path
// elements, so that neither a prefix of the organization nor a dot segment can lead out of it.
func (d Decision) checkImage(image string) error {
	refuse := func(format string, args ...any) error {
		return &Refusal{v1alpha1.ReasonImageOutsideOrganization, RuleImage, fmt.Sprintf(format, args...),
			fmt.Sprintf("team %q pushes to %s/%s/<name>", d.Team, d.Registry, d.Organization)}
	}
	if len(image) > reference.MaxName {
		return refuse("image-ref has %d characters, more than %d", len(image), reference.MaxName)
	}
	elements := strings.Split(image, "/")
	if len(elements) < 3 || elements[0] != d.Registry || elements[1] != d.Organization {
		return refuse("image-ref %q is not in the organization of team %q", image, d.Team)
	}
	last := len(elements) - 1
	if name, tag, ok := strings.Cut(elements[last], ":"); ok {
		if !reference.IsTag(tag) {
			return refuse("image-ref %q has an impossible tag", image)
		}
		elements[last] = name
	}
	for _, element := range elements[2:] {
		if !reference.IsRepository(element) {
			return refuse("image-ref %q has the impossible path element %q", image, element)
		}
	}
	return nil
}
