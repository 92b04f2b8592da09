package pushimage

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tektoncd/pipeline/pkg/apis/config"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/pod"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

var errLost = errors.New("the connection broke")

// tektons is the configuration of a Tekton that fills in all that it can.
func tektons(t *testing.T) context.Context {
	t.Helper()
	defaults, err := config.NewDefaultsFromMap(map[string]string{
		"default-timeout-minutes": "17", "default-service-account": "builder", "default-managed-by-label-value": "somebody",
		"default-pod-template": "nodeSelector: {pool: builds}\nhostNetwork: false\n"})
	if err != nil {
		t.Fatal(err)
	}
	return config.ToContext(t.Context(), &config.Config{Defaults: defaults})
}

// unrecorded returns a world in which the TaskRun was made, its answer was lost, and Tekton filled in what it does.
func unrecorded(t *testing.T) *reconcilertest.World {
	t.Helper()
	w := newWorld(t, payments()...)
	w.Tektons = tektons(t)
	w.Faults.After = func(a reconcilertest.Action) error {
		if a == "create taskruns" {
			return errLost
		}
		return nil
	}
	if err := w.Reconcile(ns, run); !errors.Is(err, errLost) || w.TaskRun(ns, run) == nil {
		t.Fatalf("reconciling: %v", err)
	}
	w.Faults.After = nil
	return w
}

// What Tekton's webhook filled in, and what Tekton, Chains and Results put on a TaskRun that is under way, is no difference.
func TestOwnTaskRunIsAdopted(t *testing.T) {
	for name, edit := range map[string]func(*pipelinev1.TaskRun){
		"as it was made": func(*pipelinev1.TaskRun) {},
		"under way": func(task *pipelinev1.TaskRun) {
			task.Labels["tekton.dev/task"], task.Labels["app.kubernetes.io/version"] = "push-image-quay", "0.1"
			task.Annotations["pipeline.tekton.dev/release"], task.Annotations["tekton.dev/tags"] = "v1.15.0", "image, push, quay"
			task.Annotations["artifacthub.io/license"] = "Apache-2.0"
			task.Finalizers = []string{"chains.tekton.dev/taskrun", "results.tekton.dev/taskrun"}
		},
		"stopped by an earlier try": func(task *pipelinev1.TaskRun) {
			task.Spec.Status, task.Spec.StatusMessage = pipelinev1.TaskRunSpecStatusCancelled, "because"
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := unrecorded(t)
			task := w.TaskRun(ns, run)
			if task.Spec.Timeout == nil || task.Labels["app.kubernetes.io/managed-by"] != "somebody" || task.Spec.PodTemplate.NodeSelector["pool"] != "builds" {
				t.Fatalf("Tekton filled in nothing: %+v", task)
			}
			edit(task)
			w.Update(task)
			reconcile(t, w)
			if s, err := stateOf(w.CustomRun(ns, run)); err != nil || s.TaskRun.UID != task.UID {
				t.Errorf("state %+v, %v, want TaskRun %s; condition %+v", s, err, task.UID, condition(w))
			}
			if n := len(w.TaskRuns(ns)); n != 1 {
				t.Errorf("%d TaskRuns, want one", n)
			}
		})
	}
}

// Results tells a CustomRun where it is stored, and somebody else something else, between the two tries.
func TestTaskRunOfAnAnnotatedRunIsAdopted(t *testing.T) {
	w := unrecorded(t)
	r := w.CustomRun(ns, run)
	r.Annotations = map[string]string{"results.tekton.dev/record": "a/b/c", "somebody": "x"}
	w.Update(r)
	reconcile(t, w)
	if s, err := stateOf(w.CustomRun(ns, run)); err != nil || s.TaskRun.UID != w.TaskRun(ns, run).UID {
		t.Errorf("state %+v, %v; condition %+v", s, err, condition(w))
	}
}

// Somebody makes the TaskRun first, in the run's name and with its owner. Whatever of it is another's is noticed, and it is stopped.
func TestTaskRunWithSomethingElseIsNotAdopted(t *testing.T) {
	now := metav1.Now()
	for name, edit := range map[string]func(*pipelinev1.TaskRun){
		"hostAliases": func(task *pipelinev1.TaskRun) {
			task.Spec.PodTemplate.HostAliases = []corev1.HostAlias{{IP: "10.0.0.66", Hostnames: []string{reconcilertest.Host}}}
		},
		"env": func(task *pipelinev1.TaskRun) {
			task.Spec.PodTemplate.Env = []corev1.EnvVar{{Name: "HTTPS_PROXY", Value: "http://listener"}}
		},
		"no pod template": func(task *pipelinev1.TaskRun) { task.Spec.PodTemplate = &pod.Template{} },
		"a volume":        func(task *pipelinev1.TaskRun) { task.Spec.PodTemplate.Volumes = []corev1.Volume{{Name: "x"}} },
		"stepSpecs":       func(task *pipelinev1.TaskRun) { task.Spec.StepSpecs = []pipelinev1.TaskRunStepSpec{{Name: "push"}} },
		"sidecarSpecs":    func(task *pipelinev1.TaskRun) { task.Spec.SidecarSpecs = []pipelinev1.TaskRunSidecarSpec{{Name: "x"}} },
		"resources": func(task *pipelinev1.TaskRun) {
			task.Spec.ComputeResources = &corev1.ResourceRequirements{Limits: corev1.ResourceList{}}
		},
		"debug": func(task *pipelinev1.TaskRun) {
			task.Spec.Debug = &pipelinev1.TaskRunDebug{Breakpoints: &pipelinev1.TaskBreakpoints{OnFailure: "enabled"}}
		},
		"an account":     func(task *pipelinev1.TaskRun) { task.Spec.ServiceAccountName = "another" },
		"retries":        func(task *pipelinev1.TaskRun) { task.Spec.Retries = 5 },
		"a timeout":      func(task *pipelinev1.TaskRun) { task.Spec.Timeout = &metav1.Duration{Duration: 1} },
		"a status":       func(task *pipelinev1.TaskRun) { task.Spec.Status = "Paused" },
		"a taskSpec":     func(task *pipelinev1.TaskRun) { task.Spec.TaskSpec = &pipelinev1.TaskSpec{} },
		"another Task":   func(task *pipelinev1.TaskRun) { task.Spec.TaskRef.Params[2].Value.StringVal = ns },
		"another Secret": func(task *pipelinev1.TaskRun) { task.Spec.Params[1].Value.StringVal = "quay-robot-team-platform" },
		"a workspace":    func(task *pipelinev1.TaskRun) { task.Spec.Workspaces[0].SubPath = "" },
		"a label":        func(task *pipelinev1.TaskRun) { task.Labels["sidecar.istio.io/inject"] = "true" },
		"another run":    func(task *pipelinev1.TaskRun) { task.Labels["tekton.dev/pipelineRun"] = "another" },
		"another team":   func(task *pipelinev1.TaskRun) { task.Labels[v1alpha1.LabelTeam] = "platform" },
		"not managed":    func(task *pipelinev1.TaskRun) { delete(task.Labels, v1alpha1.LabelManaged) },
		"an annotation":  func(task *pipelinev1.TaskRun) { task.Annotations["vault.hashicorp.com/agent-inject"] = "true" },
		"a second owner": func(task *pipelinev1.TaskRun) {
			task.OwnerReferences = append(task.OwnerReferences, metav1.OwnerReference{Name: "x"})
		},
		"owner, not kept": func(task *pipelinev1.TaskRun) { task.OwnerReferences[0].BlockOwnerDeletion = new(false) },
		"a finalizer":     func(task *pipelinev1.TaskRun) { task.Finalizers = []string{"attacker.example.com/hold"} },
		"being deleted": func(task *pipelinev1.TaskRun) {
			task.Finalizers, task.DeletionTimestamp = []string{"chains.tekton.dev"}, &now
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := unrecorded(t)
			task := w.TaskRun(ns, run)
			edit(task)
			w.Update(task)
			reconcile(t, w)
			wantEnd(t, w, corev1.ConditionFalse, v1alpha1.ReasonTaskRunNameConflict, run, "delete it")
			if task := w.TaskRun(ns, run); task.DeletionTimestamp == nil && !task.IsCancelled() {
				t.Error("it goes on in the run's name")
			}
		})
	}
}

// Nobody's TaskRun is left alone.
func TestTaskRunWithoutTheOwnerIsLeftAlone(t *testing.T) {
	w := unrecorded(t)
	task := w.TaskRun(ns, run)
	task.OwnerReferences = nil
	w.Update(task)
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionFalse, v1alpha1.ReasonTaskRunNameConflict)
	if w.TaskRun(ns, run).IsCancelled() {
		t.Error("somebody else's TaskRun was cancelled")
	}
}

// What the API server cannot say is asked again, and what it refuses is no TaskRun of ours.
func TestAdoptionAsksTheAPIServer(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		says string
	}{
		"down":    {apierrs.NewServiceUnavailable("etcd is slow"), ""},
		"refused": {apierrs.NewBadRequest("the webhook does not support dry run"), "dry run"},
	} {
		t.Run(name, func(t *testing.T) {
			w := unrecorded(t)
			creates := 0
			w.Faults.Before = func(a reconcilertest.Action) error {
				if a == "create taskruns" {
					if creates++; creates == 2 { // The first finds that the name is taken.
						return test.err
					}
				}
				return nil
			}
			err := w.Reconcile(ns, run)
			if creates != 2 {
				t.Fatalf("%d creates, want the real one and the dry run", creates)
			}
			if test.says == "" {
				if err == nil || !strings.Contains(err.Error(), "etcd is slow") || condition(w).Reason != "" {
					t.Errorf("err %v, condition %+v, want another try", err, condition(w))
				}
				return
			}
			wantEnd(t, w, corev1.ConditionFalse, v1alpha1.ReasonTaskRunNameConflict, test.says)
		})
	}
}
