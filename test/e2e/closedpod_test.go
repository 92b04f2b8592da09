//go:build e2e

package e2e

// honestPod is, in short, what Tekton makes of a task of team platform in the shared namespace.
const honestPod = `
apiVersion: v1
kind: Pod
metadata:
  generateName: platform--honest-push-
  namespace: openshift-pipelines
  labels: {apps.platform/team: platform, tekton.dev/pipelineRun: platform--honest, tekton.dev/taskRun: platform--honest-push}
spec:
  serviceAccountName: pipeline
  initContainers: [{name: prepare, image: localhost:5000/static:latest}]
  containers: [{name: step-push, image: localhost:5000/static:latest}]
  volumes: [{name: tekton-internal-workspace, emptyDir: {}}]
`

// podVerdicts are those about a Pod that Tekton makes: the last word, whatever it was made of.
func podVerdicts() verdicts {
	label := func(s string) string { return `{"metadata":{"labels":{` + s + `}}}` }
	spec := func(s string) string { return `{"spec":{` + s + `}}` }
	volume := func(source string) string { return spec(`"volumes":[{"name":"v",` + source + `}]`) }
	secret := func(name string) string { return volume(`"secret":{"secretName":"` + name + `"}`) }
	container := func(s string) string {
		return spec(`"containers":[{"name":"step-push","image":"localhost:5000/static:latest",` + s + `}]`)
	}
	context := func(s string) string { return container(`"securityContext":{` + s + `}`) }
	const theirs, theirKey = `"name":"quay-robot-team-payments"`, `"name":"quay-robot-team-payments","key":".dockerconfigjson"`
	const variable = `"env":[{"name":"LOOT","valueFrom":{"secretKeyRef":{` + theirKey + `}}}]`
	return verdicts{honestPod, edits{
		"as it is":                       `{}`,
		"the team with its prefix":       label(`"apps.platform/team":"team-platform"`),
		"the controller's label as well": label(`"quay.comptech-lab.com/team":"platform"`),
		"the team's robot":               secret("quay-robot-team-platform"),
		"the team's Git user":            secret("git-platform"),
		"a pull Secret of OpenShift's":   spec(`"imagePullSecrets":[{"name":"pipeline-dockercfg-ab1c2"}]`),
		"a claim":                        volume(`"persistentVolumeClaim":{"claimName":"pvc-0123"}`),
		"certificates":                   volume(`"configMap":{"name":"config-trusted-cabundle","optional":true}`),
		"where it runs":                  spec(`"nodeSelector":{"a":"b"},"tolerations":[{"key":"a","operator":"Exists"}]`),
		"Tekton's own downward API":      volume(`"downwardAPI":{"items":[{"path":"ready","fieldRef":{"fieldPath":"metadata.annotations['tekton.dev/ready']"}}]}`),
		"restricted":                     context(`"allowPrivilegeEscalation":false,"runAsNonRoot":true,"capabilities":{"drop":["ALL"]},"seccompProfile":{"type":"RuntimeDefault"}`),
	}, edits{
		"no team":                        `{"metadata":{"labels":{"apps.platform/team":null}}}`,
		"an empty team":                  label(`"apps.platform/team":""`),
		"another team":                   label(`"apps.platform/team":"payments"`),
		"another team as well":           label(`"pipeline.comptech-lab.com/team":"payments"`),
		"another team by the controller": label(`"quay.comptech-lab.com/team":"payments"`),
		"another team's run":             label(`"tekton.dev/pipelineRun":"payments--honest"`),
		"no run":                         `{"metadata":{"labels":{"tekton.dev/pipelineRun":null}}}`,
		"no run's child's name":          label(`"tekton.dev/pipelineRun":"platform"`),

		"another team's robot":                secret("quay-robot-team-payments"),
		"another team's Git user":             secret("git-payments"),
		"another team's copy":                 secret("quay-robot-team-payments.x"),
		"a name that begins like its own":     secret("quay-robot-team-platform-x"),
		"a name that ends like its own":       secret("signing-git-platform"),
		"anybody's Secret":                    secret("signing-secrets"),
		"an optional Secret":                  volume(`"secret":{"secretName":"quay-robot-team-payments","optional":true}`),
		"a projected Secret":                  volume(`"projected":{"sources":[{"secret":{` + theirs + `}}]}`),
		"an optional projected Secret":        volume(`"projected":{"sources":[{"configMap":{"name":"a"}},{"secret":{` + theirs + `,"optional":true}}]}`),
		"a projected token":                   volume(`"projected":{"sources":[{"serviceAccountToken":{"path":"token","audience":"vault"}}]}`),
		"a CSI volume with a Secret":          volume(`"csi":{"driver":"x.example.com","nodePublishSecretRef":{` + theirs + `}}`),
		"an iSCSI volume with a Secret":       volume(`"iscsi":{"targetPortal":"10.0.0.1","iqn":"iqn.2001-04.com.example:x","lun":0,"chapAuthSession":true,"secretRef":{` + theirs + `}}`),
		"the node's disk":                     volume(`"hostPath":{"path":"/"}`),
		"an ephemeral volume":                 volume(`"ephemeral":{"volumeClaimTemplate":{"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Mi"}}}}}`),
		"an NFS volume":                       volume(`"nfs":{"server":"10.0.0.1","path":"/"}`),
		"a variable from a Secret":            container(variable),
		"all variables from a Secret":         container(`"envFrom":[{"secretRef":{` + theirs + `}}]`),
		"a sidecar's variables from a Secret": spec(`"containers":[{"name":"step-push","image":"localhost:5000/static:latest"},{"name":"sidecar-x","image":"localhost:5000/static:latest","envFrom":[{"secretRef":{` + theirs + `}}]}]`),
		"an init container's variable":        spec(`"initContainers":[{"name":"prepare","image":"localhost:5000/static:latest",` + variable + `}]`),
		"a pull Secret of another's":          spec(`"imagePullSecrets":[{` + theirs + `}]`),
		"a pull Secret of another account's":  spec(`"imagePullSecrets":[{"name":"trigger-payments-dockercfg-ab1c2"}]`),

		"no account":               spec(`"serviceAccountName":"default"`),
		"another team's account":   spec(`"serviceAccountName":"trigger-payments"`),
		"the node's network":       spec(`"hostNetwork":true`),
		"the node's processes":     spec(`"hostPID":true`),
		"the node's shared memory": spec(`"hostIPC":true`),
		"processes of its sidecar": spec(`"shareProcessNamespace":true`),
		"sysctls":                  spec(`"securityContext":{"sysctls":[{"name":"kernel.shm_rmid_forced","value":"1"}]}`),
		"an unconfined Pod":        spec(`"securityContext":{"seccompProfile":{"type":"Unconfined"}}`),
		"privileges":               context(`"privileged":true`),
		"a capability":             context(`"capabilities":{"add":["SYS_ADMIN"]}`),
		"an unconfined container":  context(`"seccompProfile":{"type":"Unconfined"}`),
		"a port of the node":       container(`"ports":[{"containerPort":80,"hostPort":80}]`),
	}, nil}
}
