package runlog

import (
	"context"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/apis"
)

// taskRun is a TaskRun of the run, or the one that a custom task made.
type taskRun struct {
	reference
	at time.Time
}

func (t taskRun) begun() time.Time { return t.at }

// print prints the Pod of each try.
func (t taskRun) print(ctx context.Context, f *Follower) error {
	printed := map[string]bool{}
	var told string
	for {
		run, err := f.Tekton.TektonV1().TaskRuns(t.namespace).Get(ctx, t.name, metav1.GetOptions{})
		if apierrs.IsNotFound(err) {
			f.tell(t.task, "its TaskRun was deleted, and the log with it")
			return nil
		} else if err != nil {
			return t.reading(err)
		}
		for _, pod := range pods(run) {
			if printed[pod] {
				continue
			}
			if err := f.pod(ctx, t.reference, pod); err != nil {
				return err
			}
			printed[pod] = true
		}
		c := run.Status.GetCondition(apis.ConditionSucceeded)
		if run.IsDone() {
			if c.IsFalse() {
				f.tell(t.task, c.Reason+": "+c.Message)
			}
			return nil
		}
		if !f.Wait {
			return nil
		}
		if c != nil && c.Message != told && run.Status.PodName == "" {
			told = c.Message
			f.tell(t.task, "waiting: "+told)
		}
		if err := f.pause(ctx); err != nil {
			return err
		}
	}
}

// pods are the Pods of a TaskRun's tries, the first first.
func pods(run *pipelinev1.TaskRun) (names []string) {
	for _, retry := range run.Status.RetriesStatus {
		if retry.PodName != "" {
			names = append(names, retry.PodName)
		}
	}
	if run.Status.PodName != "" {
		names = append(names, run.Status.PodName)
	}
	return names
}
