package plugin

import (
	"fmt"

	"sigs.k8s.io/yaml"
)

// Krew returns the manifest by which kubectl krew installs the plugin quay, that is kubectl-quay (krew.sigs.k8s.io/docs/developer-guide).
// The archives are at url/<name>.
func Krew(version, homepage, url string, archives []Archive) ([]byte, error) {
	type object = map[string]any
	platforms := []object{}
	for _, a := range archives {
		platforms = append(platforms, object{
			"selector": object{"matchLabels": object{"os": a.OS, "arch": a.Arch}},
			"uri":      url + "/" + a.Name,
			"sha256":   a.SHA256,
			"bin":      executable(a.OS),
			"files":    []object{{"from": executable(a.OS), "to": "."}, {"from": "LICENSE", "to": "."}},
		})
	}
	manifest, err := yaml.Marshal(object{
		"apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
		"kind":       "Plugin",
		"metadata":   object{"name": "quay"},
		"spec": object{
			"version":          version,
			"homepage":         homepage,
			"shortDescription": "Give teams their push credential for Quay",
			"description": "Gives the teams of a cluster their push credential for Red Hat Quay, replaces it, checks it,\n" +
				"and explains why a push of theirs was refused.\n",
			"caveats":   "The same program is the plugin of tkn: link it as tkn-quay, and call it as tkn quay.\n",
			"platforms": platforms,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("encoding krew's manifest: %w", err)
	}
	return manifest, nil
}
