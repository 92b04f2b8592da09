package pushimage

import (
	"maps"
	"slices"
	"strings"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/pod"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/kmeta"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/reconciler/request"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// notCopied are prefixes of labels and annotations that a child must not inherit: Argo CD would take the TaskRun for an
// object of Git and prune it (tektoncd/pipeline#3202), Chains and Results for one that is signed or stored already, and Tekton's tools
// for another run's: what it needs of Tekton's own, identity and trace say.
var notCopied = []string{
	"app.kubernetes.io/instance", "argocd.argoproj.io/", "chains.tekton.dev/", "kubectl.kubernetes.io/last-applied-configuration",
	"results.tekton.dev/record", "results.tekton.dev/log", "tekton.dev/", v1alpha1.Group + "/",
}

// newTaskRun returns the TaskRun that pushes for the CustomRun with Secret secret. It has the CustomRun's name: so it is made once however
// often it is tried, and Chains, which looks every child of a PipelineRun up as a TaskRun, finds it (tektoncd/chains#1210).
func newTaskRun(q request.Request, owner *pipelinev1.PipelineRun, d tenant.Decision, secret string, c *config.Config) *pipelinev1.TaskRun {
	run := q.Run
	task := &pipelinev1.TaskRun{
		ObjectMeta: metav1.ObjectMeta{
			Name:            run.Name,
			Namespace:       run.Namespace,
			Labels:          inherit(run.Labels),
			Annotations:     inherit(run.Annotations),
			OwnerReferences: []metav1.OwnerReference{*kmeta.NewControllerRef(run)},
		},
		Spec: pipelinev1.TaskRunSpec{
			TaskRef:            taskRef(c.Task, c.TaskNamespace),
			ServiceAccountName: run.Spec.ServiceAccountName,
			Retries:            run.Spec.Retries,
			// nil stays nil: then the cluster's default-timeout-minutes holds, and not the 60 of CustomRun.GetTimeout.
			Timeout: run.Spec.Timeout,
		},
	}
	maps.Copy(task.Labels, identity(run, owner))
	task.Labels[v1alpha1.LabelManaged] = "true"
	task.Labels[v1alpha1.LabelTeam] = d.Team
	for _, name := range request.Params[q.Kind] {
		if value, given := q.Params[name]; given && name != v1alpha1.ParamDockerconfigSecret && !slices.Contains(request.GateParams, name) {
			task.Spec.Params = append(task.Spec.Params, param(name, value))
		}
	}
	task.Spec.Params = append(task.Spec.Params, param(v1alpha1.ParamDockerconfigSecret, secret))
	limit := timeout(run)
	if q.Copies() {
		limit = copyTimeout(run)
	}
	gated := q.GateArguments(q.Gate(c.GateOf(d.Team)), limit)
	for _, name := range slices.Sorted(maps.Keys(gated)) {
		task.Spec.Params = append(task.Spec.Params, param(name, gated[name]))
	}
	for _, w := range run.Spec.Workspaces {
		task.Spec.Workspaces = append(task.Spec.Workspaces, workspace(w))
	}
	if owner != nil {
		applyOwner(task, owner, pipelineTask(run, owner))
	}
	return task
}

// taskRef names the platform's Task, in the platform's namespace, whatever a tenant put under that name in its own.
func taskRef(name, namespace string) *pipelinev1.TaskRef {
	return &pipelinev1.TaskRef{ResolverRef: pipelinev1.ResolverRef{Resolver: "cluster", Params: pipelinev1.Params{
		param("kind", "task"), param("name", name), param("namespace", namespace),
	}}}
}

func param(name, value string) pipelinev1.Param {
	return pipelinev1.Param{Name: name, Value: *pipelinev1.NewStructuredValues(value)}
}

// inherit copies labels or annotations, never nil.
func inherit(from map[string]string) map[string]string {
	to := map[string]string{}
	maps.Copy(to, from)
	maps.DeleteFunc(to, func(key, _ string) bool {
		return slices.ContainsFunc(notCopied, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
	})
	return to
}

// applyOwner applies what Tekton does not hand on to a CustomRun: where the PipelineRun wants the task's Pod to run and with
// how much, and the trace that it is part of.
func applyOwner(task *pipelinev1.TaskRun, owner *pipelinev1.PipelineRun, pipelineTask string) {
	spec := owner.GetTaskRunSpec(pipelineTask)
	task.Spec.PodTemplate = placement(spec.PodTemplate)
	task.Spec.StepSpecs = spec.StepSpecs
	task.Spec.ComputeResources = spec.ComputeResources
	trace(task, owner)
}

// placement keeps of a Pod template what says where and as whom the Pod runs. Its env, volumes, host aliases and DNS settings
// would let the author of the run come between the push and the registry, with the tenant's token.
func placement(from *pod.Template) *pod.Template {
	if from == nil {
		return nil
	}
	return &pod.Template{
		NodeSelector:                 from.NodeSelector,
		Tolerations:                  from.Tolerations,
		Affinity:                     from.Affinity,
		TopologySpreadConstraints:    from.TopologySpreadConstraints,
		SecurityContext:              from.SecurityContext,
		RuntimeClassName:             from.RuntimeClassName,
		AutomountServiceAccountToken: from.AutomountServiceAccountToken,
		PriorityClassName:            from.PriorityClassName,
		SchedulerName:                from.SchedulerName,
		ImagePullSecrets:             slices.Clone[[]corev1.LocalObjectReference](from.ImagePullSecrets),
	}
}

// workspace converts a binding; Tekton's own conversion is not exported.
func workspace(w v1beta1.WorkspaceBinding) pipelinev1.WorkspaceBinding {
	return pipelinev1.WorkspaceBinding{
		Name: w.Name, SubPath: w.SubPath, VolumeClaimTemplate: w.VolumeClaimTemplate, PersistentVolumeClaim: w.PersistentVolumeClaim,
		EmptyDir: w.EmptyDir, ConfigMap: w.ConfigMap, CSI: w.CSI,
	}
}
