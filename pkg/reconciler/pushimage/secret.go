package pushimage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/reconciler/runsecret"
	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// projects reports whether the run gets a Secret of its own: where robots are in custody, and the namespace is a tenant's. In a
// shared namespace, where others' runs are, the tenants' Secrets are guarded by name.
func projects(c *config.Config, run *v1beta1.CustomRun, rule tenant.Rule) bool {
	return c.CustodyNamespace != "" && c.CustodyNamespace != run.Namespace && rule == tenant.RuleNamespace
}

// secret makes sure that the tenant can push, and returns the name of the Secret that the TaskRun mounts.
func (r *Reconciler) secret(ctx context.Context, run *v1beta1.CustomRun, params map[string]string, d tenant.Decision, c *config.Config) (string, error) {
	image := params[v1alpha1.ParamImageRef]
	switch {
	case copies(params):
		return d.Secret, tenancy.CheckSecret(ctx, r.cluster, c.CustodyNamespace, image, d)
	case !projects(c, run, d.Rule):
		return d.Secret, tenancy.CheckSecret(ctx, r.cluster, run.Namespace, image, d)
	}
	name, err := r.projector.Create(ctx, c.CustodyNamespace, image, run, d)
	if refused(err) {
		return "", customrun.Failf(v1alpha1.ReasonSecretRefused, "the API server refused the run's own Secret: %v; "+
			"is config/custody/ applied, and bound in namespace %q? See docs/custody.md", err, run.Namespace)
	}
	return name, err
}

// withdraw deletes the run's own Secret. It comes before the end of the run is written, so that who has ended has none.
func (r *Reconciler) withdraw(ctx context.Context, run *v1beta1.CustomRun) error {
	s, err := stateOf(run)
	if err != nil {
		return err
	}
	if s.TaskRun.UID != "" {
		if s.ProjectedSecret == "" {
			return nil
		}
		return r.projector.Delete(ctx, run.Namespace, s.ProjectedSecret)
	}
	// Nothing is recorded: an earlier try may have died between the Secret and the status.
	names, err := r.unrecorded(ctx, run)
	for _, name := range names {
		// Who may not delete could not create: the rights come together.
		if err := r.projector.Delete(ctx, run.Namespace, name); err != nil && !apierrs.IsForbidden(err) {
			return err
		}
	}
	return err
}

// unrecorded returns the names that the run's own Secret can have: by the team that the namespace's label names, and by the one
// that it named when the Secret was made, which is the image's.
func (r *Reconciler) unrecorded(ctx context.Context, run *v1beta1.CustomRun) (names []string, err error) {
	c := r.config()
	if !projects(c, run, tenant.RuleNamespace) {
		return nil, nil
	}
	namespace, err := r.cluster.Namespace(ctx, run.Namespace)
	if err != nil && !apierrs.IsNotFound(err) {
		return nil, fmt.Errorf("reading namespace %q: %w", run.Namespace, err)
	}
	var teams []string
	if err == nil {
		if team, err := c.ParseTeam(namespace.Labels[c.TeamLabel]); err == nil {
			teams = append(teams, team)
		}
	}
	for _, p := range run.Spec.Params {
		if team, ok := c.TeamOf(p.Value.StringVal); ok && p.Name == v1alpha1.ParamImageRef && !slices.Contains(teams, team) {
			teams = append(teams, team)
		}
	}
	for _, team := range teams {
		names = append(names, runsecret.Name(run, c.Names(team)))
	}
	return names, nil
}

// sweepWindow is how long ago a run that is swept has ended at most. Longer than a request takes that a leader sent before it
// lost its lease, and short, since a new leader looks at every run that is there.
const sweepWindow = 10 * time.Minute

// sweep takes from a run that has just ended the Secret that a former leader made for it, which did not know of the end and
// died before it looked.
func (r *Reconciler) sweep(ctx context.Context, run *v1beta1.CustomRun) error {
	if ended := run.Status.CompletionTime; ended == nil || r.clock.Since(ended.Time) > sweepWindow {
		return nil
	}
	return r.withdraw(ctx, run)
}
