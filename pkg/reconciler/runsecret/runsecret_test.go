package runsecret

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

const name = reconcilertest.Secret + ".uid-1"

var payments = tenant.Decision{Team: "payments", Names: convention().Names("payments")}

func newRun() *v1beta1.CustomRun {
	run := reconcilertest.NewCustomRun(reconcilertest.Namespace, reconcilertest.Pipeline, reconcilertest.Run, v1alpha1.KindPushImage)
	run.UID = "uid-1"
	return run
}

// issue makes the Secret of newRun, for robot, in a cluster with the objects.
func issue(t *testing.T, robot string, objects ...runtime.Object) (*fake.Clientset, error) {
	t.Helper()
	client := fake.NewClientset(objects...)
	got, err := Issuer{Client: client}.Create(t.Context(), newRun(), payments, dockerconfig.NewCredential(robot, secret.New(reconcilertest.Token)))
	if err == nil && got != name {
		t.Errorf("name %q, want %q", got, name)
	}
	return client, err
}

func copied(t *testing.T, client *fake.Clientset) *corev1.Secret {
	t.Helper()
	secret, err := client.CoreV1().Secrets(reconcilertest.Namespace).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// The whole Secret, with an entry for the team's organization alone.
func TestCreate(t *testing.T) {
	client, err := issue(t, "team-payments+ci")
	if err != nil {
		t.Fatal(err)
	}
	got := copied(t, client)
	file := got.Data[corev1.DockerConfigJsonKey]
	want := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: reconcilertest.Namespace, Labels: map[string]string{"quay.comptech-lab.com/team": "payments"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "tekton.dev/v1beta1", Kind: "CustomRun", Name: reconcilertest.Run, UID: "uid-1"}}},
		Type: corev1.SecretTypeDockerConfigJson, Immutable: new(true), Data: map[string][]byte{corev1.DockerConfigJsonKey: file},
	}
	got.ManagedFields, got.TypeMeta = nil, metav1.TypeMeta{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Secret (-want +got):\n%s", diff)
	}
	var content struct{ Auths map[string]any }
	if err := json.Unmarshal(file, &content); err != nil || len(content.Auths) != 1 {
		t.Errorf("%d entries, %v, want one", len(content.Auths), err)
	}
	config, err := dockerconfig.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	match, err := config.For(reconcilertest.Host, "team-payments/checkout")
	if err != nil || match.Key != reconcilertest.Host+"/team-payments" || match.Credential.Username != "team-payments+ci" {
		t.Errorf("entry %+v, %v", match, err)
	}
	if match.Credential.Authorization().Redact(reconcilertest.Token) == reconcilertest.Token {
		t.Error("the copy has another token")
	}
	if _, err := config.For(reconcilertest.Host, "team-platform/app"); !errors.Is(err, dockerconfig.ErrNoEntry) {
		t.Errorf("an entry for another organization: %v", err)
	}
}

// A Secret of that name that is there already is never used: it may be a tenant's, or have a token that is burnt.
func TestCreateReplaces(t *testing.T) {
	there := reconcilertest.NewSecret(reconcilertest.Namespace, name, "team-platform+ci")
	client, err := issue(t, "team-payments+ci-b", there)
	if err != nil {
		t.Fatal(err)
	}
	// These are all the rights that it needs.
	var actions []string
	for _, a := range client.Actions() {
		actions = append(actions, a.GetVerb()+" in "+a.GetNamespace())
	}
	want := []string{"create in apps-payments-checkout", "delete in apps-payments-checkout", "create in apps-payments-checkout"}
	if diff := cmp.Diff(want, actions); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	config, err := dockerconfig.Parse(copied(t, client).Data[corev1.DockerConfigJsonKey])
	if err != nil {
		t.Fatal(err)
	}
	if match, err := config.For(reconcilertest.Host, payments.Organization); err != nil || match.Credential.Username != "team-payments+ci-b" {
		t.Errorf("entry %+v, %v", match, err)
	}
}

// Nothing is made where the API server makes nothing.
func TestCreateFails(t *testing.T) {
	client := fake.NewClientset()
	client.PrependReactor("create", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrs.NewInternalError(errors.New("etcd is slow"))
	})
	_, err := Issuer{Client: client}.Create(t.Context(), newRun(), payments, dockerconfig.NewCredential("team-payments+ci", secret.New(reconcilertest.Token)))
	if err == nil || !strings.Contains(err.Error(), `creating Secret "`+name+`"`) || strings.Contains(err.Error(), reconcilertest.Token) {
		t.Errorf("Create = %v", err)
	}
}

func TestDelete(t *testing.T) {
	client := fake.NewClientset(reconcilertest.NewSecret(reconcilertest.Namespace, name, "team-payments+ci"))
	issuer := Issuer{Client: client}
	for range 2 {
		if err := issuer.Delete(t.Context(), reconcilertest.Namespace, name); err != nil {
			t.Error(err)
		}
	}
	client.PrependReactor("delete", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrs.NewInternalError(errors.New("etcd is slow"))
	})
	if err := issuer.Delete(t.Context(), reconcilertest.Namespace, name); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("Delete = %v", err)
	}
}

// Two runs never share a Secret, and the name is a legal one for the longest team.
func TestName(t *testing.T) {
	run := newRun()
	run.UID = "0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
	long := Name(run, convention().Names(strings.Repeat("x", 47)))
	if len(long) > 253 {
		t.Errorf("%d characters", len(long))
	}
	if Name(run, payments.Names) == Name(newRun(), payments.Names) {
		t.Error("two runs have one name")
	}
}

func convention() tenant.Convention {
	c := tenant.Default()
	c.Registry = "quay.apps.sub.comptech-lab.com"
	return c
}
