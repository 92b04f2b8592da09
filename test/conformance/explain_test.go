package conformance

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"knative.dev/pkg/apis"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/pushimage"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
	"github.com/comptech-lab/quay-push/pkg/reconciler/resolvetenant"
)

// refusal is a run that may not push.
type refusal struct {
	name string
	// kind is the CustomRun's; empty: PushImage.
	kind     string
	settings map[string]string
	// guarded says that the namespace is shared and its policies deny.
	guarded bool
	edits   []func(runtime.Object)
	// account has the team's ServiceAccount in custody, annotated with that robot.
	account *string
	// unreadable says that the controller may read no Secret.
	unreadable bool
	reason     string
	// rule refuses it, and decided is the one that named its team; empty if none did.
	rule, decided string
}

const internal = "registry.internal.svc:5000"

// copies are the settings of a platform from whose own registry runs may push.
var copies = map[string]string{"custody-namespace": locked, "internal-registries": internal}

// unlabelled is a namespace that is no team's.
var unlabelled = on(func(n *corev1.Namespace) { n.Labels = map[string]string{"kubernetes.io/metadata.name": ns} })

func labels(all map[string]string) func(runtime.Object) {
	return on(func(pr *pipelinev1.PipelineRun) { pr.Labels = all })
}

// from has the run push from the registry, without a workspace.
func from(source string) func(runtime.Object) {
	return on(func(r *v1beta1.CustomRun) {
		r.Spec.Workspaces = nil
		r.Spec.Params = append(r.Spec.Params, v1beta1.Param{Name: v1alpha1.ParamSource, Value: *v1beta1.NewStructuredValues(source)})
	})
}

func image(ref string) func(runtime.Object) {
	return on(func(r *v1beta1.CustomRun) { r.Spec.Params[0].Value.StringVal = ref })
}

var (
	payments = labels(map[string]string{"apps.platform/team": "payments"})
	nothing  = on(func(r *v1beta1.CustomRun) { r.Spec.Workspaces = nil })
	bare     = on(func(r *v1beta1.CustomRun) { r.Spec.Workspaces, r.Spec.Params = nil, nil })
	going    = on(func(r *v1beta1.CustomRun) {
		r.Finalizers, r.DeletionTimestamp = []string{"example.com/held"}, &metav1.Time{Time: time.Unix(1e9, 0)}
	})
	over = on(func(pr *pipelinev1.PipelineRun) {
		pr.Status.SetCondition(&apis.Condition{Type: apis.ConditionSucceeded, Status: corev1.ConditionFalse, Reason: "Cancelled"})
	})
	gone = secret(func(s *corev1.Secret) { s.Name = "another" })
	held = secret(func(s *corev1.Secret) { s.Namespace = locked })
)

func edits(all ...func(runtime.Object)) []func(runtime.Object) { return all }

// refusals are those of every rule, and of every reason that a decision can have.
var refusals = []refusal{
	{name: "unknown kind", edits: edits(reference(func(r *v1beta1.TaskRef) { r.Kind = "PullImage" })), reason: v1alpha1.ReasonUnsupportedSpec, rule: "request"},
	{name: "unknown version", edits: edits(reference(func(r *v1beta1.TaskRef) { r.APIVersion = v1alpha1.Group + "/v9" })), reason: v1alpha1.ReasonUnsupportedSpec, rule: "request"},
	{name: "no image", edits: edits(on(func(r *v1beta1.CustomRun) { r.Spec.Params = nil })), reason: v1alpha1.ReasonInvalidParams, rule: "request"},
	{name: "a param twice", edits: edits(give("image-ref", "x")), reason: v1alpha1.ReasonInvalidParams, rule: "request"},
	{name: "an array", edits: edits(on(func(r *v1beta1.CustomRun) { r.Spec.Params[0].Value = *v1beta1.NewStructuredValues("a", "b") })), reason: v1alpha1.ReasonInvalidParams, rule: "request"},
	{name: "too many retries", edits: edits(on(func(r *v1beta1.CustomRun) { r.Spec.Retries = 11 })), reason: v1alpha1.ReasonInvalidParams, rule: "request"},
	{name: "too large", edits: edits(give("tag", strings.Repeat("a", 1<<20))), reason: v1alpha1.ReasonInvalidParams, rule: "request"},
	{name: "no workspace", edits: edits(nothing), reason: v1alpha1.ReasonInvalidWorkspaces, rule: "request"},
	{name: "a workspace with a registry", settings: copies, edits: edits(give("source", "docker://"+internal+"/"+ns+"/app")), reason: v1alpha1.ReasonInvalidWorkspaces, rule: "request"},
	{name: "is being deleted", edits: edits(going), reason: "CustomRunCancelled", rule: "request"},
	{name: "its PipelineRun has ended", edits: edits(over), reason: "CustomRunCancelled", rule: "owner"},
	{name: "no registry", settings: map[string]string{"registry": ""}, reason: v1alpha1.ReasonNotConfigured, rule: "registry"},
	{name: "a forged owner", edits: edits(on(func(r *v1beta1.CustomRun) { r.OwnerReferences[0].UID = "forged" })), reason: v1alpha1.ReasonUnprovenOwner, rule: "owner"},
	{name: "no team", edits: edits(unlabelled), reason: v1alpha1.ReasonNoTenant, rule: "no-rule"},
	{name: "no team's name", edits: edits(on(func(n *corev1.Namespace) { n.Labels["apps.platform/team"] = "Payments" })), reason: v1alpha1.ReasonInvalidTeam, rule: "namespace-label"},
	{name: "two teams", edits: edits(labels(map[string]string{"apps.platform/team": "platform"})), reason: v1alpha1.ReasonTenantConflict, rule: "namespace-label"},
	{name: "another team's image", edits: edits(image(reconcilertest.Host + "/team-platform/app")), reason: v1alpha1.ReasonImageOutsideOrganization, rule: "image", decided: "namespace-label"},
	{name: "another registry's image", edits: edits(image("quay.io/team-payments/app")), reason: v1alpha1.ReasonImageOutsideOrganization, rule: "image", decided: "namespace-label"},
	{name: "another namespace's source", settings: copies, edits: edits(from("docker://" + internal + "/apps-platform-sample/app")), reason: v1alpha1.ReasonSourceOutsideNamespace, rule: "source", decided: "namespace-label"},
	{name: "no internal registry", edits: edits(from("docker://" + internal + "/" + ns + "/app")), reason: v1alpha1.ReasonSourceOutsideNamespace, rule: "source", decided: "namespace-label"},
	{name: "a source's robot is missing", settings: copies, edits: edits(from("docker://"+internal+"/"+ns+"/app"), gone), reason: v1alpha1.ReasonSecretMissing, rule: "secret", decided: "namespace-label"},
	{name: "another team's Secret", edits: edits(give("dockerconfig-secret", "quay-robot-team-platform")), reason: v1alpha1.ReasonSecretMismatch, rule: "dockerconfig-secret", decided: "namespace-label"},
	{name: "no Secret", edits: edits(gone), reason: v1alpha1.ReasonSecretMissing, rule: "secret", decided: "namespace-label"},
	{name: "no Secret in custody", settings: copies, edits: edits(gone), reason: v1alpha1.ReasonSecretMissing, rule: "secret", decided: "namespace-label"},
	{name: "a Secret and a ServiceAccount", settings: copies, account: new("team-payments+ci"), edits: edits(held), reason: v1alpha1.ReasonKeylessConflict, rule: "secret", decided: "namespace-label"},
	{name: "keyless, without a robot", settings: copies, account: new(""), edits: edits(gone), reason: v1alpha1.ReasonKeylessInvalid, rule: "secret", decided: "namespace-label"},
	{name: "keyless, another team's robot", settings: copies, account: new("team-platform+ci"), edits: edits(gone), reason: v1alpha1.ReasonKeylessInvalid, rule: "secret", decided: "namespace-label"},
	{name: "keyless, from a registry", settings: copies, account: new("team-payments+ci"), edits: edits(from("docker://"+internal+"/"+ns+"/app"), gone), reason: v1alpha1.ReasonKeylessUnsupported, rule: "secret", decided: "namespace-label"},
	{name: "another robot's Secret", edits: edits(secret(func(s *corev1.Secret) { s.Data = reconcilertest.NewSecret("", "", "team-platform+ci").Data })), reason: v1alpha1.ReasonSecretInvalid, rule: "secret", decided: "namespace-label"},
	{name: "no right", unreadable: true, reason: v1alpha1.ReasonSecretUnreadable, rule: "secret", decided: "namespace-label"},
	{name: "shared, no policy", settings: map[string]string{"shared-namespaces": ns}, edits: edits(unlabelled, payments), reason: v1alpha1.ReasonPolicyMissing, rule: "shared-namespace"},
	{name: "shared, no label", guarded: true, edits: edits(unlabelled), reason: v1alpha1.ReasonNoTenant, rule: "shared-namespace"},
	{name: "shared, no owner", guarded: true, edits: edits(unlabelled, on(func(r *v1beta1.CustomRun) { r.OwnerReferences = nil })), reason: v1alpha1.ReasonUnprovenOwner, rule: "owner"},
	{name: "shared, two teams", guarded: true, edits: edits(unlabelled, labels(map[string]string{"apps.platform/team": "payments", "pipeline.comptech-lab.com/team": "platform"})), reason: v1alpha1.ReasonTenantConflict, rule: "shared-namespace"},
	{name: "shared, another team's image", guarded: true, edits: edits(unlabelled, payments, image(reconcilertest.Host+"/team-platform/app")), reason: v1alpha1.ReasonImageOutsideOrganization, rule: "image", decided: "shared-namespace"},
	{name: "shared, from a registry", guarded: true, settings: copies, edits: edits(unlabelled, payments, from("docker://"+internal+"/"+ns+"/app")), reason: v1alpha1.ReasonSourceOutsideNamespace, rule: "source", decided: "shared-namespace"},
	{name: "shared, from a registry with a workspace", guarded: true, settings: copies, edits: edits(unlabelled, payments, give("source", "docker://"+internal+"/"+ns+"/app")), reason: v1alpha1.ReasonInvalidWorkspaces, rule: "request"},
	{name: "shared, no Secret", guarded: true, edits: edits(unlabelled, payments, gone), reason: v1alpha1.ReasonSecretMissing, rule: "secret", decided: "shared-namespace"},
	{name: "shared, no right to a Secret that is not there", guarded: true, unreadable: true, edits: edits(unlabelled, payments, gone), reason: v1alpha1.ReasonSecretUnreadable, rule: "secret", decided: "shared-namespace"},
	{name: "resolving, a push's param", kind: v1alpha1.KindResolveTenant, edits: edits(nothing, give("tag", "v1")), reason: v1alpha1.ReasonInvalidParams, rule: "request"},
	{name: "resolving, with a workspace", kind: v1alpha1.KindResolveTenant, reason: v1alpha1.ReasonInvalidWorkspaces, rule: "request"},
	{name: "resolving, another team's image", kind: v1alpha1.KindResolveTenant, edits: edits(nothing, image(reconcilertest.Host+"/team-platform/app")), reason: v1alpha1.ReasonImageOutsideOrganization, rule: "image", decided: "namespace-label"},
	{name: "resolving, no Secret where the run is", kind: v1alpha1.KindResolveTenant, settings: copies, edits: edits(bare, secret(func(s *corev1.Secret) { s.Namespace = locked })), reason: v1alpha1.ReasonSecretMissing, rule: "secret", decided: "namespace-label"},
}

// play has the controller refuse the run, and explain tell so before.
func (r refusal) play(t *T) {
	settings, kind, constructor := map[string]string{}, v1alpha1.KindPushImage, reconcilertest.Constructor(pushimage.NewController)
	for key, value := range r.settings {
		settings[key] = value
	}
	if r.kind == v1alpha1.KindResolveTenant {
		kind, constructor = r.kind, resolvetenant.NewController
	}
	objects := reconcilertest.Payments(kind)
	for _, o := range objects {
		for _, edit := range r.edits {
			edit(o)
		}
	}
	if r.guarded {
		settings["shared-namespaces"] = ns
		objects = append(objects, reconcilertest.NewGuards(ns)...)
	}
	if r.account != nil {
		objects = append(objects, reconcilertest.NewServiceAccount(locked, reconcilertest.Secret, *r.account))
	}
	s := open(t, constructor, settings, objects...)
	if r.unreadable {
		s.reads(false)
	}
	told := s.explain()
	if r.unreadable {
		s.Faults.Before = func(a reconcilertest.Action) error {
			if a == "get secrets" {
				return apierrs.NewForbidden(corev1.Resource("secrets"), reconcilertest.Secret, fmt.Errorf("no right"))
			}
			return nil
		}
	}
	s.look()
	s.want(corev1.ConditionFalse, r.reason)
	s.wantExplained(told)
	if got := told.of("refused"); !slices.Equal(got, []string{r.rule}) {
		t.Errorf("refused by %v, want %s", got, r.rule)
	}
	if got := strings.Join(told.of("decided"), " "); got != r.decided {
		t.Errorf("decided by %q, want %q", got, r.decided)
	}
}

// Whatever the controller refuses, explain says before that it would: with the same reason and message, and by the rule that did.
func TestExplainSaysWhatTheControllerDoes(t *testing.T) {
	played := map[string]bool{"CustomRunCancelled": true}
	for _, r := range refusals {
		t.Run(r.name, func(t *testing.T) { r.play(&T{t, Default}) })
		played[r.reason] = true
	}
	// Of these a decision knows nothing: they come of what is made after it.
	later := []string{v1alpha1.ReasonTokenRefused, v1alpha1.ReasonFederationRobotMissing, v1alpha1.ReasonFederationMissing, v1alpha1.ReasonFederationIssuerMismatch,
		v1alpha1.ReasonFederationSubjectMismatch, v1alpha1.ReasonFederationAudienceMismatch, v1alpha1.ReasonFederationTokenExpired,
		v1alpha1.ReasonFederationTokenInvalid, v1alpha1.ReasonFederationIssuerUnreachable, v1alpha1.ReasonFederationUnsupported,
		v1alpha1.ReasonFederationUnreachable, v1alpha1.ReasonFederationRefused, v1alpha1.ReasonSecretRefused, v1alpha1.ReasonTaskRunNameConflict, v1alpha1.ReasonTaskRunRefused, v1alpha1.ReasonTaskOutdated,
		v1alpha1.ReasonResultsMissing, v1alpha1.ReasonResultsUnproven, v1alpha1.ReasonTaskRunDeleted,
		// These come of what the registry is asked.
		v1alpha1.ReasonRobotRefused, v1alpha1.ReasonPushDenied, v1alpha1.ReasonRepositoryMissing, v1alpha1.ReasonQuotaExceeded, v1alpha1.ReasonRegistryReadOnly,
		v1alpha1.ReasonRegistryUnreachable, v1alpha1.ReasonPreflightFailed, v1alpha1.ReasonReceiptNotWritten}
	source, err := os.ReadFile("../../pkg/apis/quay/v1alpha1/names.go")
	if err != nil {
		t.Fatal(err)
	}
	reasons := regexp.MustCompile(`(?m)^\tReason\w+ += "(\w+)"$`).FindAllStringSubmatch(string(source), -1)
	if len(reasons) < 20 {
		t.Errorf("%d reasons", len(reasons))
	}
	for _, reason := range reasons {
		if !played[reason[1]] && !slices.Contains(later, reason[1]) {
			t.Errorf("no run is refused with %s", reason[1])
		}
	}
}
