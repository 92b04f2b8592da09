package cli_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/externalsecret"
)

// finalizer is External Secrets' own, since v0.20.
const finalizer = "externalsecrets.external-secrets.io/externalsecret-cleanup"

// finalized has the ExternalSecret of team payments stay when it is deleted, for as many looks as that.
func (w *world) finalized(looks int) {
	w.Helper()
	object := w.externalSecret("payments").DeepCopy()
	object.SetFinalizers([]string{finalizer})
	if err := w.dynamic.Tracker().Update(externalsecret.Resource, object, shared); err != nil {
		w.Fatal(err)
	}
	deleted := false
	w.dynamic.PrependReactor("delete", "externalsecrets", func(clienttesting.Action) (bool, runtime.Object, error) {
		deleted = true
		return true, nil, nil
	})
	w.dynamic.PrependReactor("get", "externalsecrets", func(clienttesting.Action) (bool, runtime.Object, error) {
		if deleted && looks == 0 {
			deleted = false
			_ = w.dynamic.Tracker().Delete(externalsecret.Resource, shared, "quay-robot-team-payments")
		} else if deleted {
			looks--
		}
		return false, nil, nil
	})
}

// What offboard says to be deleted is gone: the next verify does not find it on its way out.
func TestOffboardWaitsForTheFinalizer(t *testing.T) {
	w := newWorld(t)
	w.onboard("payments")
	w.finalized(3)
	w.must("offboard", "payments", "--yes", "--apply")
	list, err := w.dynamic.Resource(externalsecret.Resource).Namespace(shared).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) > 0 {
		t.Errorf("there are %d ExternalSecrets, %v", len(list.Items), err)
	}
}

// While External Secrets is away nobody takes the finalizer off.
func TestOffboardSaysWhatHoldsAnObject(t *testing.T) {
	w := newWorld(t)
	w.onboard("payments")
	w.finalized(1000)
	exit, _, stderr := w.run(t.Context(), "", "offboard", "payments", "--yes", "--apply")
	if exit != cli.ExitTimeout || !strings.Contains(stderr, "deleting ExternalSecret "+shared+"/quay-robot-team-payments: its finalizers [\""+finalizer+"\"] are still there") ||
		!strings.Contains(stderr, "see that whoever put them there runs") {
		t.Errorf("exit %d\n%s", exit, stderr)
	}
}
