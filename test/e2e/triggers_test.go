//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	tekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/comptech-lab/quay-push/pkg/tenant"
	"github.com/comptech-lab/quay-push/test/docs"
	"github.com/comptech-lab/quay-push/test/stage"
)

// listenersHome is the namespace of team payments in which its listener is.
const listenersHome = "payments-listener"

// caller is what an EventListener's Pod is to the API server: a client with the token of its ServiceAccount, and nothing else.
type caller struct {
	tekton tekton.Interface
	kube   kubernetes.Interface
}

// openListener makes the team's namespace with the listener's account, until the end of the test.
func openListener(t *testing.T, ctx context.Context) caller {
	t.Helper()
	const account = "trigger"
	forget(t, ctx, listenersHome)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: listenersHome, Labels: map[string]string{"apps.platform/team": stage.Payments.Team}}}
	if _, err := s.Kube.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	putAccount(t, ctx, listenersHome, account, false)
	// As push-as-payments of docs/shared-namespace.md, and start-runs of docs/triggers.md.
	grantFrom(t, stage.SharedNamespace, listenersHome, account, useOf(stage.Payments.Team))
	grantFrom(t, stage.SharedNamespace, listenersHome, account, rule("tekton.dev", "pipelineruns", "create get list watch"))
	grantFrom(t, stage.Payments.Namespace, listenersHome, account, rule("tekton.dev", "pipelineruns", "create"))
	seconds := int64(600)
	token, err := s.Kube.CoreV1().ServiceAccounts(listenersHome).CreateToken(ctx, account,
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	config := rest.AnonymousClientConfig(s.Config)
	config.BearerToken = token.Status.Token
	var l caller
	if l.tekton, err = tekton.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	if l.kube, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	return l
}

// templated returns the run that the page's TriggerTemplate makes for one event, with the labels that Triggers adds
// (tektoncd/triggers pkg/resources/create.go).
func templated(t *testing.T, name string) *pipelinev1.PipelineRun {
	t.Helper()
	for _, block := range pages(t, "yaml") {
		documents, err := docs.Documents(block)
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range documents {
			object, ok := document.(docs.Object)
			if !ok || filepath.Base(block.Page) != "triggers.md" || object["kind"] != "TriggerTemplate" || object["metadata"].(docs.Object)["name"] != name {
				continue
			}
			encoded, err := json.Marshal(object["spec"].(docs.Object)["resourcetemplates"].([]any)[0])
			if err != nil {
				t.Fatal(err)
			}
			text := strings.NewReplacer("$(tt.params.commit)", "0123456789abcdef0123456789abcdef01234567", "quay.example.com", s.Quay.Host,
				`"openshift-pipelines"`, `"`+stage.SharedNamespace+`"`).Replace(string(encoded))
			run := &pipelinev1.PipelineRun{}
			if err := json.Unmarshal([]byte(text), run); err != nil {
				t.Fatal(err)
			}
			if run.Labels == nil {
				run.Labels = map[string]string{}
			}
			run.Labels["triggers.tekton.dev/eventlistener"], run.Labels["triggers.tekton.dev/trigger"] = "checkout", "main"
			run.Labels["triggers.tekton.dev/triggers-eventid"] = "0b0c5e3c-0000-4000-8000-000000000000"
			return run
		}
	}
	t.Fatalf("no page has the TriggerTemplate %q", name)
	return nil
}

// create has the listener create the run; for tries nothing is kept.
func (l caller) create(ctx context.Context, run *pipelinev1.PipelineRun, dry bool) (*pipelinev1.PipelineRun, error) {
	options := metav1.CreateOptions{}
	if dry {
		options.DryRun = []string{metav1.DryRunAll}
	}
	return l.tekton.TektonV1().PipelineRuns(run.Namespace).Create(ctx, run, options)
}

// A plain ServiceAccount in the place of an EventListener's starts its team's runs, and no other's.
func TestTriggersAccount(t *testing.T) {
	ctx := within(t, 5*time.Minute)
	l := openListener(t, ctx)
	shared := stage.Tenant{Namespace: stage.SharedNamespace}
	if err := s.PutSecret(ctx, shared, stage.Payments.Secret, corev1.SecretTypeDockerConfigJson, s.Quay.Dockerconfig(stage.Payments.Team)); err != nil {
		t.Fatal(err)
	}
	cleanSecret(t, stage.SharedNamespace, stage.Payments.Secret)
	for name, want := range map[string]struct {
		namespace string
		rule      tenant.Rule
	}{
		"build-in-shared-namespace": {stage.SharedNamespace, tenant.RuleSharedNamespace},
		"build-in-own-namespace":    {stage.Payments.Namespace, tenant.RuleNamespace},
	} {
		t.Run(name, func(t *testing.T) {
			run := templated(t, name)
			if run.Namespace != want.namespace {
				t.Fatalf("it is in %q", run.Namespace)
			}
			if _, err := l.create(ctx, run.DeepCopy(), true); err != nil {
				t.Fatalf("the page's run: %v", err)
			}
			// For good with the Pipeline that needs no Git server.
			run.Spec.PipelineRef.Name = "build-and-push-image"
			run.Spec.Params = pipelinev1.Params{{Name: "image-ref", Value: *pipelinev1.NewStructuredValues(stage.Payments.Repository)}, {Name: "tag", Value: *pipelinev1.NewStructuredValues("triggered")}}
			made, err := l.create(ctx, run, false)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				_ = s.Tekton.TektonV1().PipelineRuns(made.Namespace).Delete(context.Background(), made.Name, metav1.DeleteOptions{})
			})
			if made, err = s.Wait(ctx, made); err != nil {
				t.Fatal(err)
			}
			if outcome := stage.Outcome(made.Status.Conditions); outcome.Status != corev1.ConditionTrue {
				t.Errorf("the run: %s: %s", outcome.Reason, outcome.Message)
			}
			custom, err := s.CustomRunOf(ctx, made)
			if err != nil {
				t.Fatal(err)
			}
			var decided struct{ Team, Rule string }
			if err := custom.Status.DecodeExtraFields(&decided); err != nil || decided.Team != stage.Payments.Team || decided.Rule != string(want.rule) {
				t.Errorf("decided %+v, %v; want team payments by %s", decided, err, want.rule)
			}
		})
	}
	t.Run("no other team's", func(t *testing.T) { l.wantRefused(t, ctx) })
}

// wantRefused checks what the listener may not do.
func (l caller) wantRefused(t *testing.T, ctx context.Context) {
	shared := func(edit func(run *pipelinev1.PipelineRun)) func() error {
		return func() error {
			run := templated(t, "build-in-shared-namespace")
			edit(run)
			_, err := l.create(ctx, run, true)
			return err
		}
	}
	task := &pipelinev1.TaskRun{ObjectMeta: metav1.ObjectMeta{GenerateName: "payments--"}, Spec: pipelinev1.TaskRunSpec{TaskRef: &pipelinev1.TaskRef{Name: "build-image"}}}
	for name, test := range map[string]struct {
		try  func() error
		is   func(error) bool
		says string
	}{
		"another team's label": {shared(func(run *pipelinev1.PipelineRun) {
			run.GenerateName, run.Labels["apps.platform/team"] = "platform--build-", "platform"
		}), apierrs.IsInvalid, "may not push as team platform"},
		"another team's name": {shared(func(run *pipelinev1.PipelineRun) { run.GenerateName = "platform--build-" }), apierrs.IsInvalid, "a PipelineRun of team payments is named payments--<name>"},
		"a Pipeline of its own": {shared(func(run *pipelinev1.PipelineRun) {
			run.Spec.PipelineRef, run.Spec.PipelineSpec = nil, stage.NewPush(stage.Payments, stage.Payments.Repository).Spec.PipelineSpec
		}), apierrs.IsInvalid, "spec.pipelineSpec"},
		"another team's namespace": {func() error {
			run := templated(t, "build-in-own-namespace")
			run.Namespace = stage.Platform.Namespace
			_, err := l.create(ctx, run, true)
			return err
		}, apierrs.IsForbidden, ""},
		"a TaskRun": {func() error {
			_, err := l.tekton.TektonV1().TaskRuns(stage.SharedNamespace).Create(ctx, task, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
			return err
		}, apierrs.IsForbidden, ""},
		"a CustomRun": {func() error {
			custom := &v1beta1.CustomRun{ObjectMeta: metav1.ObjectMeta{GenerateName: "payments--"}, Spec: forged(stage.Payments, metav1.OwnerReference{}).Spec}
			_, err := l.tekton.TektonV1beta1().CustomRuns(stage.SharedNamespace).Create(ctx, custom, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
			return err
		}, apierrs.IsForbidden, ""},
		"the robot's Secret": {func() error {
			_, err := l.kube.CoreV1().Secrets(stage.SharedNamespace).Get(ctx, stage.Payments.Secret, metav1.GetOptions{})
			return err
		}, apierrs.IsForbidden, ""},
	} {
		if err := test.try(); err == nil || !test.is(err) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want it refused and to say %q", name, err, test.says)
		}
	}
}
