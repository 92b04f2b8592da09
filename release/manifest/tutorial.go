package manifest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Tutorial is the file that docs/tutorial.md plays with.
const Tutorial = "tutorial.yaml"

// players are the teams of the tutorial, by the namespace of each: those of the demo.
var players = []struct{ namespace, team, app string }{
	{"apps-payments-checkout", "payments", "checkout"},
	{"apps-platform-sample", "platform", "sample"},
}

// TutorialFile returns the content of Tutorial, from what the demo plays with below root: the throwaway Quay, and for each team a namespace
// with a build Task. Certificates and credentials are not in it. Images are as for Files.
func TutorialFile(root string, images map[string]string) ([]byte, error) {
	read := map[string]string{}
	for _, name := range []string{"quay.yaml", "tenant.yaml", "build-image.yaml"} {
		path := filepath.Join(root, "test", "stage", name)
		content, err := os.ReadFile(path)
		if err == nil {
			content, err = resolve(content, images)
		}
		if err != nil {
			return nil, fmt.Errorf("reading %q: %w", path, err)
		}
		read[name] = string(content)
	}
	made := document([]byte(read["quay.yaml"]))
	for _, p := range players {
		names := strings.NewReplacer("NAMESPACE", p.namespace, "TEAM", p.team, "APP", p.app)
		build, err := into(p.namespace, []byte(read["build-image.yaml"]))
		if err != nil {
			return nil, err
		}
		made = append(made, document([]byte(names.Replace(read["tenant.yaml"])))...)
		made = append(made, document(build)...)
	}
	return made, nil
}
