package cli

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/runlog"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

func (c *connection) newLogs() *cobra.Command {
	var namespace string
	follow := true
	cmd := &cobra.Command{
		Use:   "logs RUN",
		Short: "Follow the log of a PipelineRun, its custom tasks included",
		Long: `Prints what the steps of a PipelineRun log, task by task in the order in which they start, until the run has ended: as tkn pipelinerun logs -f
does, but including what custom tasks push. What it waits for, and why a task has no log, goes to stderr. The exit code is 0 if the run
succeeded, or with --follow=false has not ended yet, and 10 if it failed. It takes as long as the run, unless --timeout is given.`,
		Example: `  tkn quay logs build-7x2kq -n apps-payments-checkout
  tkn quay logs build-7x2kq -n apps-payments-checkout --follow=false`,
		Args: arguments("the name of a PipelineRun"),
		ValidArgsFunction: first(offer(func(ctx context.Context) ([]string, error) {
			clients, err := c.cluster()
			if err != nil {
				return nil, err
			}
			return namesOf(clients.Tekton.TektonV1().PipelineRuns(cmp.Or(namespace, clients.Namespace)).List(ctx, metav1.ListOptions{}))
		})),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.logs(cmd.Context(), namespace, args[0], follow)
		},
		// As long as the run takes.
		Annotations: map[string]string{timeoutIfSet: ""},
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "", "`namespace` of the run (default the context's)")
	cmd.Flags().BoolVarP(&follow, "follow", "f", true, "go on until the run has ended")
	complete(cmd, "namespace", c.completeNamespace)
	return cmd
}

// logs follows a run, and ends as it did.
func (c *connection) logs(ctx context.Context, namespace, name string, follow bool) error {
	if c.format != "table" {
		return usagef("leave it out: a log is text", "--output is %q", c.format)
	}
	clients, err := c.cluster()
	if err != nil {
		return err
	}
	namespace = cmp.Or(namespace, clients.Namespace)
	f := &runlog.Follower{Kube: clients.Kube, Tekton: clients.Tekton, Open: clients.Log, Poll: c.program.Poll, Wait: follow, Out: c.program.Out, Err: c.program.Err}
	run, err := f.Follow(ctx, namespace, name)
	if apierrs.IsNotFound(err) {
		return &failure{ExitMissing, fmt.Sprintf("there is no PipelineRun %q in namespace %q", name, namespace), "see whether the name is right, and name its namespace with -n"}
	} else if err != nil {
		return err
	}
	succeeded, reason, message := runlog.Ended(run)
	switch {
	case succeeded:
		fmt.Fprintf(c.program.Err, "PipelineRun %s succeeded: %s\n", shown.Line(name), shown.Line(message))
	case run.IsDone():
		return &failure{ExitFindings, fmt.Sprintf("PipelineRun %q failed: %s: %s", name, reason, message),
			fmt.Sprintf("tkn quay explain pipelinerun %s -n %s says what would allow a push that was refused", name, namespace)}
	default:
		fmt.Fprintf(c.program.Err, "PipelineRun %s has not ended: %s\n", shown.Line(name), shown.Line(message))
	}
	return nil
}
