package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/reconciler/request"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// explained is the result of explain.
type explained struct {
	head
	Runs []explanation `json:"runs"`
}

func (e explained) write(w io.Writer) error {
	for i, run := range e.Runs {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := run.write(w); err != nil {
			return err
		}
	}
	return nil
}

// failed counts the runs that may not push, and those that ended without success.
func (e explained) failed() (refused, failed int) {
	for _, run := range e.Runs {
		if !run.Allowed {
			refused++
		} else if run.Ended != nil && !run.Ended.Succeeded {
			failed++
		}
	}
	return refused, failed
}

func (c *connection) newExplain() *cobra.Command {
	var namespace string
	use := func(use, alias, short, example string, list func(context.Context, Clients, string) (runtime.Object, error),
		find func(context.Context, *explainer, string) ([]explanation, error)) *cobra.Command {
		cmd := &cobra.Command{
			Use: use, Aliases: []string{alias}, Short: short, Example: example, Args: arguments("the name of a run"),
			ValidArgsFunction: first(offer(func(ctx context.Context) ([]string, error) {
				clients, err := c.cluster()
				if err != nil {
					return nil, err
				}
				return namesOf(list(ctx, clients, cmp.Or(namespace, clients.Namespace)))
			})),
			RunE: func(cmd *cobra.Command, args []string) error {
				return c.explain(cmd.Context(), namespace, args[0], find)
			},
		}
		cmd.Flags().StringVarP(&namespace, "namespace", "n", "", "`namespace` of the run (default the context's)")
		complete(cmd, "namespace", c.completeNamespace)
		return cmd
	}
	group := newGroup("explain", "Say which team a run is, by which rule, and what would allow it",
		use("pipelinerun NAME", "pr", "Explain the tasks of a PipelineRun that push", "  tkn quay explain pipelinerun build-7x2kq -n apps-payments-checkout",
			func(ctx context.Context, clients Clients, namespace string) (runtime.Object, error) {
				return clients.Tekton.TektonV1().PipelineRuns(namespace).List(ctx, metav1.ListOptions{})
			},
			func(ctx context.Context, e *explainer, name string) ([]explanation, error) {
				return e.pipelineRun(ctx, name)
			}),
		use("customrun NAME", "cr", "Explain one CustomRun", "  tkn quay explain customrun build-7x2kq-push -n apps-payments-checkout",
			func(ctx context.Context, clients Clients, namespace string) (runtime.Object, error) {
				return clients.Tekton.TektonV1beta1().CustomRuns(namespace).List(ctx, metav1.ListOptions{})
			},
			func(ctx context.Context, e *explainer, name string) ([]explanation, error) {
				return e.customRun(ctx, name)
			}))
	group.Long = `Takes the decision that the controller would take now, with its own code and the cluster's state, rule by rule. It changes nothing,
and shows nothing of a Secret. Of a run that has ended it says first how: why the push failed, and what to do about it, and
which vulnerabilities its gate found. The exit code is
3 for a run that may not push, 10 for one that may and failed.`
	return group
}

// explain prints what find explains.
func (c *connection) explain(ctx context.Context, namespace, name string, find func(context.Context, *explainer, string) ([]explanation, error)) error {
	view, err := c.view(ctx)
	if err != nil {
		return err
	}
	namespace = cmp.Or(namespace, view.Namespace)
	result := explained{head: newHead("Explanation")}
	e := &explainer{clients: view.Clients, cluster: rights{newLive(view.Clients), view.Kube}, config: view.config, namespace: namespace, now: c.program.Now}
	result.Runs, err = find(ctx, e, name)
	if err != nil {
		return err
	}
	if err := c.print(result); err != nil {
		return err
	}
	switch refused, failed := result.failed(); {
	case refused > 0:
		return &failure{exit: ExitRefused, problem: fmt.Sprintf("%d of %d runs may not push", refused, len(result.Runs))}
	case failed > 0:
		return &failure{exit: ExitFindings, problem: fmt.Sprintf("%d of %d runs failed", failed, len(result.Runs)),
			next: "do what the run's message says, then start the pipeline again"}
	}
	return nil
}

// reading tells what was read when err came; that there is no such run is the caller's to mend.
func (e *explainer) reading(kind, name string, err error) error {
	if apierrs.IsNotFound(err) {
		return &failure{ExitMissing, fmt.Sprintf("there is no %s %q in namespace %q", kind, name, e.namespace), "name its namespace with -n"}
	}
	return fmt.Errorf("reading %s %q: %w", kind, e.namespace+"/"+name, err)
}

// customRun explains one CustomRun.
func (e *explainer) customRun(ctx context.Context, name string) ([]explanation, error) {
	run, err := e.clients.Tekton.TektonV1beta1().CustomRuns(e.namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, e.reading("CustomRun", name, err)
	}
	if !customrun.Ours(run) {
		return nil, &failure{ExitMissing, fmt.Sprintf("CustomRun %q is of kind %q, which is not ours", name, kindOf(run)), "name one of PushImage or ResolveTenant"}
	}
	explained, err := e.explain(ctx, run)
	return []explanation{explained}, err
}

// pipelineRun explains every CustomRun of ours that the PipelineRun has; if it has none yet, the one that it would get.
func (e *explainer) pipelineRun(ctx context.Context, name string) ([]explanation, error) {
	owner, err := e.clients.Tekton.TektonV1().PipelineRuns(e.namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, e.reading("PipelineRun", name, err)
	}
	found := []explanation{}
	for _, child := range owner.Status.ChildReferences {
		if child.Kind != "CustomRun" {
			continue
		}
		run, err := e.clients.Tekton.TektonV1beta1().CustomRuns(e.namespace).Get(ctx, child.Name, metav1.GetOptions{})
		if err != nil {
			return nil, fmt.Errorf("reading CustomRun %q: %w", e.namespace+"/"+child.Name, err)
		}
		if !customrun.Ours(run) {
			continue
		}
		explained, err := e.explain(ctx, run)
		if err != nil {
			return nil, err
		}
		found = append(found, explained)
	}
	if len(found) > 0 {
		return found, nil
	}
	explained, err := e.future(ctx, owner)
	return []explanation{explained}, err
}

// future explains the CustomRun that the PipelineRun would get.
func (e *explainer) future(ctx context.Context, owner *pipelinev1.PipelineRun) (explanation, error) {
	run := &v1beta1.CustomRun{ObjectMeta: metav1.ObjectMeta{Name: owner.Name + "-push", Namespace: owner.Namespace,
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(owner, pipelinev1.SchemeGroupVersion.WithKind("PipelineRun"))}}}
	x := explanation{Run: run.Namespace + "/" + run.Name, Recorded: "there is no CustomRun of ours yet: this is the one that it would get"}
	x.skip(ruleRequest)
	err := e.decide(ctx, &x, ongoing{e.cluster, run.Name}, request.Request{Run: run, Kind: v1alpha1.KindPushImage})
	return x, err
}

// kindOf is the kind that the CustomRun refers to; empty if it refers to none.
func kindOf(run *v1beta1.CustomRun) string {
	if run.Spec.CustomRef == nil {
		return ""
	}
	return string(run.Spec.CustomRef.Kind)
}

// write writes the explanation for people.
func (e explanation) write(w io.Writer) error {
	verdict := "may not push: " + e.Reason
	if e.Allowed {
		with := " with Secret " + e.Secret
		if e.ServiceAccount != "" {
			with = ", keyless, by ServiceAccount " + e.ServiceAccount
		}
		verdict = fmt.Sprintf("pushes as team %s to %s/%s%s", e.Team, e.Registry, e.Organization, with)
	}
	if e.Ended == nil {
		fmt.Fprintf(w, "%s %s\n", shown.Line(e.Run), shown.Line(verdict))
	} else {
		outcome := "failed with " + e.Ended.Reason + ": " + e.Ended.Message
		if e.Ended.Succeeded {
			outcome = "succeeded"
		}
		fmt.Fprintf(w, "%s %s\n", shown.Line(e.Run), shown.Line(outcome))
		if err := writeWorst(w, e.Ended.Vulnerabilities); err != nil {
			return err
		}
		fmt.Fprintf(w, "now a run like it %s\n", shown.Line(verdict))
	}
	rows := [][]string{}
	for _, r := range e.Rules {
		rows = append(rows, []string{r.Rule, r.Outcome, r.Detail})
	}
	if err := table(w, []string{"RULE", "OUTCOME", "WHY"}, rows); err != nil {
		return err
	}
	if e.Allow != "" {
		fmt.Fprintf(w, "allow: %s\n", shown.Line(e.Allow))
	}
	if e.Recorded != "" && e.Ended == nil {
		fmt.Fprintf(w, "recorded: %s\n", shown.Line(e.Recorded))
	}
	return nil
}
