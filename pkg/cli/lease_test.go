package cli

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	fakekube "k8s.io/client-go/kubernetes/fake"

	"github.com/comptech-lab/quay-push/pkg/robot"
)

// leaseConnection has a cluster in which a Lease is good for three seconds.
func leaseConnection(kube *fakekube.Clientset) *connection {
	p := New()
	p.Lease = 3 * time.Second
	p.Cluster = func() (Clients, error) { return Clients{Kube: kube}, nil }
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
