package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/semver"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// oldestTekton is the oldest Tekton that docs/install.md promises to work with.
const oldestTekton = "v1.0.0"

func (d *doctor) lookAtController(ctx context.Context) {
	const next = "ko apply -f config/, then kubectl get pods --namespace " + systemNamespace
	deployment, err := d.clients.Kube.AppsV1().Deployments(systemNamespace).Get(ctx, "controller", metav1.GetOptions{})
	switch {
	case apierrs.IsNotFound(err):
		d.add("controller", false, next, "it is not installed")
	case err != nil:
		d.cannot("controller", err)
	case deployment.Status.ReadyReplicas == 1:
		d.addAs(warning, "controller", "a second replica takes over when the first one ends", "1 replica is ready")
	default:
		d.add("controller", deployment.Status.ReadyReplicas > 0, next, "%d replicas are ready", deployment.Status.ReadyReplicas)
	}
}

// lookAtTekton reads the version from the ConfigMap that every Tekton has, and looks for the Task that pushes.
func (d *doctor) lookAtTekton(ctx context.Context) {
	version, failed := "", error(nil)
	for _, namespace := range []string{"tekton-pipelines", "openshift-pipelines"} {
		info, err := d.clients.Kube.CoreV1().ConfigMaps(namespace).Get(ctx, "pipelines-info", metav1.GetOptions{})
		if err == nil {
			version = info.Data["version"]
		} else if !apierrs.IsNotFound(err) {
			failed = err
		}
	}
	switch {
	case failed != nil:
		d.cannot("tekton", failed)
	case !semver.IsValid(version):
		d.cannot("tekton", fmt.Errorf("ConfigMap pipelines-info says %q, which is no version", version))
	default:
		d.add("tekton", semver.Compare(version, oldestTekton) >= 0, "install Tekton Pipelines "+oldestTekton+" or newer", "version %s", version)
	}
	_, err := d.clients.Tekton.TektonV1().Tasks(d.config.TaskNamespace).Get(ctx, d.config.Task, metav1.GetOptions{})
	if err != nil && !apierrs.IsNotFound(err) {
		d.cannot("task", err)
		return
	}
	d.add("task", err == nil, "ko apply -f tekton/task/ --recursive -- --namespace "+d.config.TaskNamespace, "Task %q exists in namespace %q: %t",
		d.config.Task, d.config.TaskNamespace, err == nil)
}

// lookAtClocks compares the clocks of the API server and of this machine: a token that is issued by one and checked by another is
// refused when they differ.
func (d *doctor) lookAtClocks(ctx context.Context) {
	const most = 30 * time.Second
	probe := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "clock-"}}
	before := time.Now()
	probe, err := d.clients.Kube.CoreV1().ConfigMaps(systemNamespace).Create(ctx, probe, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err == nil && probe.CreationTimestamp.IsZero() {
		err = errors.New("the API server said no time")
	}
	if err != nil {
		d.cannot("clocks", err)
		return
	}
	// The API server tells whole seconds.
	skew := probe.CreationTimestamp.Sub(before).Abs().Truncate(time.Second)
	d.add("clocks", skew <= most, "set the clocks, such as with chrony", "the API server's and this machine's differ by %s", skew)
}
