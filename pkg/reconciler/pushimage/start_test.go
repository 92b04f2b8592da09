package pushimage

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/pod"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"knative.dev/pkg/apis"
	"knative.dev/pkg/controller"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

// The whole TaskRun, field by field: what is not here is not handed on.
func TestTaskRunOfATenant(t *testing.T) {
	objects := with(func(o runtime.Object) {
		switch o := o.(type) {
		case *v1beta1.CustomRun:
			o.Spec.Retries, o.Spec.Timeout = 2, &metav1.Duration{Duration: time.Minute}
			o.Spec.Params = append(o.Spec.Params, v1beta1.Param{Name: v1alpha1.ParamAnchor, Value: *v1beta1.NewStructuredValues("false")},
				v1beta1.Param{Name: v1alpha1.ParamTag, Value: *v1beta1.NewStructuredValues("v1")},
				v1beta1.Param{Name: v1alpha1.ParamCompression, Value: *v1beta1.NewStructuredValues("zstd")})
			o.Labels["app.kubernetes.io/instance"], o.Labels[v1alpha1.LabelTeam] = "argo", "platform"
			o.Annotations = map[string]string{"chains.tekton.dev/signed": "true", "argocd.argoproj.io/tracking-id": "x", "results.tekton.dev/record": "x",
				"pipeline.tekton.dev/affinity-assistant": "assistant"}
		case *pipelinev1.PipelineRun:
			o.Status.SpanContext = map[string]string{"traceparent": traceparent}
			o.Spec.TaskRunSpecs = []pipelinev1.PipelineTaskRunSpec{{
				PipelineTaskName: "push",
				ComputeResources: &corev1.ResourceRequirements{Limits: corev1.ResourceList{}},
				PodTemplate: &pod.Template{NodeSelector: map[string]string{"disk": "fast"},
					Env:         []corev1.EnvVar{{Name: "HTTPS_PROXY", Value: "http://attacker"}},
					HostAliases: []corev1.HostAlias{{IP: "10.0.0.1", Hostnames: []string{reconcilertest.Host}}}},
			}}
		}
	})
	w := newWorld(t, objects...)
	reconcile(t, w)
	want := &pipelinev1.TaskRun{
		ObjectMeta: metav1.ObjectMeta{
			Name: run, Namespace: ns,
			Labels: map[string]string{
				"tekton.dev/pipelineRun": reconcilertest.Pipeline, "tekton.dev/pipelineRunUID": "uid-of-" + reconcilertest.Pipeline,
				"tekton.dev/pipelineTask": "push", "tekton.dev/memberOf": "tasks", "tekton.dev/customRun": run, "quay.comptech-lab.com/managed": "true", "quay.comptech-lab.com/team": "payments",
			},
			Annotations: map[string]string{"pipeline.tekton.dev/affinity-assistant": "assistant",
				"tekton.dev/taskrunSpanContext": `{"traceparent":"` + traceparent + `"}`},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "tekton.dev/v1beta1", Kind: "CustomRun", Name: run,
				UID: w.CustomRun(ns, run).UID, Controller: new(true), BlockOwnerDeletion: new(true)}},
		},
		Spec: pipelinev1.TaskRunSpec{
			TaskRef: &pipelinev1.TaskRef{ResolverRef: pipelinev1.ResolverRef{Resolver: "cluster", Params: pipelinev1.Params{
				param("kind", "task"), param("name", "push-image-quay"), param("namespace", "openshift-pipelines")}}},
			Params: pipelinev1.Params{param("image-ref", reconcilertest.Image), param("tag", "v1"), param("anchor", "false"), param("compression", "zstd"), param("dockerconfig-secret", reconcilertest.Secret)},
			Workspaces: []pipelinev1.WorkspaceBinding{{Name: "source", SubPath: "out",
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "pvc-1"}}},
			ServiceAccountName: "default",
			Retries:            2,
			Timeout:            &metav1.Duration{Duration: time.Minute},
			ComputeResources:   &corev1.ResourceRequirements{Limits: corev1.ResourceList{}},
			PodTemplate:        &pod.Template{NodeSelector: map[string]string{"disk": "fast"}},
		},
	}
	got := w.TaskRun(ns, run)
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(metav1.ObjectMeta{}, "UID", "ResourceVersion", "CreationTimestamp")); diff != "" {
		t.Errorf("TaskRun (-want +got):\n%s", diff)
	}
	s, err := stateOf(w.CustomRun(ns, run))
	if err != nil {
		t.Fatal(err)
	}
	wantState := state{Team: "payments", Division: "shop", App: "checkout", Organization: "team-payments", Rule: "namespace-label",
		Evidence: "namespace apps-payments-checkout has label apps.platform/team=payments", Secret: reconcilertest.Secret, TaskRun: child{Name: run, UID: got.UID}}
	if diff := cmp.Diff(wantState, s); diff != "" {
		t.Errorf("extraFields (-want +got):\n%s", diff)
	}
	if c := condition(w); c.Status != corev1.ConditionUnknown || c.Reason != "Running" || !strings.Contains(c.Message, "tkn taskrun logs "+run) {
		t.Errorf("condition %+v", c)
	}
}

// Every way to be refused: at once, for good, without a TaskRun, and with a message that helps.
func TestRefusals(t *testing.T) {
	edit := func(f func(*v1beta1.CustomRun)) []runtime.Object { return withRun(f) }
	param := func(name, value string) []runtime.Object {
		return edit(func(r *v1beta1.CustomRun) {
			r.Spec.Params = append(r.Spec.Params, v1beta1.Param{Name: name, Value: *v1beta1.NewStructuredValues(value)})
		})
	}
	secret := func(f func(*corev1.Secret)) []runtime.Object {
		return with(func(o runtime.Object) {
			if s, ok := o.(*corev1.Secret); ok {
				f(s)
			}
		})
	}
	for name, test := range map[string]struct {
		objects []runtime.Object
		reason  string
		says    string
	}{
		"unknown param":        {param("imagee", "x"), v1alpha1.ReasonInvalidParams, `no param "imagee"`},
		"param twice":          {param("image-ref", "x"), v1alpha1.ReasonInvalidParams, "twice"},
		"array param":          {edit(func(r *v1beta1.CustomRun) { r.Spec.Params[0].Value = *v1beta1.NewStructuredValues("a", "b") }), v1alpha1.ReasonInvalidParams, "array"},
		"retries without end":  {edit(func(r *v1beta1.CustomRun) { r.Spec.Retries = 1_000_000 }), v1alpha1.ReasonInvalidParams, "at most 10 times"},
		"no image":             {edit(func(r *v1beta1.CustomRun) { r.Spec.Params = nil }), v1alpha1.ReasonInvalidParams, "image-ref"},
		"no workspace":         {edit(func(r *v1beta1.CustomRun) { r.Spec.Workspaces = nil }), v1alpha1.ReasonInvalidWorkspaces, "source"},
		"a Secret as source":   {edit(secretWorkspace), v1alpha1.ReasonInvalidWorkspaces, "Secret"},
		"customSpec":           {edit(customSpec), v1alpha1.ReasonUnsupportedSpec, "taskRef"},
		"a name in customRef":  {edit(func(r *v1beta1.CustomRun) { r.Spec.CustomRef.Name = "x" }), v1alpha1.ReasonUnsupportedSpec, "taskRef"},
		"a kind with a typo":   {edit(func(r *v1beta1.CustomRun) { r.Spec.CustomRef.Kind = "PushImages" }), v1alpha1.ReasonUnsupportedSpec, "not served"},
		"another version":      {edit(func(r *v1beta1.CustomRun) { r.Spec.CustomRef.APIVersion = "quay.comptech-lab.com/v2" }), v1alpha1.ReasonUnsupportedSpec, "not served"},
		"a resolver":           {edit(func(r *v1beta1.CustomRun) { r.Spec.CustomRef.Resolver = "git" }), v1alpha1.ReasonUnsupportedSpec, "taskRef"},
		"another's image":      {edit(image(reconcilertest.Host + "/team-platform/app")), v1alpha1.ReasonImageOutsideOrganization, "rule image"},
		"forged owner":         {edit(func(r *v1beta1.CustomRun) { r.OwnerReferences[0].UID = "made-up" }), v1alpha1.ReasonUnprovenOwner, "rule owner"},
		"dead owner":           {edit(func(r *v1beta1.CustomRun) { r.OwnerReferences[0].Name = "gone" }), v1alpha1.ReasonUnprovenOwner, "does not exist"},
		"another kind's owner": {edit(func(r *v1beta1.CustomRun) { r.OwnerReferences[0].Kind = "TaskRun" }), v1alpha1.ReasonUnprovenOwner, "rule owner"},
		"another's Secret":     {param("dockerconfig-secret", "quay-robot-team-platform"), v1alpha1.ReasonSecretMismatch, reconcilertest.Secret},
		"Secret of wrong type": {secret(func(s *corev1.Secret) { s.Type = corev1.SecretTypeOpaque }), v1alpha1.ReasonSecretInvalid, reconcilertest.Secret},
		"Secret without key":   {secret(func(s *corev1.Secret) { s.Data = nil }), v1alpha1.ReasonSecretInvalid, ".dockerconfigjson"},
		"Secret is no JSON":    {secret(content(reconcilertest.Token)), v1alpha1.ReasonSecretInvalid, reconcilertest.Secret},
		"other registry":       {secret(content(`{"auths":{"quay.io":{"auth":"dGVhbS1wYXltZW50cytjaTp4"}}}`)), v1alpha1.ReasonSecretInvalid, reconcilertest.Host},
		"other team's robot":   {secret(content(string(reconcilertest.NewSecret("", "", "team-platform+ci").Data[".dockerconfigjson"]))), v1alpha1.ReasonSecretInvalid, "team-platform+ci"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, test.objects...)
			reconcile(t, w)
			wantEnd(t, w, corev1.ConditionFalse, test.reason, test.says)
			if w.TaskRun(ns, run) != nil {
				t.Error("a TaskRun was made")
			}
			events := strings.Join(w.Events(), "\n")
			if !strings.Contains(events, "Warning "+test.reason) {
				t.Errorf("events %q", events)
			}
			if everything := fmt.Sprintf("%+v%s", w.CustomRun(ns, run), events); strings.Contains(everything, reconcilertest.Token) {
				t.Error("the token is in the status or an event")
			}
			// It is final, and costs nothing more.
			w.Actions()
			reconcile(t, w)
			if again := w.Actions(); len(again) > 0 {
				t.Errorf("a refused run was looked at again: %v", again)
			}
		})
	}
}

func secretWorkspace(r *v1beta1.CustomRun) {
	r.Spec.Workspaces[0] = v1beta1.WorkspaceBinding{Name: "source", Secret: &corev1.SecretVolumeSource{SecretName: "quay-robot-team-platform"}}
}

func customSpec(r *v1beta1.CustomRun) {
	r.Spec.CustomRef, r.Spec.CustomSpec = nil, &v1beta1.EmbeddedCustomRunSpec{TypeMeta: runtime.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.KindPushImage}}
}

func image(ref string) func(*v1beta1.CustomRun) {
	return func(r *v1beta1.CustomRun) { r.Spec.Params[0].Value = *v1beta1.NewStructuredValues(ref) }
}

func content(dockerconfig string) func(*corev1.Secret) {
	return func(s *corev1.Secret) { s.Data[corev1.DockerConfigJsonKey] = []byte(dockerconfig) }
}

func TestSecretMissingTellsExternalSecretsReason(t *testing.T) {
	w := newWorld(t, with(func(o runtime.Object) {
		if s, ok := o.(*corev1.Secret); ok {
			s.Name = "another"
		}
	})...)
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionFalse, v1alpha1.ReasonSecretMissing, reconcilertest.Secret, "ExternalSecret")
}

// Tekton lists a CustomRun a moment after it made it: that is waited for, and not for ever.
func TestUnlistedIsWaitedFor(t *testing.T) {
	w := newWorld(t, with(func(o runtime.Object) {
		if pr, ok := o.(*pipelinev1.PipelineRun); ok {
			pr.Status.ChildReferences = nil
		}
	})...)
	again, wait := controller.IsRequeueKey(w.Reconcile(ns, run))
	if !again || wait != 100*time.Millisecond || condition(w).Reason != "" {
		t.Fatalf("again %v after %s, condition %+v", again, wait, condition(w))
	}
	w.Clock.SetTime(w.Clock.Now().Add(4 * time.Second))
	if again, wait = controller.IsRequeueKey(w.Reconcile(ns, run)); !again || wait != time.Second {
		t.Errorf("after 4s: again %v after %s, want 1s", again, wait)
	}
	w.Clock.SetTime(w.Clock.Now().Add(2 * time.Minute))
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionFalse, v1alpha1.ReasonUnprovenOwner, "childReferences")
}

// A PipelineRun that has ended gets no more children: whoever claims it now is refused at once.
func TestUnlistedByAnEndedRunIsRefused(t *testing.T) {
	w := newWorld(t, with(func(o runtime.Object) {
		if pr, ok := o.(*pipelinev1.PipelineRun); ok {
			pr.Status.ChildReferences = nil
			pr.Status.SetCondition(&apis.Condition{Type: apis.ConditionSucceeded, Status: corev1.ConditionTrue, Reason: "Completed"})
		}
	})...)
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionFalse, v1alpha1.ReasonUnprovenOwner, "childReferences")
}

// The rule shared-namespace end to end: the label decides where the policies guard it, and nothing does where they do not.
func TestSharedNamespace(t *testing.T) {
	const shared = "openshift-pipelines"
	scene := func(guards ...string) []runtime.Object {
		pr := reconcilertest.NewPipelineRun(shared, reconcilertest.Pipeline, run)
		pr.Labels = map[string]string{"apps.platform/team": "team-payments"}
		return append(reconcilertest.NewGuards(guards...), reconcilertest.NewNamespace(shared, nil), pr,
			reconcilertest.NewSecret(shared, reconcilertest.Secret, "team-payments+ci-b"),
			reconcilertest.NewCustomRun(shared, reconcilertest.Pipeline, run, v1alpha1.KindPushImage))
	}
	w := newWorld(t, scene(shared)...)
	if err := w.Reconcile(shared, run); err != nil {
		t.Fatal(err)
	}
	if task := w.TaskRun(shared, run); task == nil || task.Labels[v1alpha1.LabelTeam] != "payments" {
		t.Errorf("guarded: TaskRun %+v, status %+v", task, w.CustomRun(shared, run).Status)
	}
	w = newWorld(t, scene("another-namespace")...)
	if err := w.Reconcile(shared, run); err != nil {
		t.Fatal(err)
	}
	if c := w.CustomRun(shared, run).Status.Conditions[0]; c.Reason != v1alpha1.ReasonPolicyMissing {
		t.Errorf("unguarded: %+v", c)
	}
}
