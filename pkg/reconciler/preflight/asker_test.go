package preflight

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
)

// newQuay returns a Quay with team-a/app, and what has the entry of a robot that may push to it.
func newQuay(t *testing.T) (*quaytest.Quay, func(context.Context) (dockerconfig.Match, error)) {
	t.Helper()
	q := quaytest.Start(t)
	q.AddOrganization("team-a")
	q.AddRepository("team-a", "app")
	q.AddRobot("team-a", "ci")
	q.Grant("team-a/app", "team-a+ci", quaytest.Write)
	file, err := dockerconfig.Parse(q.Dockerconfig("team-a+ci"))
	if err != nil {
		t.Fatal(err)
	}
	entry, err := file.For(q.Host(), "team-a/app")
	if err != nil {
		t.Fatal(err)
	}
	return q, func(context.Context) (dockerconfig.Match, error) { return entry, nil }
}

// hang has the registry answer nobody, and tells of each request.
func hang(q *quaytest.Quay) <-chan struct{} {
	asked := make(chan struct{}, 100)
	q.Faults.Add(quaytest.Fault{Name: "hung", Times: -1, Effect: func(_ *quaytest.Quay, _ http.ResponseWriter, r *http.Request, _ http.Handler) {
		asked <- struct{}{}
		<-r.Context().Done()
	}})
	return asked
}

// A registry that hangs holds no more than a few threads, and each for a bounded time.
func TestAtOnce(t *testing.T) {
	q, entry := newQuay(t)
	asked := hang(q)
	a := New(q.CAFile())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, atOnce)
	for range atOnce {
		go func() { ended <- a.Ask(ctx, q.Host()+"/team-a/app", false, entry) }()
	}
	for range atOnce {
		<-asked
	}
	unasked := func(context.Context) (dockerconfig.Match, error) {
		t.Error("a credential is made for a question that has no turn")
		return entry(t.Context())
	}
	if err := a.Ask(t.Context(), q.Host()+"/team-a/app", false, unasked); !errors.Is(err, ErrBusy) {
		t.Errorf("one more: %v, want it to be told so", err)
	}
	cancel()
	for range atOnce {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("at the end of the controller: %v", err)
		}
	}
	q.Faults.Clear()
	if err := a.Ask(t.Context(), q.Host()+"/team-a/app:v1", false, entry); err != nil {
		t.Errorf("the places are not given back: %v", err)
	}
}

func TestPatience(t *testing.T) {
	q, entry := newQuay(t)
	hang(q)
	a := New(q.CAFile())
	a.patience = 50 * time.Millisecond
	err := a.Ask(t.Context(), q.Host()+"/team-a/app", false, entry)
	var s *customrun.Setback
	want := "QP004 timeout: " + q.Host() + " gave no answer within 50ms"
	if !errors.As(err, &s) || !s.Passing || s.Reason != v1alpha1.ReasonRegistryUnreachable || s.Message[:min(len(s.Message), len(want))] != want {
		t.Errorf("%v, want one that passes and says %q", err, want)
	}
}

// A name that no push takes is refused without a request, and in no case a class ends without a reason and a next step.
func TestReasons(t *testing.T) {
	q, entry := newQuay(t)
	var s *customrun.Setback
	if err := New(q.CAFile()).Ask(t.Context(), q.Host()+"/team-a/App", true, entry); !errors.As(err, &s) || s.Reason != v1alpha1.ReasonInvalidParams || s.Passing {
		t.Errorf("%v", err)
	}
	if n := len(q.Requests()); n > 0 {
		t.Errorf("%d requests", n)
	}
	for class := range reasons {
		if (class == failure.Class{}) {
			t.Error("a reason is of no class")
		}
	}
	for class := range next {
		if reasons[class] == "" && class != failure.ClassForeignHost {
			t.Errorf("%s has a next step and no reason", class.Name)
		}
	}
}

// An authority that the controller does not trust is nothing that passes.
func TestTrust(t *testing.T) {
	q, entry := newQuay(t)
	var s *customrun.Setback
	if err := New("").Ask(t.Context(), q.Host()+"/team-a/app", false, entry); !errors.As(err, &s) || s.Passing || s.Reason != v1alpha1.ReasonRegistryUnreachable || s.Next != next[failure.ClassCertificate] {
		t.Errorf("%+v, %v", s, err)
	}
}

// Without a credential nobody is asked.
func TestNoCredential(t *testing.T) {
	q, _ := newQuay(t)
	none := errors.New("none")
	err := New(q.CAFile()).Ask(t.Context(), q.Host()+"/team-a/app", true, func(context.Context) (dockerconfig.Match, error) { return dockerconfig.Match{}, none })
	if err != none || len(q.Requests()) > 0 {
		t.Errorf("%v, %d requests", err, len(q.Requests()))
	}
}

// A repository that the robot does not see is right where the push may create it, and nothing else is that.
func TestAllowNew(t *testing.T) {
	q, entry := newQuay(t)
	q.AddRepository("team-a", "other")
	q.Grant("team-a/other", "team-a+ci", quaytest.Read)
	a := New(q.CAFile())
	for _, row := range []struct {
		repository string
		allowNew   bool
		reason     string
	}{{"app", false, ""}, {"app", true, ""}, {"none", false, v1alpha1.ReasonRepositoryMissing}, {"none", true, ""}, {"other", false, v1alpha1.ReasonPushDenied}, {"other", true, v1alpha1.ReasonPushDenied}} {
		err := a.Ask(t.Context(), q.Host()+"/team-a/"+row.repository, row.allowNew, entry)
		reason := ""
		if setback := (*customrun.Setback)(nil); errors.As(err, &setback) {
			reason = setback.Reason
		}
		if reason != row.reason || (err == nil) != (row.reason == "") {
			t.Errorf("%s, new ones allowed %t: %v, want %q", row.repository, row.allowNew, err, row.reason)
		}
	}
}
