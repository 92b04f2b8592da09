package cli_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/externalsecret"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// failing has External Secrets fail for team payments, with these Events of objects by their UID.
func (w *world) failing(events ...corev1.Event) {
	w.Helper()
	object := w.externalSecret("payments").DeepCopy()
	object.SetUID("payments")
	if err := w.dynamic.Tracker().Update(externalsecret.Resource, object, shared); err != nil {
		w.Fatal(err)
	}
	w.setReady(object, "False", "SecretSyncedError", "could not get secret data from provider")
	for i, e := range events {
		e.Namespace, e.Name = shared, string(rune('a'+i))
		if err := w.kube.Tracker().Add(&e); err != nil {
			w.Fatal(err)
		}
	}
}

// event is one of the object with that UID, minutes after others.
func event(uid types.UID, kind string, minutes int, message string) corev1.Event {
	return corev1.Event{InvolvedObject: corev1.ObjectReference{UID: uid}, Type: kind, Message: message,
		LastTimestamp: metav1.NewTime(time.Date(2026, 11, 29, 12, minutes, 0, 0, time.UTC))}
}

// ready is what verify says of team payments' ExternalSecret.
func (w *world) ready() robot.Check {
	w.Helper()
	exit, stdout, stderr := w.run(w.Context(), "", "verify", "payments", "-o", "json")
	var found struct{ Reports []robot.Report }
	if err := json.Unmarshal([]byte(stdout), &found); err != nil || exit != cli.ExitNotReady {
		w.Fatalf("exit %d, want %d: %v\n%s", exit, cli.ExitNotReady, err, stderr)
	}
	for _, c := range found.Reports[0].Checks {
		if c.ID == "external-secret" {
			return c
		}
	}
	w.Fatal("verify does not look at the ExternalSecret")
	return robot.Check{}
}

// The condition of an ExternalSecret hardly ever says why it failed: External Secrets writes that into Events.
func TestVerifyReadsTheNewestWarning(t *testing.T) {
	w := newWorld(t)
	w.onboard("payments")
	w.failing(event("payments", "Warning", 1, "secret is immutable"),
		event("payments", "Warning", 3, "cannot read:\nCode: 403. Errors:\n\n* \x1b[31mnamespace not authorized "+strings.Repeat("x", 900)),
		event("payments", "Normal", 4, "invalid role"), event("platform", "Warning", 5, "permission denied"), event("payments", "Warning", 2, "permission denied"))
	c := w.ready()
	const want = `could not get secret data from provider", its last warning is "cannot read: Code: 403. Errors: * [31mnamespace not authorized xxx`
	if !strings.Contains(c.Detail, want) || len(c.Detail) > 800 || !strings.Contains(c.Next, "bound_service_account_namespaces") {
		t.Errorf("it says %+v, want %q", c, want)
	}
}

// New recorders write the time elsewhere.
func TestVerifyReadsTheNewestWarningOfASeries(t *testing.T) {
	w := newWorld(t)
	w.onboard("payments")
	at := func(e corev1.Event) metav1.MicroTime { return metav1.NewMicroTime(e.LastTimestamp.Time) }
	once, often := event("payments", "Warning", 2, "permission denied"), event("payments", "Warning", 3, "secret is immutable")
	once.EventTime, once.LastTimestamp = at(once), metav1.Time{}
	often.Series, often.LastTimestamp = &corev1.EventSeries{LastObservedTime: at(often)}, metav1.Time{}
	w.failing(often, event("payments", "Warning", 1, "invalid role"), once)
	if c := w.ready(); !strings.Contains(c.Detail, `its last warning is "secret is immutable"`) {
		t.Errorf("it says %+v", c)
	}
}

// Who may not list Events hears what the condition says.
func TestVerifyWithoutEvents(t *testing.T) {
	for name, err := range map[string]error{
		"no right":  apierrs.NewForbidden(corev1.Resource("events"), "", errors.New("no")),
		"no answer": errors.New("connection refused"),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.onboard("payments")
			w.failing(event("payments", "Warning", 1, "permission denied"))
			w.kube.PrependReactor("list", "events", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, err })
			if c := w.ready(); c.Detail != `SecretSyncedError "could not get secret data from provider"` || !strings.Contains(c.Next, "see its Events") {
				t.Errorf("it says %+v", c)
			}
		})
	}
}
