package replica

import (
	"fmt"
	"os"
	"path/filepath"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/yaml"
)

// Shipped returns the environment that the repository's Deployment gives the controller, so that what is measured is what
// is shipped.
func Shipped(root string) (map[string]string, error) {
	path := filepath.Join(root, "config", "500-controller.yaml")
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return environment(content)
}

func environment(manifest []byte) (map[string]string, error) {
	var deployment appsv1.Deployment
	// The Deployment is the first document, and all that Unmarshal reads.
	if err := yaml.Unmarshal(manifest, &deployment); err != nil {
		return nil, fmt.Errorf("reading the Deployment: %w", err)
	}
	containers := deployment.Spec.Template.Spec.Containers
	if deployment.Kind != "Deployment" || len(containers) != 1 {
		return nil, fmt.Errorf("reading the Deployment: it is a %q with %d containers", deployment.Kind, len(containers))
	}
	env := map[string]string{}
	for _, e := range containers[0].Env {
		env[e.Name] = e.Value
		if e.ValueFrom != nil && e.ValueFrom.FieldRef != nil && e.ValueFrom.FieldRef.FieldPath == "metadata.namespace" {
			env[e.Name] = deployment.Namespace
		}
	}
	delete(env, "POD_NAME") // Each replica has its own.
	// Nobody but the benchmark reaches a replica's host, and it asks without a token.
	delete(env, "METRICS_PROMETHEUS_HOST")
	return env, nil
}
