package runlog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	faketekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned/fake"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fakekube "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"

	"github.com/comptech-lab/quay-push/pkg/runlog"
)

// noon is when everything begins.
var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

const namespace = "apps-payments"

// world is a cluster with one run.
type world struct {
	testing.TB
	kube     *fakekube.Clientset
	tekton   *faketekton.Clientset
	run      *pipelinev1.PipelineRun
	out, err bytes.Buffer
	wait     bool
	// logs are what the containers say, by Pod and container; each is served once, then the next, and the last for ever.
	logs map[string][]io.Reader
	// opened are the options with which logs were opened.
	opened []corev1.PodLogOptions
	// meanwhile is what happens, one after the other, each time the run is read.
	meanwhile []func()
}

func newWorld(t testing.TB) *world {
	w := &world{TB: t, kube: fakekube.NewClientset(), tekton: faketekton.NewSimpleClientset(), wait: true, logs: map[string][]io.Reader{},
		run: &pipelinev1.PipelineRun{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "build"}}}
	w.tekton.PrependReactor("get", "pipelineruns", func(clienttesting.Action) (bool, runtime.Object, error) {
		if len(w.meanwhile) > 0 {
			w.meanwhile[0]()
			w.meanwhile = w.meanwhile[1:]
		}
		return true, w.run.DeepCopy(), nil
	})
	return w
}

// follow follows the run; what waits for ever ends with the test's time.
func (w *world) follow(ctx context.Context) (*pipelinev1.PipelineRun, error) {
	return w.followTo(ctx, &w.out)
}

func (w *world) followTo(ctx context.Context, out io.Writer) (*pipelinev1.PipelineRun, error) {
	f := &runlog.Follower{Kube: w.kube, Tekton: w.tekton, Open: w.open, Poll: time.Millisecond, Wait: w.wait, Out: out, Err: &w.err}
	return f.Follow(ctx, namespace, "build")
}

func (w *world) open(_ context.Context, namespace, pod string, options *corev1.PodLogOptions) (io.ReadCloser, error) {
	w.opened = append(w.opened, *options)
	key := pod + "/" + options.Container
	left := w.logs[key]
	if len(left) == 0 {
		return nil, apierrs.NewNotFound(corev1.Resource("pods"), pod)
	}
	if len(left) > 1 {
		w.logs[key] = left[1:]
	}
	return io.NopCloser(left[0]), nil
}

// log is what a container says: a line each second from noon on.
func log(lines ...string) io.Reader { return strings.NewReader(stamped(lines...)) }

func stamped(lines ...string) string {
	text := ""
	for i, line := range lines {
		text += noon.Add(time.Duration(i)*time.Second).Format(time.RFC3339Nano) + " " + line + "\n"
	}
	return text
}

// breaking is what a connection brings that breaks at its end.
func breaking(text string) io.Reader {
	return io.MultiReader(strings.NewReader(text), failing{})
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("connection reset by peer") }

// child adds a child to the run.
func (w *world) child(kind, name, task string) {
	c := pipelinev1.ChildStatusReference{Name: name, PipelineTaskName: task}
	c.Kind = kind
	w.run.Status.ChildReferences = append(w.run.Status.ChildReferences, c)
}

// taskRun adds an ended TaskRun with a Pod whose steps say what logs has.
func (w *world) taskRun(in, name, pod string, after time.Duration, steps ...string) *pipelinev1.TaskRun {
	w.Helper()
	run := &pipelinev1.TaskRun{ObjectMeta: metav1.ObjectMeta{Namespace: in, Name: name, CreationTimestamp: metav1.NewTime(noon.Add(after))}}
	run.Status.PodName = pod
	run.Status.Conditions = condition(corev1.ConditionTrue, "Succeeded", "all is well")
	must(w, w.tekton.Tracker().Add(run))
	w.pod(in, pod, corev1.PodSucceeded, steps...)
	return run
}

// pod adds a Pod whose steps have ended.
func (w *world) pod(in, name string, phase corev1.PodPhase, steps ...string) {
	w.Helper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: in, Name: name}, Status: corev1.PodStatus{Phase: phase}}
	for _, step := range append(steps, "sidecar") {
		container := "step-" + step
		if step == "sidecar" {
			container = "sidecar-proxy"
		}
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: container})
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{Name: container,
			State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}})
	}
	must(w, w.kube.Tracker().Add(pod))
}

// customRun adds a CustomRun with a condition; made is the TaskRun that the controller recorded, <namespace>/<name>.
func (w *world) customRun(name, kind string, after time.Duration, made string, ends duckv1.Conditions) *v1beta1.CustomRun {
	w.Helper()
	run := &v1beta1.CustomRun{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, CreationTimestamp: metav1.NewTime(noon.Add(after))},
		Spec: v1beta1.CustomRunSpec{CustomRef: &v1beta1.TaskRef{APIVersion: "quay.comptech-lab.com/v1alpha1", Kind: v1beta1.TaskKind(kind)}}}
	run.Status.Conditions = ends
	if in, task, ok := strings.Cut(made, "/"); ok {
		run.Status.ExtraFields.Raw = fmt.Appendf(nil, `{"team":"payments","taskRun":{"namespace":%q,"name":%q}}`, in, task)
	}
	must(w, w.tekton.Tracker().Add(run))
	return run
}

func condition(status corev1.ConditionStatus, reason, message string) duckv1.Conditions {
	return duckv1.Conditions{{Type: apis.ConditionSucceeded, Status: status, Reason: reason, Message: message}}
}

// end ends the run.
func (w *world) end() {
	w.run.Status.Conditions = condition(corev1.ConditionTrue, "Succeeded", "Tasks Completed: 3")
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wants compares what was printed.
func (w *world) wants(out, err string) {
	w.Helper()
	if got := w.out.String(); got != out {
		w.Errorf("the log is\n%s\nnot\n%s", got, out)
	}
	if got := w.err.String(); got != err {
		w.Errorf("beside it stands\n%s\nnot\n%s", got, err)
	}
}
