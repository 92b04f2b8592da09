package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/pager"
	"knative.dev/pkg/apis"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/pushlog"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
)

// mostRuns is how many objects of one kind are read at most, in one namespace or in all.
const mostRuns = 100_000

// runReader finds pushes in the cluster.
type runReader struct {
	view  *cluster
	query pushesQuery
	list  *pushlog.List
	// most is how many objects of one kind are read.
	most int
	// owners are the teams of namespaces, resolved those that ResolveTenant answered, by PipelineRun.
	owners   map[string]string
	resolved map[runKey]string
}

// runKey is a PipelineRun.
type runKey struct{ namespace, name string }

// read returns the pushes that runs tell of, those of the controller first.
func (r *runReader) read(ctx context.Context) (runs []*pushlog.Run) {
	r.readOwners(ctx)
	in := r.query.namespaces
	if len(in) == 0 {
		in = []string{metav1.NamespaceAll}
	}
	add := func(run *pushlog.Run) {
		if run != nil && !run.Time.Before(r.query.since.Truncate(time.Second)) && (r.query.team == "" || run.Team == r.query.team) {
			runs = append(runs, run)
		}
	}
	for _, namespace := range in {
		r.each(ctx, "CustomRuns", namespace, func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return r.view.Tekton.TektonV1beta1().CustomRuns(namespace).List(ctx, o)
		}, func(o runtime.Object) { add(r.customRun(o.(*v1beta1.CustomRun))) })
	}
	for _, namespace := range in {
		r.each(ctx, "TaskRuns", namespace, func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector = "!" + v1alpha1.LabelManaged // Of those the CustomRun tells.
			return r.view.Tekton.TektonV1().TaskRuns(namespace).List(ctx, o)
		}, func(o runtime.Object) { add(r.taskRun(o.(*pipelinev1.TaskRun))) })
	}
	return runs
}

// each calls f for every object of a list, which is read page by page; what it cannot read is a gap.
func (r *runReader) each(ctx context.Context, kind, namespace string, list func(context.Context, metav1.ListOptions) (runtime.Object, error), f func(runtime.Object)) {
	n := 0
	err := pager.New(list).EachListItem(ctx, metav1.ListOptions{}, func(o runtime.Object) error {
		if n++; n > r.most {
			return fmt.Errorf("there are more than %d: what comes after them was not read; name namespaces with -n", r.most)
		}
		f(o)
		return nil
	})
	what := kind + " of all namespaces"
	if namespace != "" {
		what = fmt.Sprintf("%s of namespace %q", kind, namespace)
	} else if apierrs.IsForbidden(err) {
		err = fmt.Errorf("%w; name the namespaces that you may read with -n", err)
	}
	if err != nil {
		r.list.Miss(what, err)
	}
}

// readOwners reads whose namespaces there are.
func (r *runReader) readOwners(ctx context.Context) {
	if len(r.query.namespaces) == 0 {
		all, err := r.view.namespaces(ctx)
		if err != nil {
			r.list.Miss("whose the namespaces are", err)
		}
		for _, n := range all {
			r.owners[n.Name] = r.view.owner(n)
		}
		return
	}
	for _, name := range r.query.namespaces {
		n, err := r.view.Kube.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			r.list.Miss(fmt.Sprintf("whose namespace %q is", name), err)
			continue
		}
		r.owners[name] = r.view.owner(n)
	}
}

// teams are those whose log at Quay is asked for: the one, else those that have a run here, a namespace, or a credential.
func (r *runReader) teams(ctx context.Context, runs []*pushlog.Run) []string {
	if r.query.team != "" {
		return []string{r.query.team}
	}
	found := map[string]bool{}
	for _, run := range runs {
		// The team of one that was refused is a claim, perhaps of one that is none.
		found[run.Team] = found[run.Team] || run.Refused == ""
	}
	for _, team := range r.owners {
		found[team] = true
	}
	if len(r.query.namespaces) == 0 {
		tenants, err := r.view.tenants(ctx)
		if err != nil {
			r.list.Miss("which teams have a credential", err)
		}
		for _, t := range tenants {
			found[t.Team] = true
		}
	}
	delete(found, "")
	maps.DeleteFunc(found, func(_ string, is bool) bool { return !is })
	return slices.Sorted(maps.Keys(found))
}

// customRun returns what the controller answered one with; nil if it is not ours, goes on, or was no push and not refused.
func (r *runReader) customRun(run *v1beta1.CustomRun) *pushlog.Run {
	succeeded := run.Status.GetCondition(apis.ConditionSucceeded)
	if !customrun.Ours(run) || !customrun.Done(run) || succeeded == nil {
		return nil
	}
	results := map[string]string{}
	for _, result := range run.Status.Results {
		results[result.Name] = result.Value
	}
	owner := pipelineRunOf(run)
	if customrun.Is(run, v1alpha1.KindResolveTenant) && succeeded.IsTrue() {
		if owner != "" {
			r.resolved[runKey{run.Namespace, owner}] = results[v1alpha1.ResultTeam]
		}
		return nil
	}
	params := map[string]string{}
	for _, p := range run.Spec.Params {
		params[p.Name] = p.Value.StringVal
	}
	var state struct{ Team, Rule string }
	_ = run.Status.DecodeExtraFields(&state) // It was refused before there was any.
	found := newRun(run, owner, run.Status.StartTime, run.Status.CompletionTime, succeeded, params, results)
	found.Source, found.Rule = pushlog.SourceController, state.Rule
	found.Team = cmp.Or(state.Team, r.owners[run.Namespace], r.claim(run.Labels))
	return found
}

// taskRun returns what a task of a team's own pipeline says that it pushed; nil if it is no push step of ours, or goes on.
func (r *runReader) taskRun(run *pipelinev1.TaskRun) *pushlog.Run {
	succeeded := run.Status.GetCondition(apis.ConditionSucceeded)
	if !run.IsDone() || succeeded == nil {
		return nil
	}
	results, params := map[string]string{}, map[string]string{}
	for _, result := range run.Status.Results {
		results[result.Name] = result.Value.StringVal
	}
	for _, p := range run.Spec.Params {
		params[p.Name] = p.Value.StringVal
	}
	proof := v1alpha1.ResultPinned
	if succeeded.IsFalse() {
		proof = v1alpha1.ResultFailure
	}
	if results[proof] == "" || params[v1alpha1.ParamImageRef] == "" {
		return nil
	}
	owner := pipelineRunOf(run)
	found := newRun(run, owner, run.Status.StartTime, run.Status.CompletionTime, succeeded, params, results)
	found.Source = pushlog.SourceTask
	found.Team = cmp.Or(r.owners[run.Namespace], r.resolved[runKey{run.Namespace, owner}])
	// Who says so of another team's organization, or is nobody's, does not explain what was pushed there.
	own := r.view.config.Registry + "/" + r.view.config.Names(found.Team).Organization + "/"
	switch {
	case found.Refused != "":
	case found.Team == "":
		found.Refused = "NotProved: it says that it pushed, and its namespace is of no team that is known"
	case !strings.HasPrefix(found.Repository, own):
		found.Refused = "NotProved: it says that it pushed to a repository outside of its team's organization"
	}
	return found
}
