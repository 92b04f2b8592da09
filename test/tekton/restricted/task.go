package restricted

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tektoncd/pipeline/pkg/apis/config"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline"
	v1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	"github.com/tektoncd/pipeline/pkg/pod"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

// namespace and account are where a run is, and what it runs as.
const namespace, account = "apps-payments-checkout", "pipeline"

// Tasks returns the spec of every Task and StepAction below dir, by "<kind> <name>". A StepAction is the one step of a Task.
func Tasks(dir string) (map[string]v1.TaskSpec, error) {
	all, err := documents(dir)
	if err != nil {
		return nil, err
	}
	tasks := map[string]v1.TaskSpec{}
	for path, document := range all {
		content, err := json.Marshal(document)
		if err != nil {
			return nil, err
		}
		var object metav1.PartialObjectMetadata
		var task v1.Task
		var action v1beta1.StepAction
		if err := json.Unmarshal(content, &object); err != nil {
			return nil, fmt.Errorf("reading %q: %w", path, err)
		}
		switch object.Kind {
		case "Task":
			err = json.Unmarshal(content, &task)
		case "StepAction":
			err = json.Unmarshal(content, &action)
			spec := action.Spec
			task.Spec.Steps = []v1.Step{{
				Name: object.Name, Image: spec.Image, Command: spec.Command, Args: spec.Args, Env: spec.Env,
				SecurityContext: spec.SecurityContext, VolumeMounts: spec.VolumeMounts,
			}}
		default:
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading %q: %w", path, err)
		}
		tasks[object.Kind+" "+object.Name] = task.Spec
	}
	return tasks, nil
}

// Pod is the Pod that Tekton makes of a Task: by its own code, with its own containers. With secure its feature flag
// set-security-context is on, which gives those a security context.
func Pod(ctx context.Context, task v1.TaskSpec, secure bool) (*corev1.Pod, error) {
	flags, err := config.NewFeatureFlagsFromMap(map[string]string{"set-security-context": fmt.Sprint(secure)})
	if err != nil {
		return nil, err
	}
	settings := config.FromContextOrDefaults(ctx)
	settings.FeatureFlags = flags
	ctx = config.ToContext(ctx, settings)
	builder := pod.Builder{
		Images:     pipeline.Images{EntrypointImage: "tekton/entrypoint", NopImage: "tekton/nop", ShellImage: "tekton/shell", WorkingDirInitImage: "tekton/workingdirinit"},
		KubeClient: fake.NewClientset(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: account, Namespace: namespace}}),
	}
	run := &v1.TaskRun{ObjectMeta: metav1.ObjectMeta{Name: "run", Namespace: namespace}, Spec: v1.TaskRunSpec{ServiceAccountName: account}}
	return builder.Build(ctx, run, task)
}
