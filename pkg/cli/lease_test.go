package cli

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	fakekube "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comptech-lab/quay-push/pkg/robot"
)

// leaseConnection has a cluster in which a Lease is good for three seconds.
func leaseConnection(kube *fakekube.Clientset) *connection {
	p := New()
	p.Lease = 3 * time.Second
	p.Cluster = func(string) (Clients, error) { return Clients{Kube: kube}, nil }
	return &connection{program: p}
}

// While one works on a team's credential, the second is told so; another team is free, and afterwards the first one is, too.
func TestExclusively(t *testing.T) {
	t.Parallel()
	kube := fakekube.NewClientset()
	began, end, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- leaseConnection(kube).exclusively(t.Context(), "payments", func(ctx context.Context) error {
			close(began)
			<-end
			return ctx.Err()
		})
	}()
	<-began
	never := func(context.Context) error { t.Error("two work on one credential"); return nil }
	err := leaseConnection(kube).exclusively(t.Context(), "payments", never)
	e := (*robot.Error)(nil)
	if !errors.As(err, &e) || e.Reason != robot.ReasonConflict || !strings.Contains(err.Error(), `Lease "quay-push/credential-payments" is held by "`) {
		t.Errorf("error is %v", err)
	}
	ran := 0
	count := func(context.Context) error { ran++; return nil }
	if err := leaseConnection(kube).exclusively(t.Context(), "platform", count); err != nil {
		t.Error(err)
	}
	close(end)
	if err := <-done; err != nil {
		t.Errorf("the first one lost its Lease: %v", err)
	}
	if err := leaseConnection(kube).exclusively(t.Context(), "payments", count); err != nil || ran != 2 {
		t.Errorf("afterwards: %v, %d", err, ran)
	}
}

// The Lease of a holder that died is waited for, and taken.
func TestExclusivelyAfterADeadHolder(t *testing.T) {
	t.Parallel()
	now := metav1.NewMicroTime(time.Now())
	kube := fakekube.NewClientset(&coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: "credential-payments"},
		Spec: coordinationv1.LeaseSpec{HolderIdentity: new("dead"), LeaseDurationSeconds: new(int32(1)), AcquireTime: &now, RenewTime: &now}})
	failed := errors.New("as told")
	if err := leaseConnection(kube).exclusively(t.Context(), "payments", func(context.Context) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("error is %v", err)
	}
}

// Whoever gives up while waiting is told why it waited no longer, and nothing was begun.
func TestExclusivelyIsCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := leaseConnection(fakekube.NewClientset()).exclusively(ctx, "payments", func(ctx context.Context) error { return context.Cause(ctx) })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

// refusing has the API server answer a verb on Leases with err.
func refusing(verb string, err error) *fakekube.Clientset {
	kube := fakekube.NewClientset()
	kube.PrependReactor(verb, "leases", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, err })
	return kube
}

// Who lacks the right, or whose cluster has no such namespace, is told so at once: nothing comes of asking again.
func TestExclusivelyWithoutTheRight(t *testing.T) {
	t.Parallel()
	leases := schema.GroupResource{Group: "coordination.k8s.io", Resource: "leases"}
	held := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: "credential-payments"}, Spec: coordinationv1.LeaseSpec{HolderIdentity: new("")}}
	for name, test := range map[string]struct {
		verb     string
		err      error
		exit     Exit
		next     string
		existing bool
	}{
		"may not get":    {"get", apierrs.NewForbidden(leases, "x", errors.New("no")), ExitNoRight, `get the right to get, create and update Leases in namespace "quay-push"`, false},
		"may not create": {"create", apierrs.NewForbidden(leases, "x", errors.New("no")), ExitNoRight, `get the right to get, create and update Leases in namespace "quay-push"`, false},
		"may not update": {"update", apierrs.NewForbidden(leases, "x", errors.New("no")), ExitNoRight, `get the right to get, create and update Leases in namespace "quay-push"`, true},
		"stale login":    {"get", apierrs.NewUnauthorized("no"), ExitNoRight, "log in to the cluster again", false},
		"no namespace":   {"create", apierrs.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "quay-push"), ExitMissing, `install quay-push first (docs/install.md): the Lease is in its namespace "quay-push"`, false},
	} {
		t.Run(name, func(t *testing.T) {
			kube := refusing(test.verb, test.err)
			if test.existing {
				if err := kube.Tracker().Add(held.DeepCopy()); err != nil {
					t.Fatal(err)
				}
			}
			c := leaseConnection(kube)
			c.program.Lease = time.Hour // At once means without waiting for it.
			err := c.exclusively(t.Context(), "payments", func(context.Context) error { t.Error("it works without the Lease"); return nil })
			if exit := exitOf(t.Context(), err); exit != test.exit || nextOf(err) != test.next || !strings.Contains(err.Error(), test.err.Error()) {
				t.Errorf("exit %d: %v\nnext: %s", exit, err, nextOf(err))
			}
		})
	}
}

// Where no answer came, that is why the Lease was not had, and nobody holds it.
func TestExclusivelyWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	down := &url.Error{Op: "Get", URL: "https://127.0.0.1:1", Err: errors.New("connection refused")}
	c := leaseConnection(refusing("get", down))
	err := c.exclusively(t.Context(), "payments", func(context.Context) error { t.Error("it works without the Lease"); return nil })
	if !errors.Is(err, down) || !strings.HasPrefix(err.Error(), `getting Lease "quay-push/credential-payments": `) {
		t.Errorf("error is %v", err)
	}
}
