package reconcilertest

import (
	"encoding/base64"
	"fmt"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/pkg/apis"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
)

// The names of the scene that Payments returns.
const (
	Namespace = "apps-payments-checkout"
	Pipeline  = "build-1"
	Run       = "build-1-push"
	Secret    = "quay-robot-team-payments"
	Token     = "S3CR3TT0KEN"
)

// Host is the registry of the default convention, Image a repository of team payments there.
var (
	Host  = "quay.apps.sub.comptech-lab.com"
	Image = Host + "/team-payments/checkout"
)

// Payments is what there is when Tekton has made the CustomRun of one PipelineRun of team payments: kind is the CustomRun's.
func Payments(kind string) []runtime.Object {
	return []runtime.Object{
		NewNamespace(Namespace, map[string]string{"apps.platform/team": "payments", "apps.platform/division": "shop", "apps.platform/app": "checkout"}),
		NewSecret(Namespace, Secret, "team-payments+ci"),
		NewPipelineRun(Namespace, Pipeline, Run),
		NewCustomRun(Namespace, Pipeline, Run, kind),
	}
}

// NewNamespace returns a namespace with labels.
func NewNamespace(name string, labels map[string]string) *corev1.Namespace {
	all := map[string]string{"kubernetes.io/metadata.name": name}
	for key, value := range labels {
		all[key] = value
	}
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: all}}
}

// NewSecret returns what External Secrets renders for a robot.
func NewSecret(namespace, name, robot string) *corev1.Secret {
	auth := base64.StdEncoding.EncodeToString([]byte(robot + ":" + Token))
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
		Type:       corev1.SecretTypeDockerConfigJson,
		Data:       map[string][]byte{corev1.DockerConfigJsonKey: fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`, Host, auth)},
	}
}

// NewServiceAccount returns what a keyless team has in the place of a Secret.
func NewServiceAccount(namespace, name, robot string) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace,
		Annotations: map[string]string{v1alpha1.AnnotationRobot: robot}}}
}

// NewPipelineRun returns a running PipelineRun that lists the CustomRuns children.
func NewPipelineRun(namespace, name string, children ...string) *pipelinev1.PipelineRun {
	run := &pipelinev1.PipelineRun{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, UID: types.UID("uid-of-" + name)}}
	for _, child := range children {
		reference := pipelinev1.ChildStatusReference{Name: child, PipelineTaskName: "push"}
		reference.APIVersion, reference.Kind = "tekton.dev/v1beta1", "CustomRun"
		run.Status.ChildReferences = append(run.Status.ChildReferences, reference)
	}
	return run
}

// NewCustomRun returns the CustomRun that Tekton makes for the pipeline task push.
func NewCustomRun(namespace, pipelineRun, name, kind string) *v1beta1.CustomRun {
	return &v1beta1.CustomRun{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: namespace, Generation: 1,
			Labels: map[string]string{"tekton.dev/pipelineRun": pipelineRun, "tekton.dev/pipelineTask": "push", "tekton.dev/memberOf": "tasks"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "tekton.dev/v1", Kind: "PipelineRun", Name: pipelineRun,
				UID: types.UID("uid-of-" + pipelineRun), Controller: new(true), BlockOwnerDeletion: new(true)}},
		},
		Spec: v1beta1.CustomRunSpec{
			CustomRef:          &v1beta1.TaskRef{APIVersion: v1alpha1.APIVersion, Kind: v1beta1.TaskKind(kind)},
			Params:             v1beta1.Params{{Name: v1alpha1.ParamImageRef, Value: *v1beta1.NewStructuredValues(Image)}},
			ServiceAccountName: "default",
			Workspaces: []v1beta1.WorkspaceBinding{{Name: v1alpha1.WorkspaceSource, SubPath: "out",
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "pvc-1"}}},
		},
	}
}

// NewGuards returns the policies that the rule shared-namespace needs, with bindings that deny in the namespaces.
func NewGuards(namespaces ...string) (objects []runtime.Object) {
	for _, name := range tenancy.Guards {
		objects = append(objects,
			&admissionv1.ValidatingAdmissionPolicy{
				ObjectMeta: metav1.ObjectMeta{Name: name},
				Spec: admissionv1.ValidatingAdmissionPolicySpec{
					FailurePolicy:    new(admissionv1.Fail),
					MatchConstraints: &admissionv1.MatchResources{ResourceRules: make([]admissionv1.NamedRuleWithOperations, 1)},
					ParamKind:        &admissionv1.ParamKind{APIVersion: "v1", Kind: "ConfigMap"},
					Validations:      []admissionv1.Validation{{Expression: "false"}},
				},
			},
			&admissionv1.ValidatingAdmissionPolicyBinding{
				ObjectMeta: metav1.ObjectMeta{Name: name},
				Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
					PolicyName: name, ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny},
					ParamRef: &admissionv1.ParamRef{Name: config.Name, Namespace: config.Namespace, ParameterNotFoundAction: new(admissionv1.DenyAction)},
					MatchResources: &admissionv1.MatchResources{NamespaceSelector: &metav1.LabelSelector{
						MatchExpressions: []metav1.LabelSelectorRequirement{{
							Key: "kubernetes.io/metadata.name", Operator: metav1.LabelSelectorOpIn, Values: namespaces}}}},
				},
			})
	}
	return objects
}

// Finish ends a TaskRun as Tekton would: with status True and all results that PushImage promises, or with another reason.
func Finish(task *pipelinev1.TaskRun, status corev1.ConditionStatus, reason, message string) *pipelinev1.TaskRun {
	task = task.DeepCopy()
	task.Status.SetCondition(&apis.Condition{Type: apis.ConditionSucceeded, Status: status, Reason: reason, Message: message})
	if status == corev1.ConditionTrue {
		for _, name := range v1alpha1.Results {
			task.Status.Results = append(task.Status.Results, pipelinev1.TaskRunResult{
				Name: name, Type: pipelinev1.ResultsTypeString, Value: *pipelinev1.NewStructuredValues("value of " + name)})
		}
	}
	return task
}
