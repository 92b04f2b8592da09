//go:build e2e

package e2e

// What is honest, in every version and kind that the generator starts from. Of TaskRuns and the like a tenant's are none.
var honest = map[string][]string{
	"tekton.dev/v1 PipelineRun": {honestRun, `
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {generateName: platform--build-, namespace: openshift-pipelines, labels: {apps.platform/team: platform}}
spec:
  pipelineRef:
    resolver: cluster
    params: [{name: kind, value: pipeline}, {name: name, value: build-and-push-image}, {name: namespace, value: openshift-pipelines}]
  params: [{name: tag, value: v1}]
  taskRunTemplate: {serviceAccountName: pipeline, podTemplate: {securityContext: {fsGroup: 65532}}}
  taskRunSpecs: [{pipelineTaskName: build, computeResources: {limits: {memory: 1Gi}}}]
  workspaces: [{name: source, volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}}]
`},
	"tekton.dev/v1beta1 PipelineRun": {`
apiVersion: tekton.dev/v1beta1
kind: PipelineRun
metadata: {name: platform--honest, namespace: openshift-pipelines, labels: {apps.platform/team: platform}}
spec:
  pipelineRef: {name: build-and-push-image}
  serviceAccountName: pipeline
  taskRunSpecs: [{pipelineTaskName: build}]
  workspaces: [{name: git, secret: {secretName: git-platform}}]
`},
	"tekton.dev/v1 TaskRun":                            {task("tekton.dev/v1")},
	"tekton.dev/v1beta1 TaskRun":                       {task("tekton.dev/v1beta1")},
	"tekton.dev/v1beta1 CustomRun":                     {object("tekton.dev/v1beta1", "CustomRun", "{customRef: {apiVersion: quay.comptech-lab.com/v1alpha1, kind: PushImage}}")},
	"resolution.tekton.dev/v1beta1 ResolutionRequest":  {object("resolution.tekton.dev/v1beta1", "ResolutionRequest", "{params: [{name: kind, value: task}]}")},
	"resolution.tekton.dev/v1alpha1 ResolutionRequest": {object("resolution.tekton.dev/v1alpha1", "ResolutionRequest", "{params: {kind: task}}")},
	"v1 Pod": {tektonPod},
}

// tektonPod is what Tekton makes of a run of team platform's.
const tektonPod = `
apiVersion: v1
kind: Pod
metadata:
  name: platform--x-build-pod
  namespace: openshift-pipelines
  labels: {apps.platform/team: platform, tekton.dev/pipelineRun: platform--x, tekton.dev/taskRun: platform--x-build, app.kubernetes.io/managed-by: tekton-pipelines}
spec:
  serviceAccountName: pipeline
  restartPolicy: Never
  initContainers:
    - {name: prepare, image: "localhost:5000/static:latest", command: [/ko-app/entrypoint], volumeMounts: [{name: home, mountPath: /tekton/home}]}
  containers:
    - name: step-build
      image: localhost:5000/static:latest
      command: [/tekton/bin/entrypoint]
      env: [{name: HOME, value: /tekton/home}]
      volumeMounts: [{name: home, mountPath: /tekton/home}]
  volumes:
    - {name: home, emptyDir: {}}
    - {name: robot, secret: {secretName: quay-robot-team-platform}}
    - {name: source, persistentVolumeClaim: {claimName: pvc-0123456789}}
`

func object(version, kind, spec string) string {
	return "apiVersion: " + version + "\nkind: " + kind + "\nmetadata: {name: platform--x, namespace: openshift-pipelines, labels: {apps.platform/team: platform}}\nspec: " + spec + "\n"
}

func task(version string) string {
	return object(version, "TaskRun", "{serviceAccountName: pipeline, taskRef: {name: build-image}}")
}
