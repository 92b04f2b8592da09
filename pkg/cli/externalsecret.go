package cli

import (
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/comptech-lab/quay-push/pkg/robot"
)

// externalSecrets are served since External Secrets v0.17; v1beta1 is gone since then.
var externalSecrets = schema.GroupVersionResource{Group: "external-secrets.io", Version: "v1", Resource: "externalsecrets"}

// readExternalSecret reads what package robot wants to know. mount is that of the convention.
func readExternalSecret(object *unstructured.Unstructured, mount string) robot.ExternalSecret {
	e := robot.ExternalSecret{Reason: "Pending", Message: "External Secrets has not looked at it yet", Path: strings.Join(paths(object, mount), ", ")}
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, condition := range conditions {
		if fields, ok := condition.(map[string]any); ok && fields["type"] == "Ready" {
			e.Ready = fields["status"] == "True"
			e.Reason, _ = fields["reason"].(string)
			e.Message, _ = fields["message"].(string)
		}
	}
	if text, _, _ := unstructured.NestedString(object.Object, "status", "refreshTime"); text != "" {
		// A time that cannot be read is one that is not known.
		e.RefreshTime, _ = time.Parse(time.RFC3339, text)
	}
	return e
}

// paths are the paths in Vault that the ExternalSecret reads, each once, without the mount: its keys may have it.
func paths(object *unstructured.Unstructured, mount string) []string {
	var found []string
	for list, reference := range map[string]string{"data": "remoteRef", "dataFrom": "extract"} {
		items, _, _ := unstructured.NestedSlice(object.Object, "spec", list)
		for _, item := range items {
			fields, _ := item.(map[string]any)
			key, _, _ := unstructured.NestedString(fields, reference, "key")
			if key = strings.TrimPrefix(key, mount+"/data/"); key != "" && !slices.Contains(found, key) {
				found = append(found, key)
			}
		}
	}
	slices.Sort(found)
	return found
}
