package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// readExternalSecret reads what package robot wants to know. mount is that of the convention.
func readExternalSecret(object *unstructured.Unstructured, mount string) robot.ExternalSecret {
	paths, odd, pinned := references(object, mount)
	e := robot.ExternalSecret{Reason: "Pending", Message: "External Secrets has not looked at it yet", Path: strings.Join(paths, ", "),
		Odd: odd, Frozen: cmp.Or(frozen(object), pinned)}
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

// references are the paths in Vault that the ExternalSecret reads, each once, without the mount: its keys may have it. odd says
// why those are not one path alone, pinned that it reads one version of it for ever.
func references(object *unstructured.Unstructured, mount string) (found []string, odd, pinned string) {
	for _, list := range []struct{ name, reference string }{{"data", "remoteRef"}, {"dataFrom", "extract"}} {
		items, _, _ := unstructured.NestedSlice(object.Object, "spec", list.name)
		for i, item := range items {
			at := fmt.Sprintf("spec.%s[%d]", list.name, i)
			fields, _ := item.(map[string]any)
			key, _, _ := unstructured.NestedString(fields, list.reference, "key")
			version, _, _ := unstructured.NestedString(fields, list.reference, "version")
			key = strings.TrimPrefix(key, mount+"/data/")
			switch {
			case fields["find"] != nil:
				odd = cmp.Or(odd, at+".find reads whatever matches")
			case fields["sourceRef"] != nil:
				odd = cmp.Or(odd, at+".sourceRef reads from elsewhere, or makes up a value")
			case key == "":
				odd = cmp.Or(odd, at+"."+list.reference+".key is missing")
			case vault.CheckPath(key) != nil:
				odd = cmp.Or(odd, fmt.Sprintf("%s.%s.key is %.80q, which is no path in Vault", at, list.reference, key))
			case !slices.Contains(found, key):
				found = append(found, key)
			}
			if version != "" {
				pinned = cmp.Or(pinned, fmt.Sprintf("%s.%s.version is %q", at, list.reference, version))
			}
		}
	}
	slices.Sort(found)
	switch {
	case odd != "":
	case len(found) == 0:
		odd = "neither spec.data nor spec.dataFrom reads a path"
	case len(found) > 1:
		odd = fmt.Sprintf("spec.data and spec.dataFrom read %d paths: %s", len(found), strings.Join(found, ", "))
	}
	return found, odd, pinned
}

// frozen names the field by which the Secret of the ExternalSecret never changes, whatever is annotated; empty if it does
// (external-secrets pkg/controllers/externalsecret).
func frozen(object *unstructured.Unstructured) string {
	policy, _, _ := unstructured.NestedString(object.Object, "spec", "refreshPolicy")
	interval, told, _ := unstructured.NestedString(object.Object, "spec", "refreshInterval")
	duration, err := time.ParseDuration(interval)
	immutable, _, _ := unstructured.NestedBool(object.Object, "spec", "target", "immutable")
	creation, _, _ := unstructured.NestedString(object.Object, "spec", "target", "creationPolicy")
	target, _, _ := unstructured.NestedString(object.Object, "spec", "target", "name")
	switch {
	case policy == "CreatedOnce":
		return "spec.refreshPolicy is CreatedOnce"
	case policy != "OnChange" && told && err == nil && duration <= 0:
		return "spec.refreshInterval is " + interval
	case immutable:
		return "spec.target.immutable is true"
	case creation == "None":
		return "spec.target.creationPolicy is None"
	case target != "" && target != object.GetName():
		return fmt.Sprintf("spec.target.name is %q", target)
	}
	return ""
}
