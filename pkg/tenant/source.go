package tenant

import (
	"fmt"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reference"
)

// RegistrySource begins a source that is in a registry, as containers-transports(5) writes it.
const RegistrySource = "docker://"

// inRegistry reports whether a source is in one.
func inRegistry(source string) bool { return strings.HasPrefix(source, RegistrySource) }

// checkSource is the rule source: an image in a registry is the run's to push if the registry is one that gives each namespace its own
// repositories, <internal registry>/<namespace>/<name>[:tag|@digest]. It is read with the platform's credential, which reads
// those of every namespace. In a shared namespace the images of all teams are in one place, so that nothing there is one team's.
func (c Convention) checkSource(r Request, decided Rule) error {
	refuse := func(format string, args ...any) error {
		return &Refusal{v1alpha1.ReasonSourceOutsideNamespace, RuleSource, fmt.Sprintf(format, args...),
			fmt.Sprintf("a run in namespace %q pushes from <internal registry>/%s/<name>, with a registry of %q", r.Namespace, r.Namespace, c.InternalRegistries)}
	}
	name := strings.TrimPrefix(r.Source, RegistrySource)
	elements := strings.Split(name, "/")
	switch {
	case len(reference.Sources(r.Source)) > 1:
		return &Refusal{v1alpha1.ReasonSourceOutsideNamespace, RuleSource,
			fmt.Sprintf("source %q names several, and one of them is in a registry", r.Source),
			"several sources are paths in the workspace, which are pushed as one index; an image in a registry is pushed alone"}
	case decided != RuleNamespace:
		return &Refusal{v1alpha1.ReasonSourceOutsideNamespace, RuleSource,
			fmt.Sprintf("namespace %q is shared, and so are the images that the internal registry has for it", r.Namespace),
			"bind a workspace with the image, or run in the team's own namespace"}
	case len(c.InternalRegistries) == 0:
		return &Refusal{v1alpha1.ReasonSourceOutsideNamespace, RuleSource, fmt.Sprintf("source %q is in a registry, and the platform lists no internal registry", r.Source),
			"bind a workspace with the image; or the platform team can set internal-registries, see docs/registry-to-registry.md"}
	case len(name) > reference.MaxName:
		return refuse("source has %d characters, more than %d", len(name), reference.MaxName)
	case !slices.Contains(c.InternalRegistries, elements[0]):
		return refuse("source %q is in no internal registry", r.Source)
	case len(elements) < 3 || elements[1] != r.Namespace:
		return refuse("source %q is not an image of namespace %q", r.Source, r.Namespace)
	}
	last := len(elements) - 1
	path, digest, pinned := strings.Cut(elements[last], "@")
	path, tag, tagged := strings.Cut(path, ":")
	if pinned && (tagged || !reference.IsDigest(digest)) || tagged && !reference.IsTag(tag) {
		return refuse("source %q ends in neither a tag nor a digest sha256:<64 hex>", r.Source)
	}
	elements[last] = path
	for _, element := range elements[2:] {
		if !reference.IsRepository(element) {
			return refuse("source %q has the impossible path element %q", r.Source, element)
		}
	}
	return nil
}
