package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/argoproj/argo-cd/gitops-engine/v3/pkg/sync"
	"github.com/argoproj/argo-cd/gitops-engine/v3/pkg/sync/common"
	"github.com/argoproj/argo-cd/gitops-engine/v3/pkg/utils/kube"
	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// step is how often Argo CD looks whether an operation can go on.
const step = time.Second

// Sync does what Argo CD does when somebody presses Sync once, with the sync option
// CreateNamespace=true: it tries every object, applies wave after wave, each
// after those of the one before are healthy, and prunes nothing. After each wave it calls applied with its number, unless that is nil.
// An error has what Argo CD says of the operation and of each object that it could not apply.
func (c *Cluster) Sync(ctx context.Context, a *Application, applied func(wave int) error) error {
	began := metav1.Now()
	phase, message, results := common.OperationRunning, "", []common.ResourceSyncResult(nil)
	// Each step has a context of its own, which takes up what is running, as in argoproj/argo-cd:controller/sync.go, SyncAppState.
	for !phase.Completed() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("syncing %q: %s: %w", a.Name, message, ctx.Err())
		case <-time.After(step):
		}
		state, err := c.reconcile(ctx, a)
		if err != nil {
			return fmt.Errorf("syncing %q: %w", a.Name, err)
		}
		operation, cleanup, err := sync.NewSyncContext("", state, c.config, c.config, c.kubectl, a.Namespace,
			sync.WithLogr(logr.Discard()), sync.WithNamespaceModifier(createNamespace), sync.WithInitialState(phase, message, results, began),
			sync.WithSyncWaveHook(func(_ common.SyncPhase, wave int, _ bool) error {
				if applied == nil {
					return nil
				}
				return applied(wave)
			}))
		if err != nil {
			return fmt.Errorf("syncing %q: %w", a.Name, err)
		}
		operation.Sync(ctx)
		phase, message, results = operation.GetState()
		cleanup()
	}
	if phase.Successful() {
		return nil
	}
	errs := []error{fmt.Errorf("syncing %q: %s: %s", a.Name, phase, message)}
	for _, r := range results {
		if r.Status != common.ResultCodeSynced || r.HookPhase.Failed() {
			errs = append(errs, fmt.Errorf("%s: %s: %s", r.ResourceKey, r.Status, r.Message))
		}
	}
	return errors.Join(errs...)
}

// createNamespace makes the destination's namespace where there is none, as argoproj/argo-cd:controller/sync_namespace.go does.
func createNamespace(namespace, live *unstructured.Unstructured) (bool, error) {
	return namespace != nil && live == nil, nil
}

// reconcile says what of the Application is on the cluster.
func (c *Cluster) reconcile(ctx context.Context, a *Application) (sync.ReconciliationResult, error) {
	live := map[kube.ResourceKey]*unstructured.Unstructured{}
	for _, desired := range a.Objects {
		object, err := c.get(ctx, desired)
		if err != nil {
			return sync.ReconciliationResult{}, err
		}
		if object != nil {
			live[kube.GetResourceKey(desired)] = object
		}
	}
	scopes, err := c.scopes()
	if err != nil {
		return sync.ReconciliationResult{}, err
	}
	return sync.Reconcile(a.Objects, live, a.Namespace, scopes), nil
}
