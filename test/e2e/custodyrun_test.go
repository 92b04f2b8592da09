//go:build e2e

package e2e

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/stage"
)

// leftover is how long a run, or its Secret, may still be there where no event tells of its end: the controller looks again after ten
// seconds, and the rest is for a machine that is busy.
const leftover = 30 * time.Second

// TestCustody takes the payments robot into custody, and pushes from a namespace that has no Secret.
func TestCustody(t *testing.T) {
	ctx := within(t, 8*time.Minute)
	claim := imageVolume(t, ctx)
	start := func(t *testing.T) *pipelinev1.PipelineRun {
		t.Helper()
		run := stage.From(claim, stage.NewPush(stage.Payments, stage.Payments.Repository))
		run, err := s.Tekton.TektonV1().PipelineRuns(run.Namespace).Create(ctx, run, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return run
	}
	// ended waits for the end of run, and checks that its Secret was gone before.
	ended := func(t *testing.T, run *pipelinev1.PipelineRun) {
		t.Helper()
		run, err := s.Wait(ctx, run)
		if err != nil {
			t.Fatal(err)
		}
		if outcome := stage.Outcome(run.Status.Conditions); outcome.Status != corev1.ConditionTrue {
			t.Errorf("%s: %s", outcome.Reason, outcome.Message)
		}
		if left := runSecrets(t, ctx, stage.Payments.Namespace); len(left) > 0 {
			t.Errorf("%v are left", left)
		}
	}
	takeIntoCustody(t, ctx, stage.Payments)
	seen := watchSecrets(t, ctx, stage.Payments.Namespace)

	t.Run("refused without the right", func(t *testing.T) {
		refused(t, ctx, stage.NewPush(stage.Payments, stage.Payments.Repository), v1alpha1.ReasonSecretRefused, "config/custody/", stage.Payments.Namespace)
	})
	bindCustody(t, ctx, stage.Payments)
	t.Run("a push", func(t *testing.T) {
		run := start(t)
		ended(t, run)
		custom, err := s.CustomRunOf(ctx, run)
		if err != nil {
			t.Fatal(err)
		}
		secret := seen.wait(t, ctx, run)
		if want := stage.Payments.Secret + "." + string(custom.UID); secret.Name != want || secret.Immutable == nil || !*secret.Immutable ||
			secret.Labels[v1alpha1.LabelTeam] != stage.Payments.Team || len(secret.OwnerReferences) != 1 || secret.OwnerReferences[0].UID != custom.UID {
			t.Errorf("the run's Secret is %+v, want %q", secret.ObjectMeta, want)
		}
		content := string(secret.Data[corev1.DockerConfigJsonKey])
		if strings.Count(content, `"auth":`) != 1 || !strings.Contains(content, s.Quay.Host+"/team-payments") {
			t.Errorf("it has not one entry for %s/team-payments", s.Quay.Host)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		run := start(t)
		seen.wait(t, ctx, run)
		if _, err := s.Tekton.TektonV1().PipelineRuns(run.Namespace).Patch(ctx, run.Name, types.MergePatchType, []byte(`{"spec":{"status":"Cancelled"}}`), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		// The PipelineRun does not wait for its CustomRun.
		wantGone(t, ctx, stage.Payments.Namespace)
	})
	t.Run("deleted", func(t *testing.T) {
		run := start(t)
		seen.wait(t, ctx, run)
		if err := s.Tekton.TektonV1().PipelineRuns(run.Namespace).Delete(ctx, run.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		wantGone(t, ctx, stage.Payments.Namespace)
	})
	t.Run("every replica killed", func(t *testing.T) {
		run := start(t)
		seen.wait(t, ctx, run)
		if err := s.Kube.CoreV1().Pods("quay-push").DeleteCollection(ctx, metav1.DeleteOptions{GracePeriodSeconds: new(int64)},
			metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=controller"}); err != nil {
			t.Fatal(err)
		}
		ended(t, run)
	})
	t.Run("the controller's rights", testCustodyRights)
}

// testCustodyRights tries with the controller's name what the controller never does.
func testCustodyRights(t *testing.T) {
	ctx, ns := within(t, time.Minute), stage.Payments.Namespace
	config := rest.CopyConfig(s.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:quay-push:controller"}
	controller, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	own, err := s.Kube.CoreV1().Secrets(ns).Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{GenerateName: "own-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Kube.CoreV1().Secrets(ns).Delete(context.Background(), own.Name, metav1.DeleteOptions{}) })
	secrets := controller.CoreV1().Secrets(ns)
	if err := secrets.Delete(ctx, own.Name, metav1.DeleteOptions{}); !apierrs.IsInvalid(err) {
		t.Errorf("deleting a tenant's Secret: %v, want Invalid", err)
	}
	for name, secret := range map[string]*corev1.Secret{
		"another name":   {ObjectMeta: metav1.ObjectMeta{Name: "another"}},
		"another team's": {ObjectMeta: metav1.ObjectMeta{Name: stage.Platform.Secret + ".uid"}},
		"without a run":  {ObjectMeta: metav1.ObjectMeta{Name: stage.Payments.Secret + ".uid"}, Type: corev1.SecretTypeDockerConfigJson, Immutable: new(true), Data: map[string][]byte{corev1.DockerConfigJsonKey: []byte("{}")}},
		"a ServiceAccount's": {ObjectMeta: metav1.ObjectMeta{Name: stage.Payments.Secret + ".uid", Annotations: map[string]string{corev1.ServiceAccountNameKey: "default"}},
			Type: corev1.SecretTypeServiceAccountToken},
	} {
		if _, err := secrets.Create(ctx, secret, metav1.CreateOptions{}); !apierrs.IsInvalid(err) {
			t.Errorf("creating a Secret, %s: %v, want Invalid", name, err)
		}
	}
	for _, ns := range []string{ns, stage.Custody} {
		if _, err := controller.CoreV1().Secrets(ns).List(ctx, metav1.ListOptions{}); !apierrs.IsForbidden(err) {
			t.Errorf("listing the Secrets of %s: %v, want Forbidden", ns, err)
		}
	}
	if _, err := secrets.Get(ctx, own.Name, metav1.GetOptions{}); !apierrs.IsForbidden(err) {
		t.Errorf("reading a tenant's Secret: %v, want Forbidden", err)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "thief"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "x", Image: "x", SecurityContext: &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(false), RunAsNonRoot: new(true), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}}}}}}
	if _, err := s.Kube.CoreV1().Pods(stage.Custody).Create(ctx, pod, metav1.CreateOptions{}); !apierrs.IsForbidden(err) || !strings.Contains(err.Error(), "quota") {
		t.Errorf("a Pod in custody: %v, want the quota's refusal", err)
	}
}

// takeIntoCustody has the tenants' robots in custody until the end of the test.
func takeIntoCustody(t *testing.T, ctx context.Context, tenants ...stage.Tenant) {
	t.Helper()
	t.Cleanup(func() {
		if err := s.Release(within(t, time.Minute), tenants...); err != nil {
			t.Error(err)
		}
	})
	if err := s.TakeIntoCustody(ctx, tenants...); err != nil {
		t.Fatal(err)
	}
}

func bindCustody(t *testing.T, ctx context.Context, tenant stage.Tenant) {
	t.Helper()
	if err := s.BindCustody(ctx, tenant); err != nil {
		t.Fatal(err)
	}
}

// runSecrets returns the names of the runs' Secrets that are in the namespace now.
func runSecrets(t *testing.T, ctx context.Context, namespace string) (names []string) {
	t.Helper()
	secrets, err := s.Kube.CoreV1().Secrets(namespace).List(ctx, metav1.ListOptions{LabelSelector: v1alpha1.LabelTeam})
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range secrets.Items {
		names = append(names, secret.Name)
	}
	return names
}

// wantGone waits until no run's Secret is there.
func wantGone(t *testing.T, ctx context.Context, namespace string) {
	t.Helper()
	start := time.Now()
	for len(runSecrets(t, ctx, namespace)) > 0 {
		if time.Since(start) > leftover {
			t.Errorf("%v are left after %s", runSecrets(t, ctx, namespace), leftover)
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Logf("gone after %.1fs", time.Since(start).Seconds())
}

// secretLog is every Secret that was made in a namespace. It is safe for concurrent use.
type secretLog struct {
	sync.Mutex
	all []*corev1.Secret
}

// watchSecrets records until ctx ends.
func watchSecrets(t *testing.T, ctx context.Context, namespace string) *secretLog {
	t.Helper()
	w, err := s.Kube.CoreV1().Secrets(namespace).Watch(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	log := &secretLog{}
	go func() {
		for event := range w.ResultChan() {
			if secret, ok := event.Object.(*corev1.Secret); ok && event.Type == watch.Added {
				log.Lock()
				log.all = append(log.all, secret)
				log.Unlock()
			}
		}
	}()
	return log
}

// wait returns the Secret that was made for run's CustomRun, once it is.
func (l *secretLog) wait(t *testing.T, ctx context.Context, run *pipelinev1.PipelineRun) *corev1.Secret {
	t.Helper()
	for {
		l.Lock()
		for _, secret := range l.all {
			if len(secret.OwnerReferences) == 1 && secret.OwnerReferences[0].Name == run.Name+"-push" {
				l.Unlock()
				return secret
			}
		}
		l.Unlock()
		select {
		case <-ctx.Done():
			t.Fatalf("no Secret was made for %s", run.Name)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
