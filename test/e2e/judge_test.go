//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// judge says what an object of team platform in the shared namespace could reach that is not its own. It knows nothing of the policies, and
// no schema: it looks at every field by its name, and at every text, wherever it is.
type judge struct {
	pod   bool
	found []string
}

// judged returns the findings of a run or a Pod.
func judged(object map[string]any) []string {
	j := judge{pod: object["kind"] == "Pod"}
	j.metadata(at(object, "metadata"))
	spec := at(object, "spec")
	j.walk(spec, "spec", "spec")
	if j.pod {
		j.accounts(spec, "serviceAccountName")
	} else {
		j.code(spec)
	}
	return j.found
}

func at(object map[string]any, path ...string) map[string]any {
	for _, name := range path {
		object, _ = object[name].(map[string]any)
	}
	return object
}

func (j *judge) find(path, format string, arguments ...any) {
	j.found = append(j.found, path+": "+fmt.Sprintf(format, arguments...))
}

var (
	ofPlatform  = regexp.MustCompile(`^platform--[a-z0-9]+(-[a-z0-9]+)*$`)
	newClaim    = regexp.MustCompile(`^pvc-[0-9a-f]{10}$`)
	pullSecret  = regexp.MustCompile(`^pipeline-dockercfg-[a-z0-9]{5}$`)
	reserved    = regexp.MustCompile(`^([^/]*\.)?(tekton\.dev|quay\.comptech-lab\.com)/`)
	fromTrigger = regexp.MustCompile(`^(triggers\.tekton\.dev/|apps\.platform/(team|division|app)$|pipeline\.comptech-lab\.com/team$)`)
)

// metadata judges who the object says it is.
func (j *judge) metadata(metadata map[string]any) {
	name, _ := metadata["name"].(string)
	carried := at(metadata, "labels")
	teams := 0
	for _, key := range []string{"apps.platform/team", "pipeline.comptech-lab.com/team", "quay.comptech-lab.com/team"} {
		if team, ok := carried[key]; ok {
			teams++
			if team != "platform" && team != "team-platform" {
				j.find("metadata.labels."+key, "team %v", team)
			}
		}
	}
	if teams == 0 {
		j.find("metadata.labels", "no team")
	}
	if j.pod {
		j.belongs("metadata.name", name)
		for _, key := range []string{"tekton.dev/pipelineRun", "tekton.dev/taskRun"} {
			of, _ := carried[key].(string)
			j.belongs("metadata.labels."+key, of)
		}
		return
	}
	if !ofPlatform.MatchString(name) {
		j.find("metadata.name", "%q is not of the team alone", name)
	}
	for _, field := range []string{"ownerReferences", "finalizers"} {
		if list, _ := metadata[field].([]any); len(list) > 0 {
			j.find("metadata."+field, "%v", list)
		}
	}
	for key := range carried {
		if !fromTrigger.MatchString(key) {
			j.find("metadata.labels", "%s comes to its Pods, and a Service could choose them by it", key)
		}
	}
	for key := range at(metadata, "annotations") {
		if reserved.MatchString(key) && !fromTrigger.MatchString(key) {
			j.find("metadata.annotations", "%s is a controller's", key)
		}
	}
}

// belongs finds a name that is another team's. Those without a team in them are the platform's and Kubernetes' own.
func (j *judge) belongs(path, name string) {
	if strings.Contains(name, "--") && !strings.HasPrefix(name, "platform--") {
		j.find(path, "%q is another team's", name)
	}
}

// code judges whose code a run is.
func (j *judge) code(spec map[string]any) {
	reference := at(spec, "pipelineRef")
	told := map[any]any{}
	params, _ := reference["params"].([]any)
	for _, p := range params {
		param, _ := p.(map[string]any)
		told[param["name"]] = param["value"]
	}
	switch resolver, _ := reference["resolver"].(string); {
	case resolver == "" && reference["name"] != nil && reference["bundle"] == nil && len(params) == 0:
	case resolver == "cluster" && reference["name"] == nil && len(params) == 3 && told["kind"] == "pipeline" && told["namespace"] == "openshift-pipelines" && told["name"] != nil:
	default:
		j.find("spec.pipelineRef", "%v is no Pipeline of the platform's", reference)
	}
	if at(spec, "taskRunTemplate")["serviceAccountName"] == nil && spec["serviceAccountName"] == nil {
		j.find("spec", "no ServiceAccount: it has Tekton's default")
	}
}

// walk judges each field below value. Keys of maps that are no fields, and texts that are nothing but text, are left out.
func (j *judge) walk(value any, key, path string) {
	switch value := value.(type) {
	case map[string]any:
		j.field(value, key, path)
		if slices.Contains([]string{"labels", "annotations", "nodeSelector", "matchLabels", "limits", "requests"}, key) {
			return
		}
		for _, name := range slices.Sorted(maps.Keys(value)) {
			j.node(name, value[name], path)
			j.identity(name, value[name], path+"."+name)
			j.walk(value[name], name, path+"."+name)
		}
	case []any:
		for i, element := range value {
			j.walk(element, key, fmt.Sprintf("%s[%d]", path, i))
		}
	case string:
		j.text(value, key, path)
	}
}

// plain are the texts that name nothing: values for programs, and names that are known in the object alone.
var plain = regexp.MustCompile(`params\[\d+\](\.value.*|\.name)$|\.(args|command|drop|searches|hostnames|nameservers|accessModes|matchLabelKeys|values)\[\d+\]$|env\[\d+\]\.(value|name)$` +
	`|KeyRef\.key$|(\w*olerations|\w*[sS]pecs|\w*Overrides|options|workspaces|volumes|\w*ontainers|ports|httpHeaders|claims|volumeMounts|items|matchExpressions|matchFields|sysctls)\[\d+\]\.(key|value|name|pipelineTaskName|operator|effect|path)$` +
	`|\.(subdomain|hostname|schedulerName|kind|apiVersion|request|medium|whenUnsatisfiable|topologyKey|node\w+Policy|subPath|subPathExpr|level|workingDir|service|prefix|fieldPath|resource|host|path|statusMessage|mountPropagation|storageClassName|terminationMessagePath)$`)

// text finds a name of somebody else's in a field that nobody thought of.
func (j *judge) text(text, key, path string) {
	if plain.MatchString(path) {
		return
	}
	for _, foreign := range [][]string{foreignSecrets, foreignUsers[1:], foreignClaims} {
		if slices.Contains(foreign, text) {
			j.find(path, "names %q", text)
		}
	}
}
