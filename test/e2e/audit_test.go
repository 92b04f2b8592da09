//go:build e2e

package e2e

import (
	"context"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
	"github.com/comptech-lab/quay-push/test/stage"
)

// audit has the guards of shared namespaces only note what they would refuse, for as long as do takes. Each of probes is a dry run that
// a guard refuses: the API server reads the bindings through a cache.
func audit(t *testing.T, ctx context.Context, do func(), probes ...func(context.Context) error) {
	t.Helper()
	act := func(action admissionv1.ValidationAction) {
		t.Helper()
		for _, name := range tenancy.Guards {
			setAction(t, name, action)
		}
	}
	settled := func(what string, refused bool) {
		t.Helper()
		waiting, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer stop()
		waitUntil(t, waiting, what, func() bool {
			for _, probe := range probes {
				if refusedByPolicy(probe(waiting)) != refused {
					return false
				}
			}
			return true
		})
	}
	settled("the policies deny", true)
	defer func() {
		act(admissionv1.Deny)
		settled("the policies deny again", true)
	}()
	act(admissionv1.Audit)
	settled("the policies only audit", false)
	do()
}

// guardProbes are for each of the guards a request that it alone refuses, made by the attacker of the shared namespace or by Tekton.
func guardProbes(t *testing.T, attacker, tekton dynamic.Interface) []func(context.Context) error {
	probe := func(client dynamic.Interface, honest, edit string) func(context.Context) error {
		return func(ctx context.Context) error {
			return verdicts{honest: honest}.create(t, ctx, client, edit)
		}
	}
	const taskRun = `
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {generateName: platform--probe-, namespace: ` + stage.SharedNamespace + `, labels: {apps.platform/team: platform}}
spec: {taskRef: {name: build-image}}
`
	return []func(context.Context) error{
		probe(attacker, honestRun, `{"metadata":{"name":"payments--honest","labels":{"apps.platform/team":"payments"}}}`), // tenant-label
		probe(attacker, honestRun, `{"metadata":{"name":"nameless"}}`),                                                    // pipelinerun
		probe(attacker, taskRun, `{}`),                                        // child
		probe(tekton, honestPod, `{"spec":{"serviceAccountName":"default"}}`), // pod
	}
}

// setAction has the policy's binding of the same name do something else, also when the test's time is over.
func setAction(t *testing.T, name string, action admissionv1.ValidationAction) {
	t.Helper()
	patch := []byte(`{"spec":{"validationActions":["` + string(action) + `"]}}`)
	_, err := s.Kube.AdmissionregistrationV1().ValidatingAdmissionPolicyBindings().Patch(context.Background(), name, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		t.Error(err)
	}
}
