package tenancy

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fakedynamic "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

const robotName = "quay-robot-team-payments"

// paying is the decision for team payments.
func paying() tenant.Decision {
	c := tenant.Default()
	c.Registry = "quay.example.com"
	return tenant.Decision{Team: "payments", Names: c.Names("payments")}
}

func robotSecretOf(robot string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "custody", Name: robotName}, Type: corev1.SecretTypeDockerConfigJson,
		Data: map[string][]byte{corev1.DockerConfigJsonKey: fmt.Appendf(nil, `{"auths":{"quay.example.com":{"username":%q,"password":"S3CR3T"}}}`, robot)}}
}

func accountOf(namespace string, annotations map[string]string) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: robotName, Annotations: annotations}}
}

// held asks what team payments has in custody, in a cluster with the objects that answers a get of the resources with errors.
func held(t *testing.T, errs map[string]error, objects ...runtime.Object) (Holding, error) {
	t.Helper()
	client := fake.NewClientset(objects...)
	for resource, err := range errs {
		client.PrependReactor("get", resource, func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, err })
	}
	cluster := &Cached{Kube: client, Dynamic: fakedynamic.NewSimpleDynamicClient(runtime.NewScheme())}
	return Held(t.Context(), cluster, "custody", "quay.example.com/team-payments/checkout", paying())
}

// A team has a Secret or, in its place, a ServiceAccount that is one of its own robots. One elsewhere is nobody's.
func TestHeld(t *testing.T) {
	got, err := held(t, nil, robotSecretOf("team-payments+ci"), accountOf("apps", map[string]string{v1alpha1.AnnotationRobot: "team-payments+ci"}))
	if err != nil || got.Account != nil || got.Credential.Username != "team-payments+ci" {
		t.Errorf("with a Secret: %+v, %v", got, err)
	}
	got, err = held(t, nil, accountOf("custody", map[string]string{v1alpha1.AnnotationRobot: "team-payments+ci"}))
	if err != nil || got.Account == nil || *got.Account != (Account{"custody", robotName, "team-payments+ci"}) || got.Credential.Username != "" {
		t.Errorf("with a ServiceAccount: %+v, %v", got, err)
	}
}

// The robot that replaced the one of onboarding is the team's; an earlier one, and another team's, is not taken.
func TestHeldSuccessor(t *testing.T) {
	account := func(onboarded, successor string) *corev1.ServiceAccount {
		return accountOf("custody", map[string]string{v1alpha1.AnnotationRobot: onboarded, v1alpha1.AnnotationSuccessor: successor})
	}
	for successor, want := range map[string]string{"team-payments+ci-4": "team-payments+ci-4", "team-payments+ci-3": "team-payments+ci-3", "team-payments+ci-2": "team-payments+ci-3"} {
		got, err := held(t, nil, account("team-payments+ci-3", successor))
		if err != nil || got.Account == nil || got.Account.Robot != want {
			t.Errorf("successor %q: %+v, %v", successor, got, err)
		}
	}
	_, err := held(t, nil, account("team-payments+ci", "team-platform+ci-2"))
	var refused *SecretError
	if !errors.As(err, &refused) || refused.Reason != v1alpha1.ReasonKeylessInvalid || !strings.Contains(err.Error(), `names robot "team-platform+ci-2"`) {
		t.Errorf("another team's: %v", err)
	}
}

// What is wrong is told with its reason, and nothing of the Secret.
func TestHeldRefuses(t *testing.T) {
	robot := func(name string) *corev1.ServiceAccount {
		return accountOf("custody", map[string]string{v1alpha1.AnnotationRobot: name})
	}
	forbidden := func(resource string) map[string]error {
		return map[string]error{resource: apierrs.NewForbidden(corev1.Resource(resource), robotName, errors.New("no right"))}
	}
	for name, test := range map[string]struct {
		errs         map[string]error
		objects      []runtime.Object
		reason, says string
	}{
		"neither":                 {nil, nil, v1alpha1.ReasonSecretMissing, `team "payments" has no Secret "quay-robot-team-payments" in namespace "custody"`},
		"both":                    {nil, []runtime.Object{robot("team-payments+ci"), robotSecretOf("team-payments+ci")}, v1alpha1.ReasonKeylessConflict, "delete the Secret"},
		"both, and of no use":     {nil, []runtime.Object{robot("team-platform+ci"), robotSecretOf("team-platform+ci")}, v1alpha1.ReasonKeylessConflict, "has both"},
		"no annotations":          {nil, []runtime.Object{accountOf("custody", nil)}, v1alpha1.ReasonKeylessInvalid, "has no annotation quay.comptech-lab.com/robot"},
		"another team's robot":    {nil, []runtime.Object{robot("team-platform+ci")}, v1alpha1.ReasonKeylessInvalid, "federation entry, team-payments+<name>"},
		"a robot of no kind":      {nil, []runtime.Object{robot("team-payments+deploy")}, v1alpha1.ReasonKeylessInvalid, `robot "team-payments+deploy", which is not one of team "payments"`},
		"a longer team's robot":   {nil, []runtime.Object{robot("team-payments-b+ci")}, v1alpha1.ReasonKeylessInvalid, "is not one of team"},
		"a name without end":      {nil, []runtime.Object{robot("team-payments+" + strings.Repeat("x", 1000))}, v1alpha1.ReasonKeylessInvalid, strings.Repeat("x", 80)},
		"a Secret out of reach":   {forbidden("secrets"), []runtime.Object{robot("team-payments+ci")}, v1alpha1.ReasonSecretUnreadable, "the controller may not read Secret"},
		"an account, no right":    {forbidden("serviceaccounts"), []runtime.Object{robot("team-payments+ci")}, v1alpha1.ReasonSecretMissing, "if the team is keyless: the controller may not read ServiceAccount"},
		"another team's Secret":   {nil, []runtime.Object{robotSecretOf("team-platform+ci")}, v1alpha1.ReasonSecretInvalid, `holds robot "team-platform+ci"`},
		"name and token swapped":  {nil, []runtime.Object{robotSecretOf("S3CR3TINPLACEOFTHENAME")}, v1alpha1.ReasonSecretInvalid, "holds a user by a name of 22 bytes that is no robot's, team \"payments\" pushes with"},
		"that, without the right": {forbidden("serviceaccounts"), []runtime.Object{robotSecretOf("team-platform+ci")}, v1alpha1.ReasonSecretInvalid, `holds robot "team-platform+ci"`},
	} {
		got, err := held(t, test.errs, test.objects...)
		var refused *SecretError
		if !errors.As(err, &refused) || refused.Reason != test.reason || !strings.Contains(err.Error(), test.says) || len(err.Error()) > 500 || strings.Contains(err.Error(), "S3CR3T") {
			t.Errorf("%s: %v, want %s that says %q", name, err, test.reason, test.says)
		}
		if got.Account != nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// An API server that fails says nothing of the team, and is asked again.
func TestHeldFails(t *testing.T) {
	slow := apierrs.NewInternalError(errors.New("etcd is slow"))
	for resource, says := range map[string]string{"serviceaccounts": `reading ServiceAccount "quay-robot-team-payments"`, "secrets": `reading Secret "quay-robot-team-payments"`} {
		_, err := held(t, map[string]error{resource: slow}, accountOf("custody", map[string]string{v1alpha1.AnnotationRobot: "team-payments+ci"}))
		if FailureOf(err) != nil || !apierrs.IsInternalError(err) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", resource, err)
		}
	}
}
