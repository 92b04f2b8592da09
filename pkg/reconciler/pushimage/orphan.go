package pushimage

import (
	"context"
	"fmt"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
)

// orphans are the CustomRuns that have a TaskRun in custody: one that went away while nobody led left it behind.
func (r *Reconciler) orphans() (keys []types.NamespacedName) {
	for _, task := range r.inCustody(r.config()) {
		if key, ok := customRunOf(task); ok {
			keys = append(keys, key)
		}
	}
	return keys
}

func (r *Reconciler) inCustody(c *config.Config) []*pipelinev1.TaskRun {
	if c.CustodyNamespace == "" {
		return nil
	}
	tasks, _ := r.taskRuns.TaskRuns(c.CustodyNamespace).List(labels.Everything()) // A cache has no error.
	return tasks
}

// ObserveDeletion implements reconciler.OnDeletionInterface: it deletes what a CustomRun that is gone has in custody, as
// Kubernetes does where an owner reference leads. A push that still runs ends with it.
func (r *Reconciler) ObserveDeletion(ctx context.Context, gone types.NamespacedName) error {
	for _, task := range r.inCustody(r.config()) {
		if key, ok := customRunOf(task); !ok || key != gone {
			continue
		}
		live, err := r.tekton.TektonV1beta1().CustomRuns(gone.Namespace).Get(ctx, gone.Name, metav1.GetOptions{})
		switch {
		case err == nil && copyName(live.UID) == task.Name && customrun.Is(live, v1alpha1.KindPushImage):
			// The cache is behind. One that was made another kind's is as good as gone: nobody would look at it again.
			continue
		case err != nil && !apierrs.IsNotFound(err):
			return fmt.Errorf("reading CustomRun %q: %w", gone, err)
		}
		if err := r.deleteCopy(ctx, task.Namespace, task.Name); err != nil {
			return err
		}
	}
	return nil
}

// deleteCopy deletes a TaskRun in custody, whose name is one CustomRun's alone; one that is gone is no error.
func (r *Reconciler) deleteCopy(ctx context.Context, namespace, name string) error {
	err := r.tekton.TektonV1().TaskRuns(namespace).Delete(ctx, name, metav1.DeleteOptions{})
	if err != nil && !apierrs.IsNotFound(err) {
		return fmt.Errorf("deleting TaskRun %q: %w", name, err)
	}
	return nil
}
