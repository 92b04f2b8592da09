package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"

	"github.com/comptech-lab/quay-push/pkg/robot"
)

// errLeaseLost ends what was done under a Lease that could not be renewed.
var errLeaseLost = errors.New("the Lease could not be renewed, somebody else may have it by now")

// exclusively does work while it holds the Lease of the team's credential, so that no two of us work on it at once. It waits
// until a dead holder's Lease has run out, and no longer: a live one is an error.
func (c *connection) exclusively(ctx context.Context, team string, work func(context.Context) error) error {
	clients, err := c.cluster()
	if c.leases != nil {
		if err = c.leases.lost; err != nil {
			err = fmt.Errorf("cluster %q, where the Lease of team %q is: %w", c.leases.name, team, err)
		} else {
			clients = c.leases.view.Clients
		}
	}
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	began := make(chan struct{})
	lock := &watchedLock{Interface: &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: systemNamespace, Name: "credential-" + team},
		Client:     clients.Kube.CoordinationV1(),
		LockConfig: resourcelock.ResourceLockConfig{Identity: host + "/" + rand.Text()},
	}, began: began, cancel: cancel}
	result := make(chan error, 1)
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: lock, LeaseDuration: c.program.Lease, RenewDeadline: c.program.Lease * 2 / 3, RetryPeriod: c.program.Lease / 8,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) {
				close(began)
				result <- work(ctx)
				cancel(nil)
			},
			OnStoppedLeading: func() { cancel(errLeaseLost) },
		},
	})
	if err != nil {
		return err
	}
	waiting := time.AfterFunc(c.program.Lease*5/4, func() {
		select {
		case <-began:
		default:
			cancel(lock.notHad())
		}
	})
	defer waiting.Stop()
	// What the library logs is for programs that run for days.
	elector.Run(klog.NewContext(ctx, klog.Logger{}))
	select {
	case <-began:
		err := <-result
		if err != nil && errors.Is(context.Cause(ctx), errLeaseLost) {
			return &robot.Error{Reason: robot.ReasonConflict, Problem: errLeaseLost.Error(), Err: err, Next: "run it again: it goes on from here"}
		}
		return err
	default:
		return context.Cause(ctx)
	}
}
