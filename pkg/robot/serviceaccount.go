package robot

import (
	"context"
	"errors"
	"fmt"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
)

// serviceAccount returns what a keyless team has in the place of a Secret. One that is not there, or that names no robot of the team's, is
// an *Error.
func (s Services) serviceAccount(ctx context.Context, t Tenant) (ServiceAccount, error) {
	found, err := s.Cluster.ServiceAccount(ctx, t.Namespace, t.Secret)
	next := fmt.Sprintf("apply what tkn quay onboard %s --keyless renders, then run this again", t.Team)
	switch {
	case errors.Is(err, ErrNotFound):
		err = &Error{Reason: ReasonMissing, Problem: fmt.Sprintf("there is no ServiceAccount %q, which names the robot in use", t.Namespace+"/"+t.Secret), Next: next}
	case err == nil && !t.OwnsRobot(found.Robot):
		err = &Error{Reason: ReasonRefused, Problem: fmt.Sprintf("ServiceAccount %q names %q, which is no robot of team %q", t.Namespace+"/"+t.Secret, found.Robot, t.Team),
			// Who applies what is rendered leaves that annotation as it is.
			Next: fmt.Sprintf("run kubectl annotate serviceaccount %s --namespace %s %s-, %s", t.Secret, t.Namespace, v1alpha1.AnnotationSuccessor, next)}
	}
	return found, err
}

// nameTask has the ServiceAccount name robot: what the controller exchanges for a run from then on is a token of that.
func (s Services) nameTask(t Tenant, robot func() string) task {
	return task{id: "service-account", title: fmt.Sprintf("have ServiceAccount %q name it", t.Namespace+"/"+t.Secret), reason: ReasonConflict,
		next: nextElse,
		check: func(ctx context.Context) (bool, string, error) {
			found, err := s.serviceAccount(ctx, t)
			return found.Robot == robot(), fmt.Sprintf("it names %q", found.Robot), err
		},
		do: func(ctx context.Context) error { return s.nameRobot(ctx, t, robot()) }}
}

// nameRobot has the ServiceAccount name robot, unless that names a later one by now, as that of a leak which was answered meanwhile.
func (s Services) nameRobot(ctx context.Context, t Tenant, robot string) (err error) {
	const tries = 5
	for range tries {
		found, failed := s.serviceAccount(ctx, t)
		switch {
		case failed != nil:
			return failed
		case t.Generation(found.Robot) > t.Generation(robot):
			return &Error{Reason: ReasonConflict, Problem: fmt.Sprintf("ServiceAccount %q names %q by now, which is later than %q", t.Namespace+"/"+t.Secret, found.Robot, robot),
				Next: nextElse}
		}
		// Whoever changed something else of it in between takes nothing from this.
		if err = s.Cluster.NameRobot(ctx, t.Namespace, t.Secret, robot, found.Version, false); !errors.Is(err, ErrChanged) {
			return err
		}
	}
	return &Error{Reason: ReasonConflict, Problem: fmt.Sprintf("ServiceAccount %q changes all the time", t.Namespace+"/"+t.Secret), Err: err, Next: "see who changes it, then run it again"}
}

// checkOneCluster fails where another cluster has the team too, or does not tell: a keyless team's robot trusts one cluster alone, and what
// ended its robot here would end the pushes there.
func (s Services) checkOneCluster(ctx context.Context, t Tenant) error {
	others := s.sites(t)[1:]
	if len(others) == 0 {
		return nil
	}
	x := others[0]
	if _, err := x.ServiceAccount(ctx, x.namespace, x.secret); err != nil && !errors.Is(err, ErrNotFound) {
		return x.named(err)
	}
	return &Error{Reason: ReasonRefused, Problem: fmt.Sprintf("team %q is keyless here, and cluster %q has it too", t.Team, x.cluster),
		Next: "a team is keyless in one cluster: delete its ServiceAccount or ExternalSecret in the other, from Git first"}
}

// heir is the robot of that name, which is to take over from the one that the ServiceAccount named so far. It fails, and makes nothing,
// where that could not be finished.
func (s Services) heir(ctx context.Context, t Tenant, from, name string, repositories, foreign []string) (*keyless, error) {
	if err := s.checkOneCluster(ctx, t); err != nil {
		return nil, err
	}
	issuer, err := s.issuer(ctx)
	if err != nil {
		return nil, err
	}
	k := newKeyless(s, t, KeylessOptions{BootstrapOptions: BootstrapOptions{Foreign: foreign}, Issuer: issuer})
	// First the one of before: an issuer that it does not know of is a mistake, or another cluster.
	k.active.username, k.chosen, k.wanted = from, true, repositories
	if err := k.trust.checkAlone(ctx); err != nil {
		return nil, err
	}
	k.active.username = name
	return k, s.Cluster.NameRobot(ctx, t.Namespace, t.Secret, name, "", true)
}

// heirTasks make the robot.
func (k *keyless) heirTasks() []task {
	return append([]task{k.robotTask(fmt.Sprintf("make the robot %q", k.active.username))}, k.rightTasks()...)
}

// issuer is the name of the cluster's issuer. That nobody may know it is an *Error.
func (s Services) issuer(ctx context.Context) (string, error) {
	name, err := s.Issuer(ctx)
	if err != nil && ctx.Err() == nil {
		err = &Error{Reason: ReasonNoRight, Problem: "it is not known which issuer the robot is to trust", Err: err, Next: "give the issuer's name with --issuer"}
	}
	return name, err
}
