package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"golang.org/x/mod/semver"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
)

// oldestTekton is the oldest Tekton that docs/install.md promises to work with.
const oldestTekton = "v1.0.0"

func (d *doctor) lookAtController(ctx context.Context) {
	const next = "install quay-push, see docs/install.md"
	deployment, err := d.clients.Kube.AppsV1().Deployments(systemNamespace).Get(ctx, "controller", metav1.GetOptions{})
	switch {
	case apierrs.IsNotFound(err):
		d.addAs(sick, "controller", next, "the controller is not installed in namespace "+systemNamespace)
	case err != nil:
		d.cannot(fmt.Errorf("reading Deployment %q: %w", systemNamespace+"/controller", err), "controller")
	case deployment.Status.ReadyReplicas == 0:
		d.addAs(sick, "controller", "kubectl get pods --namespace "+systemNamespace+" shows why", "no replica of the controller is ready")
	default:
		n := deployment.Status.ReadyReplicas
		d.warn("controller", n > 1, "with a second replica another one takes over when the first one ends",
			fmt.Sprintf("%d replicas of the controller are ready", n), "one replica of the controller is ready")
	}
}

// lookAtTekton reads the version from the ConfigMap that every Tekton has.
func (d *doctor) lookAtTekton(ctx context.Context) {
	const next = "install Tekton Pipelines " + oldestTekton + " or newer"
	version, failed := "", error(nil)
	for _, namespace := range []string{"tekton-pipelines", "openshift-pipelines"} {
		info, err := d.clients.Kube.CoreV1().ConfigMaps(namespace).Get(ctx, "pipelines-info", metav1.GetOptions{})
		if err == nil {
			version = info.Data["version"]
		} else if !apierrs.IsNotFound(err) {
			failed = fmt.Errorf("reading ConfigMap %q: %w", namespace+"/pipelines-info", err)
		}
	}
	switch {
	case semver.IsValid(version):
		d.add("tekton", semver.Compare(version, oldestTekton) >= 0, next, "Tekton Pipelines is "+version, "Tekton Pipelines is "+version+", which is too old")
	case failed != nil:
		d.cannot(failed, "tekton")
	case version == "":
		d.addAs(unknown, "tekton", next+", if it is not there", "no ConfigMap pipelines-info in namespaces tekton-pipelines and openshift-pipelines tells a version")
	default:
		d.addAs(unknown, "tekton", "see that it is "+oldestTekton+" or newer", fmt.Sprintf("Tekton Pipelines calls its version %q, which cannot be compared", version))
	}
}

// lookAtTask looks for the Task that pushes, and whether it knows of a gate.
func (d *doctor) lookAtTask(ctx context.Context) {
	where := fmt.Sprintf("in namespace %q", d.config.TaskNamespace)
	task, err := d.clients.Tekton.TektonV1().Tasks(d.config.TaskNamespace).Get(ctx, d.config.Task, metav1.GetOptions{})
	if err != nil && !apierrs.IsNotFound(err) {
		d.cannot(fmt.Errorf("reading Task %q: %w", d.config.TaskNamespace+"/"+d.config.Task, err), "task")
		return
	}
	gated := func(p pipelinev1.ParamSpec) bool { return p.Name == v1alpha1.ParamGate }
	if err == nil && !slices.ContainsFunc(task.Spec.Params, gated) {
		d.addAs(warning, "task", "install the Task of the controller's version", fmt.Sprintf("Task %q %s is an older one, without the param %s: a push with a gate ends as %s",
			d.config.Task, where, v1alpha1.ParamGate, v1alpha1.ReasonTaskOutdated))
		return
	}
	d.add("task", err == nil, "apply tekton/task/ to namespace "+d.config.TaskNamespace+", or release.yaml", fmt.Sprintf("Task %q is %s", d.config.Task, where),
		fmt.Sprintf("there is no Task %q %s", d.config.Task, where))
}

// lookAtClocks compares the clocks of the API server and of this machine: a token that is issued by one and checked by another is
// refused when they differ.
func (d *doctor) lookAtClocks(ctx context.Context) {
	const most = 30 * time.Second
	probe := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "clock-"}}
	before := time.Now()
	probe, err := d.clients.Kube.CoreV1().ConfigMaps(systemNamespace).Create(ctx, probe, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err == nil && probe.CreationTimestamp.IsZero() {
		err = errors.New("its answer has none")
	}
	if err != nil {
		d.cannot(fmt.Errorf("asking the API server for the time: %w", err), "clocks")
		return
	}
	// The API server tells whole seconds.
	skew := probe.CreationTimestamp.Sub(before).Abs().Truncate(time.Second)
	detail := fmt.Sprintf("the clocks of the API server and of this machine differ by %s", skew)
	d.add("clocks", skew <= most, "set the clocks, such as with chrony", detail, detail)
}
