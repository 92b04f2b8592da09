//go:build e2e

package e2e

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/test/stage"
)

// admissionCosts is what the policies of a shared namespace may add to the creation of a PipelineRun.
const admissionCosts = 20 * time.Millisecond

// The same run is created, as a dry run, in turns where the policies look at it and where they don't.
func TestAdmissionIsCheap(t *testing.T) {
	ctx := within(t, 3*time.Minute)
	const pairs = 60
	battlefield(t)
	client, free := dynamicAs(t, attackerUser), freeNamespace(t, ctx)
	create := func(namespace string) time.Duration {
		run := edited(t, honestRun, `{"metadata":{"namespace":"`+namespace+`"}}`)
		start := time.Now()
		if _, err := client.Resource(kindOf(run)).Namespace(namespace).Create(ctx, run, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
			t.Fatal(err)
		}
		return time.Since(start)
	}
	for _, namespace := range []string{free, stage.SharedNamespace} {
		create(namespace) // The first of a connection.
	}
	var with, without []time.Duration
	for range pairs {
		without = append(without, create(free))
		with = append(with, create(stage.SharedNamespace))
	}
	guarded, unguarded := median(with), median(without)
	t.Logf("median of %d: guarded %s, unguarded %s, difference %s (ratio %.2f)", pairs, guarded, unguarded, guarded-unguarded, guarded.Seconds()/unguarded.Seconds())
	if guarded-unguarded >= admissionCosts {
		t.Errorf("the policies add %s to the creation of a run, want less than %s", guarded-unguarded, admissionCosts)
	}
	if err := (verdicts{honest: honestRun}).create(t, ctx, client, `{"metadata":{"name":"nameless"}}`); !refusedByPolicy(err) {
		t.Errorf("the policies did not deny: %v", err)
	}
}

// freeNamespace makes a namespace that no policy guards, where the attacker may create runs, until the end of the test.
func freeNamespace(t *testing.T, ctx context.Context) string {
	t.Helper()
	made, err := s.Kube.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-free-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Kube.CoreV1().Namespaces().Delete(context.Background(), made.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	grantFrom(t, made.Name, stage.SharedNamespace, attackerAccount, rule("tekton.dev", "pipelineruns", "create"))
	return made.Name
}
