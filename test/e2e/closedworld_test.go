//go:build e2e

package e2e

import (
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/test/stage"
)

const (
	tektonUser = "system:serviceaccount:tekton-pipelines:tekton-pipelines-controller"
	// openshiftTekton is Tekton's controller where OpenShift Pipelines has it: in the shared namespace itself.
	openshiftTekton = "system:serviceaccount:openshift-pipelines:tekton-pipelines-controller"
	attackerUser    = "system:serviceaccount:" + stage.SharedNamespace + ":" + attackerAccount
)

// What a tenant may say of its run, and what Tekton may make of it, and what not: each line of the closed world, from both sides.
func TestClosedWorld(t *testing.T) {
	ctx := within(t, 4*time.Minute)
	battlefield(t)
	attacker, tekton := dynamicAs(t, attackerUser), dynamicAs(t, tektonUser)
	runVerdicts().deny(t, ctx, attacker)
	for _, made := range tektonVerdicts() {
		made.deny(t, ctx, tekton)
	}
	audit(t, ctx, func() {
		runVerdicts().pass(t, ctx, attacker)
		for _, made := range tektonVerdicts() {
			made.pass(t, ctx, tekton)
		}
	}, guardProbes(t, attacker, tekton)...)
}

// tektonVerdicts are those about what Tekton makes of a run.
func tektonVerdicts() []verdicts { return []verdicts{taskVerdicts(), requestVerdicts(), podVerdicts()} }

// honestRun is what a trigger of team platform creates in the shared namespace.
const honestRun = `
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: platform--honest, namespace: openshift-pipelines, labels: {apps.platform/team: platform}}
spec:
  pipelineRef: {name: build-and-push-image}
  taskRunTemplate: {serviceAccountName: pipeline}
`

// runVerdicts are those about a PipelineRun that a trigger of team platform creates.
func runVerdicts() verdicts {
	const claim = `"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Mi"}}`
	spec := func(s string) string { return `{"spec":{` + s + `}}` }
	workspace := func(s string) string { return spec(`"workspaces":[{"name":"source",` + s + `}]`) }
	cluster := func(params string) string {
		return spec(`"pipelineRef":{"name":null,"resolver":"cluster","params":[` + params + `]}`)
	}
	const kindAndName = `{"name":"kind","value":"pipeline"},{"name":"name","value":"build-and-push-image"}`
	return verdicts{honestRun, edits{
		"as it is":                  `{}`,
		"a generated name":          `{"metadata":{"name":null,"generateName":"platform--build-"}}`,
		"the team with its prefix":  `{"metadata":{"labels":{"apps.platform/team":"team-platform"}}}`,
		"labels of Tekton Triggers": `{"metadata":{"labels":{"triggers.tekton.dev/eventlistener":"builds"}}}`,
		"the platform's library":    cluster(kindAndName + `,{"name":"namespace","value":"openshift-pipelines"}`),
		"the application's label":   `{"metadata":{"labels":{"apps.platform/app":"sample"}}}`,
		"parameters":                spec(`"params":[{"name":"tag","value":"v1"}]`),
		"a new claim":               workspace(`"volumeClaimTemplate":{"spec":{` + claim + `}}`),
		"an emptyDir":               workspace(`"emptyDir":{}`),
		"the team's claim":          workspace(`"persistentVolumeClaim":{"claimName":"platform--cache"}`),
		"the team's Git user":       workspace(`"secret":{"secretName":"git-platform"}`),
		"placement":                 spec(`"taskRunTemplate":{"serviceAccountName":"pipeline","podTemplate":{"nodeSelector":{"a":"b"},"securityContext":{"fsGroup":65532}}}`),
		"resources":                 spec(`"taskRunSpecs":[{"pipelineTaskName":"build","computeResources":{"limits":{"memory":"1Gi"}}}]`),
		"cancelled, timeouts":       spec(`"status":"Cancelled","timeouts":{"pipeline":"1h"}`),
		"annotations of its own":    `{"metadata":{"annotations":{"example.com/commit":"abc"}}}`,
	}, edits{
		"no team":                        `{"metadata":{"labels":null}}`,
		"another team":                   `{"metadata":{"labels":{"apps.platform/team":"payments"}}}`,
		"two teams":                      `{"metadata":{"labels":{"pipeline.comptech-lab.com/team":"payments"}}}`,
		"no team in its name":            `{"metadata":{"name":"honest"}}`,
		"another team in its name":       `{"metadata":{"name":"payments--honest"}}`,
		"a team that begins alike":       `{"metadata":{"name":"platform-x--honest"}}`,
		"one hyphen":                     `{"metadata":{"name":"platform-honest"}}`,
		"two names in its name":          `{"metadata":{"name":"platform--x--y"}}`,
		"a dot in its name":              `{"metadata":{"name":"platform--x.y"}}`,
		"a generated name of nobody":     `{"metadata":{"name":null,"generateName":"honest-"}}`,
		"an owner":                       `{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"x","uid":"y"}]}}`,
		"a finalizer":                    `{"metadata":{"finalizers":["a.example.com/b"]}}`,
		"a label that a Service chooses": `{"metadata":{"labels":{"app.kubernetes.io/name":"webhook"}}}`,
		"an EventListener's label":       `{"metadata":{"labels":{"eventlistener":"builds"}}}`,
		"away from other teams' Pods":    spec(`"taskRunTemplate":{"serviceAccountName":"pipeline","podTemplate":{"affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"kubernetes.io/hostname","namespaceSelector":{}}]}}}}`),
		"a claim named like another's":   workspace(`"volumeClaimTemplate":{"metadata":{"name":"payments--cache"},"spec":{` + claim + `}}`),
		"a label of Tekton":              `{"metadata":{"labels":{"tekton.dev/pipelineRun":"payments--x"}}}`,
		"an annotation of PaC":           `{"metadata":{"annotations":{"pipelinesascode.tekton.dev/git-provider":"x"}}}`,
		"an annotation of Results":       `{"metadata":{"annotations":{"results.tekton.dev/record":"x"}}}`,
		"a label of ours":                `{"metadata":{"labels":{"quay.comptech-lab.com/managed":"true"}}}`,
		"its own code":                   spec(`"pipelineRef":null,"pipelineSpec":{"tasks":[{"name":"a","taskRef":{"name":"build-image"}}]}`),
		"another controller":             spec(`"managedBy":"x.example.com/y"`),
		"the http resolver":              spec(`"pipelineRef":{"name":null,"resolver":"http","params":[{"name":"url","value":"https://x"}]}`),
		"the git resolver":               spec(`"pipelineRef":{"name":null,"resolver":"git","params":[{"name":"url","value":"https://x"},{"name":"token","value":"quay-robot-team-payments"}]}`),
		"its own namespace's Pipeline":   cluster(kindAndName + `,{"name":"namespace","value":"apps-platform-sample"}`),
		"no namespace":                   cluster(kindAndName),
		"a Task for a Pipeline":          cluster(`{"name":"kind","value":"task"},{"name":"name","value":"x"},{"name":"namespace","value":"openshift-pipelines"}`),
		"no account":                     spec(`"taskRunTemplate":{"serviceAccountName":"default"}`),
		"another team's account":         spec(`"taskRunTemplate":{"serviceAccountName":"trigger-payments"}`),
		"Tekton's account":               spec(`"taskRunTemplate":{"serviceAccountName":"tekton-pipelines-controller"}`),
		"another account for one task":   spec(`"taskRunSpecs":[{"pipelineTaskName":"build","serviceAccountName":"trigger-payments"}]`),
		"labels for one task":            spec(`"taskRunSpecs":[{"pipelineTaskName":"build","metadata":{"labels":{"a":"b"}}}]`),
		"a proxy":                        spec(`"taskRunTemplate":{"serviceAccountName":"pipeline","podTemplate":{"env":[{"name":"HTTPS_PROXY","value":"http://x"}]}}`),
		"names of hosts":                 spec(`"taskRunSpecs":[{"pipelineTaskName":"push","podTemplate":{"hostAliases":[{"ip":"10.0.0.1","hostnames":["quay.quay.svc"]}]}}]`),
		"a priority":                     spec(`"taskRunTemplate":{"serviceAccountName":"pipeline","podTemplate":{"priorityClassName":"system-node-critical"}}`),
		"the node's network":             spec(`"taskRunTemplate":{"serviceAccountName":"pipeline","podTemplate":{"hostNetwork":true}}`),
		"a token":                        spec(`"taskRunTemplate":{"serviceAccountName":"pipeline","podTemplate":{"automountServiceAccountToken":true}}`),
		"pull Secrets":                   spec(`"taskRunTemplate":{"serviceAccountName":"pipeline","podTemplate":{"imagePullSecrets":[{"name":"quay-robot-team-payments"}]}}`),
		"volumes":                        spec(`"taskRunTemplate":{"serviceAccountName":"pipeline","podTemplate":{"volumes":[{"name":"v","hostPath":{"path":"/"}}]}}`),
		"sysctls":                        spec(`"taskRunTemplate":{"serviceAccountName":"pipeline","podTemplate":{"securityContext":{"sysctls":[{"name":"a","value":"b"}]}}}`),
		"another team's robot":           workspace(`"secret":{"secretName":"quay-robot-team-payments"}`),
		"another team's Git user":        workspace(`"secret":{"secretName":"git-payments"}`),
		"a name that ends like its own":  workspace(`"secret":{"secretName":"signing-git-platform"}`),
		"a projected Secret":             workspace(`"projected":{"sources":[{"secret":{"name":"git-platform"}}]}`),
		"a volume of a driver":           workspace(`"csi":{"driver":"x.example.com"}`),
		"another team's claim":           workspace(`"persistentVolumeClaim":{"claimName":"payments--cache"}`),
		"somebody's claim":               workspace(`"persistentVolumeClaim":{"claimName":"pvc-0123456789"}`),
		"another's ConfigMap":            workspace(`"configMap":{"name":"payments"}`),
		"a clone of a claim":             workspace(`"volumeClaimTemplate":{"spec":{` + claim + `,"dataSource":{"kind":"PersistentVolumeClaim","name":"payments--cache"}}}`),
		"another clone":                  workspace(`"volumeClaimTemplate":{"spec":{` + claim + `,"dataSourceRef":{"kind":"PersistentVolumeClaim","name":"payments--cache"}}}`),
		"a volume by its name":           workspace(`"volumeClaimTemplate":{"spec":{` + claim + `,"volumeName":"pv-1"}}`),
		"a claim with labels":            workspace(`"volumeClaimTemplate":{"metadata":{"labels":{"a":"b"}},"spec":{` + claim + `}}`),
	}, edits{
		"two namespaces": cluster(kindAndName + `,{"name":"namespace","value":"openshift-pipelines"},{"name":"namespace","value":"apps-platform-sample"}`),
	}}
}
