package pushimage

import (
	"context"
	"fmt"
	"slices"
	"time"

	apierrs "k8s.io/apimachinery/pkg/api/errors"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/reconciler/request"
	"github.com/comptech-lab/quay-push/pkg/reconciler/runsecret"
	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// secret makes sure that the tenant can push, and returns the name of the Secret that the TaskRun mounts.
func (r *Reconciler) secret(ctx context.Context, q request.Request, d tenant.Decision, c *config.Config) (string, error) {
	place := q.Place(c, d.Rule)
	held, err := place.Holding(ctx, r.cluster, q.Image(), d)
	if err != nil || !place.Lent {
		return d.Secret, err
	}
	credential, err := r.credential(ctx, held, c)
	if err != nil {
		return "", err
	}
	name, err := r.issuer.Create(ctx, q.Run, d, credential)
	if refused(err) {
		return "", customrun.Failf(v1alpha1.ReasonSecretRefused, "the API server refused the run's own Secret: %v; "+
			"is config/custody/ applied, and bound in namespace %q? See docs/custody.md", err, q.Run.Namespace)
	}
	return name, err
}

// credential is the one that the tenant has, or, of a keyless team, one that is made for this once.
func (r *Reconciler) credential(ctx context.Context, held tenancy.Holding, c *config.Config) (dockerconfig.Credential, error) {
	if held.Account == nil {
		return held.Credential, nil
	}
	return r.keyless.Credential(ctx, c, *held.Account)
}

// withdraw deletes the run's own Secret. It comes before the end of the run is written, so that who has ended has none.
func (r *Reconciler) withdraw(ctx context.Context, v view) error {
	run, s := v.run, v.state
	if s.TaskRun.UID != "" {
		if s.ProjectedSecret == "" {
			return nil
		}
		return r.issuer.Delete(ctx, run.Namespace, s.ProjectedSecret)
	}
	// Nothing is recorded: an earlier try may have died between the Secret and the status.
	names, err := r.unrecorded(ctx, v)
	for _, name := range names {
		// Who may not delete could not create: the rights come together.
		if err := r.issuer.Delete(ctx, run.Namespace, name); err != nil && !apierrs.IsForbidden(err) {
			return err
		}
	}
	return err
}

// unrecorded returns the names that the run's own Secret can have: by the team that the namespace's label names, and by the one
// that it named when the Secret was made, which is the image's.
func (r *Reconciler) unrecorded(ctx context.Context, v view) (names []string, err error) {
	run, c := v.run, v.config
	if !request.Projects(c, run.Namespace, tenant.RuleNamespace) {
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
func (r *Reconciler) sweep(ctx context.Context, v view) error {
	if ended := v.run.Status.CompletionTime; ended == nil || r.clock.Since(ended.Time) > sweepWindow {
		return nil
	}
	return r.withdraw(ctx, v)
}
