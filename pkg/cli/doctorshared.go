package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
)

const podSecurity = "pod-security.kubernetes.io/enforce"

// lookAtSharedNamespaces looks in each shared namespace for what makes an attack possible although its policies deny, or would as soon
// as one of them is gone.
func (d *doctor) lookAtSharedNamespaces(ctx context.Context) {
	if len(d.config.SharedNamespaces) == 0 {
		for _, id := range sharedLooks {
			d.addAs(healthy, id, "", "there is no shared namespace to look at")
		}
	}
	for _, name := range d.config.SharedNamespaces {
		namespace, err := d.clients.Kube.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
		if apierrs.IsNotFound(err) {
			d.skip(sharedLooks, "namespace %q does not exist, see guards", name)
			continue
		} else if err != nil {
			d.cannot(fmt.Errorf("reading namespace %q: %w", name, err), sharedLooks...)
			continue
		}
		d.add("guarded-label", namespace.Labels[v1alpha1.LabelGuarded] == "true", fmt.Sprintf("kubectl label namespace %s %s=true", name, v1alpha1.LabelGuarded),
			fmt.Sprintf("namespace %q has the label by which the policies select it", name), fmt.Sprintf("namespace %q lacks the label by which the policies select it", name))
		level := namespace.Labels[podSecurity]
		d.warn("pod-security", level == "baseline" || level == "restricted", fmt.Sprintf("kubectl label namespace %s %s=baseline", name, podSecurity),
			fmt.Sprintf("Pod Security enforces %s in namespace %q", level, name), fmt.Sprintf("Pod Security enforces %s in namespace %q", cmp.Or(level, "nothing"), name))
		d.lookAtRunAccount(ctx, name)
		d.lookAtNeighbours(ctx, name)
		d.lookAtOldRuns(ctx, name)
		d.lookAtQuota(ctx, name)
	}
}

// lookAtQuota looks for what keeps one team from taking all of a shared namespace.
func (d *doctor) lookAtQuota(ctx context.Context, namespace string) {
	quotas, err := d.clients.Kube.CoreV1().ResourceQuotas(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		d.cannot(fmt.Errorf("listing ResourceQuotas in namespace %q: %w", namespace, err), "quota")
		return
	}
	d.warn("quota", len(quotas.Items) > 0, "write a ResourceQuota with count/pipelineruns.tekton.dev and pods, see docs/install.md",
		fmt.Sprintf("namespace %q has %d ResourceQuotas", namespace, len(quotas.Items)), fmt.Sprintf("namespace %q has no ResourceQuota", namespace))
}

// lookAtRunAccount asks for the one account of all runs: without it no run starts, with a token no Pod is let in.
func (d *doctor) lookAtRunAccount(ctx context.Context, namespace string) {
	next := fmt.Sprintf("create ServiceAccount %s in namespace %s with automountServiceAccountToken: false, as in config/openshift/service-account.yaml", d.config.RunAccount, namespace)
	account, err := d.clients.Kube.CoreV1().ServiceAccounts(namespace).Get(ctx, d.config.RunAccount, metav1.GetOptions{})
	switch {
	case apierrs.IsNotFound(err):
		d.addAs(sick, "run-account", next, fmt.Sprintf("ServiceAccount %q does not exist in namespace %q, so that no run starts there", d.config.RunAccount, namespace))
	case err != nil:
		d.cannot(fmt.Errorf("reading ServiceAccount %q: %w", namespace+"/"+d.config.RunAccount, err), "run-account")
	default:
		quiet := account.AutomountServiceAccountToken != nil && !*account.AutomountServiceAccountToken
		d.add("run-account", quiet, next, fmt.Sprintf("ServiceAccount %q in namespace %q gives its Pods no token", d.config.RunAccount, namespace),
			fmt.Sprintf("ServiceAccount %q in namespace %q gives its Pods a token", d.config.RunAccount, namespace))
	}
}

// lookAtNeighbours names the accounts whose token would be of use to a run: those of triggers, of External Secrets' store, of Tekton.
func (d *doctor) lookAtNeighbours(ctx context.Context, namespace string) {
	accounts, err := d.clients.Kube.CoreV1().ServiceAccounts(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		d.cannot(fmt.Errorf("listing ServiceAccounts in namespace %q: %w", namespace, err), "shared-accounts", "tekton-apart")
		return
	}
	var names []string
	tekton := false
	for _, account := range accounts.Items {
		if slices.Contains(d.config.TektonAccounts, namespace+":"+account.Name) {
			tekton = true
		} else if account.Name != "default" && account.Name != d.config.RunAccount {
			names = append(names, account.Name)
		}
	}
	d.warn("shared-accounts", len(names) == 0, "move triggers' accounts to their teams' namespaces, and External Secrets' store to custody (docs/custody.md): here only the policies keep runs from them",
		fmt.Sprintf("namespace %q has no account besides that of the runs", namespace),
		fmt.Sprintf("namespace %q has accounts besides that of the runs: %s", namespace, shortList(names)))
	d.warn("tekton-apart", !tekton, "use another namespace for the teams' runs, in shared-namespaces: here only the policies keep them from an account that reads every Secret",
		fmt.Sprintf("Tekton's controller is not in shared namespace %q", namespace), fmt.Sprintf("Tekton's controller is in shared namespace %q", namespace))
}

// lookAtOldRuns looks for runs that admission would refuse today: it sees writes, not what was there before.
func (d *doctor) lookAtOldRuns(ctx context.Context, namespace string) {
	var old []string
	tekton := d.clients.Tekton.TektonV1()
	err := errors.Join(
		eachPage(ctx, func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) {
			return tekton.PipelineRuns(namespace).List(ctx, opts)
		}, func(o runtime.Object) {
			if run := o.(*pipelinev1.PipelineRun); !run.IsDone() && !d.named(run.Name, run.Labels) {
				old = append(old, "pipelinerun/"+run.Name)
			}
		}),
		eachPage(ctx, func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) {
			return tekton.TaskRuns(namespace).List(ctx, opts)
		}, func(o runtime.Object) {
			if task := o.(*pipelinev1.TaskRun); !task.IsDone() && len(task.OwnerReferences) == 0 {
				old = append(old, "taskrun/"+task.Name)
			}
		}))
	if err != nil {
		d.cannot(fmt.Errorf("listing runs in namespace %q: %w", namespace, err), "old-runs")
		return
	}
	d.add("old-runs", len(old) == 0, "kubectl delete them in namespace "+namespace+": no policy saw them",
		fmt.Sprintf("the policies let in every unfinished run of namespace %q", namespace),
		fmt.Sprintf("namespace %q has unfinished runs that no policy let in: %s", namespace, shortList(old)))
}

// named reports whether the run's name begins with the team that its labels name.
func (d *doctor) named(name string, labels map[string]string) bool {
	return slices.ContainsFunc(d.config.RunLabels, func(label string) bool {
		team, err := d.config.ParseTeam(labels[label])
		return err == nil && strings.HasPrefix(name, team+"--")
	})
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// shortList is the first few of names.
func shortList(names []string) string {
	const most = 5
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
