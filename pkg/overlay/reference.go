package overlay

//lint:file-ignore SA1019 kustomize still reads the fields that it calls deprecated, and an overlay may have them.

import (
	"strings"

	"sigs.k8s.io/kustomize/api/types"
)

// localReferences are the paths that a kustomization lists, relative to its directory. Its deprecated fields must be fixed.
// One that kustomize would fetch over the network is refused: a Git URL in a list of directories (kustomize
// api/internal/git/repospec.go), and an HTTP URL wherever there can be a file (api/internal/loader/fileloader.go).
func localReferences(k *types.Kustomization) ([]string, error) {
	// Generators, transformers and validators have fields of their own, some of which load files.
	if len(k.Generators)+len(k.Transformers)+len(k.Validators)+len(k.HelmCharts) > 0 {
		return nil, refuse(ReasonRemote, "use the kustomization's own fields, such as labels, patches and configMapGenerator",
			"it has generators, transformers, validators or Helm charts, which may load anything")
	}
	directories := append(append([]string{}, k.Resources...), k.Components...)
	for _, name := range directories {
		if strings.ContainsAny(name, ":@") || strings.HasPrefix(strings.ToLower(name), "github.com/") {
			return nil, remote(name)
		}
	}
	for _, name := range files(k) {
		// What has a line break or begins with a brace is a patch that is written out, and no URL to any parser.
		if strings.Contains(name, ":") && !strings.Contains(name, "\n") && !strings.HasPrefix(strings.TrimSpace(name), "{") {
			return nil, remote(name)
		}
	}
	return directories, nil
}

// files are the places of a kustomization that name a file, or hold its content.
func files(k *types.Kustomization) []string {
	names := append(append([]string{}, k.Crds...), k.Configurations...)
	names = append(names, k.OpenAPI["path"])
	for _, p := range k.Patches {
		names = append(names, p.Path)
	}
	for _, p := range k.PatchesJson6902 {
		names = append(names, p.Path)
	}
	for _, p := range k.PatchesStrategicMerge {
		names = append(names, string(p))
	}
	for _, r := range k.Replacements {
		names = append(names, r.Path)
	}
	for _, c := range k.ConfigMapGenerator {
		names = append(names, append(c.EnvSources, c.FileSources...)...)
	}
	for _, c := range k.SecretGenerator {
		names = append(names, append(c.EnvSources, c.FileSources...)...)
	}
	return names
}

func remote(name string) error {
	return refuse(ReasonRemote, "copy it into the repository", "it refers to %q, which is no path of the repository", name)
}
