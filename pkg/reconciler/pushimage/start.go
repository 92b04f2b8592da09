package pushimage

import (
	"context"
	"fmt"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	"knative.dev/pkg/controller"

	"github.com/comptech-lab/quay-push/pkg/reconciler/request"
	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// start decides whose run it is, and makes the TaskRun. Nothing of a tenant's is touched before the decision.
func (r *Reconciler) start(ctx context.Context, v view) error {
	run, c := v.run, v.config
	q, err := request.Read(run)
	if err != nil {
		return err
	}
	if v.state.Waiting && !r.turns.take(run, v.custody()) {
		return controller.NewRequeueAfter(unseen)
	}
	d, owner, err := tenancy.Resolve(ctx, r.owners, c, run, q.Params, r.clock.Now())
	tenancy.RecordDecision(ctx, r.metrics, d, err)
	if err != nil {
		return err
	}
	if err := q.CheckGated(c.GateOf(d.Team)); err != nil {
		return err
	}
	if err := r.newest(ctx, run); err != nil {
		return err
	}
	secret, err := r.secret(ctx, q, d, c)
	tenancy.RecordCheck(ctx, r.metrics, d, err)
	if err != nil {
		return r.exchanging(ctx, v, d, err)
	}
	want := newTaskRun(q, owner, d, secret, c)
	if q.Copies() {
		want = newCopy(q, owner, d, c)
	}
	if err := r.checkGated(ctx, want); err != nil {
		return err
	}
	if q.Copies() && !r.turns.take(run, v.custody()) {
		return r.wait(ctx, run, d)
	}
	task, err := r.create(ctx, run, want)
	if err != nil {
		return err
	}
	if task.IsDone() || task.IsCancelled() {
		// This try came late, perhaps from a leader that is none any more: whoever ends the run may have been here already.
		if err := r.withdraw(ctx, v); err != nil {
			return err
		}
	}
	run.Status.StartTime = nil // It starts now, however long it waited.
	s := newState(run, d, task, secret, q.Gate(c.GateOf(d.Team)))
	s.Receipt = originOf(run, owner, c)
	if err := run.Status.EncodeExtraFields(s); err != nil {
		return fmt.Errorf("recording the decision: %w", err)
	}
	if err := r.status.Running(ctx, run, message("pushing to "+q.Image(), task)); err != nil {
		return err
	}
	if wait := timeout(run); wait > 0 {
		return controller.NewRequeueAfter(wait)
	}
	return nil
}

// wait tells that the run waits for its turn in custody. Its time is not running yet.
func (r *Reconciler) wait(ctx context.Context, run *v1beta1.CustomRun, d tenant.Decision) error {
	s := decided(d)
	s.Waiting = true
	if err := run.Status.EncodeExtraFields(s); err != nil {
		return fmt.Errorf("recording the decision: %w", err)
	}
	if err := r.status.Running(ctx, run, "waiting for its turn: as many pushes from a registry are under way as may be at once, of namespace "+
		run.Namespace+" or of all; it starts by itself, and its timeout counts from then"); err != nil {
		return err
	}
	return controller.NewRequeueAfter(unseen)
}
