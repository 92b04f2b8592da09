//go:build e2e

package e2e

import (
	"context"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/test/stage"
)

// publish puts a Pipeline into the shared namespace, as the platform does, until the end of the test.
func publish(t *testing.T, name string, spec pipelinev1.PipelineSpec) {
	t.Helper()
	pipelines := s.Tekton.TektonV1().Pipelines(stage.SharedNamespace)
	if _, err := pipelines.Create(within(t, time.Minute), &pipelinev1.Pipeline{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pipelines.Delete(context.Background(), name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
}

// published has the run refer to the Pipeline that is inside of it, as a Pipeline of the platform's.
func published(t *testing.T, name string, run *pipelinev1.PipelineRun) *pipelinev1.PipelineRun {
	t.Helper()
	publish(t, name, *run.Spec.PipelineSpec)
	run.Spec.PipelineSpec, run.Spec.PipelineRef = nil, &pipelinev1.PipelineRef{Name: name}
	return run
}
