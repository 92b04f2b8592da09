package tenant

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
)

// repositoryPattern is what the OCI distribution spec v1.1 ("Pulling manifests", <name>) and Quay's repository names
// (quay/quay util/names.py) have in common, one path element at a time.
var repositoryPattern = regexp.MustCompile(`^[a-z0-9]+([._-][a-z0-9]+|__[a-z0-9]+|-+[a-z0-9]+)*$`)

// tagPattern is the OCI distribution spec's <reference> as a tag.
var tagPattern = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)

// maxRepository is the longest <name> that the OCI distribution spec promises to work, with the host, in characters.
const maxRepository = 255

// checkImage is rule 5: image must be <registry>/<the team's organization>/<name>[:tag]. It compares whole path
// elements, so that neither a prefix of the organization nor a dot segment can lead out of it.
func (d Decision) checkImage(image string) error {
	refuse := func(format string, args ...any) error {
		return &Refusal{v1alpha1.ReasonImageOutsideOrganization, RuleImage, fmt.Sprintf(format, args...),
			fmt.Sprintf("team %q pushes to %s/%s/<name>", d.Team, d.Registry, d.Organization)}
	}
	if len(image) > maxRepository {
		return refuse("image-ref has %d characters, more than %d", len(image), maxRepository)
	}
	elements := strings.Split(image, "/")
	if len(elements) < 3 || elements[0] != d.Registry || elements[1] != d.Organization {
		return refuse("image-ref %q is not in the organization of team %q", image, d.Team)
	}
	last := len(elements) - 1
	if name, tag, ok := strings.Cut(elements[last], ":"); ok {
		if !tagPattern.MatchString(tag) {
			return refuse("image-ref %q has an impossible tag", image)
		}
		elements[last] = name
	}
	for _, element := range elements[2:] {
		if !repositoryPattern.MatchString(element) {
			return refuse("image-ref %q has the impossible path element %q", image, element)
		}
	}
	return nil
}
