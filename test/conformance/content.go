package conformance

import (
	"github.com/google/go-cmp/cmp"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/pod"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

// bind makes w the workspace source.
func bind(w v1beta1.WorkspaceBinding) func(*v1beta1.CustomRun) {
	w.Name = v1alpha1.WorkspaceSource
	return func(r *v1beta1.CustomRun) { r.Spec.Workspaces = []v1beta1.WorkspaceBinding{w} }
}

// content is what is in the TaskRun.
var content = []Check{
	{ID: "C63", Sentence: "Labels and annotations are handed on, but for those of Chains, Argo CD and kubectl", InProcess: func(t *T) {
		s := pushing(t, on(func(r *v1beta1.CustomRun) {
			r.Annotations = map[string]string{"pipeline.tekton.dev/affinity-assistant": "a", "results.tekton.dev/result": "r",
				"chains.tekton.dev/signed": "true", "argocd.argoproj.io/tracking-id": "x", "kubectl.kubernetes.io/last-applied-configuration": "{}"}
		}))
		want := map[string]string{"pipeline.tekton.dev/affinity-assistant": "a", "results.tekton.dev/result": "r"}
		if diff := cmp.Diff(want, s.task().Annotations); diff != "" {
			t.Errorf("annotations (-want +got):\n%s", diff)
		}
		for key, value := range s.run().Labels {
			if s.task().Labels[key] != value {
				t.Errorf("label %s is %q, want %q", key, s.task().Labels[key], value)
			}
		}
	}},
	{ID: "C65", Sentence: "The Task is the one that config-tenancy names, whatever the author writes", InProcess: func(t *T) {
		s := pushing(t)
		want := &pipelinev1.TaskRef{ResolverRef: pipelinev1.ResolverRef{Resolver: "cluster", Params: pipelinev1.Params{
			{Name: "kind", Value: *pipelinev1.NewStructuredValues("task")}, {Name: "name", Value: *pipelinev1.NewStructuredValues("push-image-quay")},
			{Name: "namespace", Value: *pipelinev1.NewStructuredValues("openshift-pipelines")}}}}
		if diff := cmp.Diff(want, s.task().Spec.TaskRef); diff != "" || s.task().Spec.TaskSpec != nil {
			t.Errorf("taskRef (-want +got):\n%s", diff)
		}
		refused(t, v1alpha1.ReasonInvalidParams, give("task", "mine"))
	}},
	{ID: "C66", Sentence: "dockerconfig-secret is the team's, or the run's copy of it; an author may repeat it, and not name another", InProcess: func(t *T) {
		for _, s := range []*scene{pushing(t), pushing(t, give("dockerconfig-secret", reconcilertest.Secret))} {
			if got := s.param("dockerconfig-secret"); got != s.secret() {
				t.Errorf("dockerconfig-secret %q", got)
			}
		}
		refused(t, v1alpha1.ReasonSecretMismatch, give("dockerconfig-secret", "quay-robot-team-platform"))
	}},
	{ID: "C67", Sentence: "Params are strings, as they are; the workspace is handed on with subPath, but one that is a Secret is refused", InProcess: func(t *T) {
		s := pushing(t, give("tag", `$["1"]%`))
		if got := s.param("tag"); got != `$["1"]%` {
			t.Errorf("tag %q", got)
		}
		for _, w := range []v1beta1.WorkspaceBinding{
			{SubPath: "a/b", PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "c", ReadOnly: true}},
			{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: "Memory"}},
			{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "m"}}},
			{CSI: &corev1.CSIVolumeSource{Driver: "d"}},
		} {
			got := pushing(t, on(bind(w))).task().Spec.Workspaces[0]
			want := pipelinev1.WorkspaceBinding{Name: "source", SubPath: w.SubPath, PersistentVolumeClaim: w.PersistentVolumeClaim,
				EmptyDir: w.EmptyDir, ConfigMap: w.ConfigMap, CSI: w.CSI}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("workspace (-want +got):\n%s", diff)
			}
		}
		for _, w := range []v1beta1.WorkspaceBinding{
			{Secret: &corev1.SecretVolumeSource{SecretName: "s"}},
			{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{Secret: &corev1.SecretProjection{}}}}},
			{CSI: &corev1.CSIVolumeSource{Driver: "d", NodePublishSecretRef: &corev1.LocalObjectReference{Name: "s"}}},
		} {
			refused(t, v1alpha1.ReasonInvalidWorkspaces, on(bind(w)))
		}
	}},
	{ID: "C68", Sentence: "Where the Pod runs and with how much is the PipelineRun's to say, once the PipelineRun is proved", InProcess: func(t *T) {
		cpu := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}
		s := pushing(t, on(func(pr *pipelinev1.PipelineRun) {
			pr.Spec.TaskRunTemplate.PodTemplate = &pod.Template{Tolerations: []corev1.Toleration{{Key: "k"}}}
			pr.Spec.TaskRunSpecs = []pipelinev1.PipelineTaskRunSpec{{
				PipelineTaskName: "push", PodTemplate: &pod.Template{NodeSelector: map[string]string{"disk": "fast"}},
				ComputeResources: &corev1.ResourceRequirements{Limits: cpu},
				StepSpecs:        []pipelinev1.TaskRunStepSpec{{Name: "push", ComputeResources: corev1.ResourceRequirements{Requests: cpu}}},
			}}
		}))
		spec := s.task().Spec
		if spec.PodTemplate.NodeSelector["disk"] != "fast" || len(spec.PodTemplate.Tolerations) != 1 || spec.ComputeResources == nil || len(spec.StepSpecs) != 1 {
			t.Errorf("podTemplate %+v, computeResources %v, stepSpecs %v", spec.PodTemplate, spec.ComputeResources, spec.StepSpecs)
		}
	}},
}
