package simulator

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/apis"
	"knative.dev/pkg/kmeta"
)

// writers is how many requests the simulator has under way at a time when it makes many objects.
const writers = 16

// Each calls do for 0 to n-1, a few at a time, and tells of every thousandth.
func Each(ctx context.Context, n int, tell func(done int), do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	var done atomic.Int64
	for i := range n {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			err := do(ctx, i)
			if now := done.Add(1); now%1000 == 0 && tell != nil {
				tell(int(now))
			}
			return err
		})
	}
	return group.Wait()
}

// CreateForeign makes a CustomRun of another controller's kind, which waits for that one.
func (t *Tekton) CreateForeign(ctx context.Context, tenant Tenant, name string) error {
	object := newCustomRun(tenant, name, name, Foreign)
	_, err := t.client.TektonV1beta1().CustomRuns(tenant.Namespace).Create(ctx, object, metav1.CreateOptions{})
	return err
}

// CreateFinished makes a CustomRun of kind that has ended as a push does, and its TaskRun if withTaskRun. Nobody may run who
// would answer it meanwhile.
func (t *Tekton) CreateFinished(ctx context.Context, tenant Tenant, name string, kind Kind, withTaskRun bool) error {
	customRuns := t.client.TektonV1beta1().CustomRuns(tenant.Namespace)
	object := newCustomRun(tenant, name, name, kind)
	made, err := customRuns.Create(ctx, object, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	now := metav1.NewTime(time.Now())
	made.Status.StartTime, made.Status.CompletionTime = &now, &now
	made.Status.SetCondition(&apis.Condition{Type: apis.ConditionSucceeded, Status: corev1.ConditionTrue, Reason: "Succeeded",
		Message: fmt.Sprintf("pushed; log: tkn taskrun logs %s --namespace %s", name, tenant.Namespace)})
	for _, result := range results(tenant.repository()) {
		made.Status.Results = append(made.Status.Results, v1beta1.CustomRunResult{Name: result.Name, Value: result.Value.StringVal})
	}
	if err := made.Status.EncodeExtraFields(map[string]any{
		"team": tenant.Team, "organization": tenant.Organization, "rule": "namespace-label", "secret": "quay-robot-" + tenant.Organization,
		"taskRun": map[string]any{"name": name, "uid": "00000000-0000-0000-0000-000000000000"},
	}); err != nil {
		return err
	}
	if made, err = customRuns.UpdateStatus(ctx, made, metav1.UpdateOptions{}); err != nil || !withTaskRun {
		return err
	}
	task := newTaskRun(tenant, name)
	task.OwnerReferences = []metav1.OwnerReference{*kmeta.NewControllerRef(made)}
	if task, err = t.client.TektonV1().TaskRuns(tenant.Namespace).Create(ctx, task, metav1.CreateOptions{}); err != nil {
		return err
	}
	for _, write := range profile(t.task, tenant.repository()) {
		write(&task.Status, now)
	}
	_, err = t.client.TektonV1().TaskRuns(tenant.Namespace).UpdateStatus(ctx, task, metav1.UpdateOptions{})
	return err
}
