// Package permission asks a registry whether a robot may push to a repository, before anything is sent.
package permission

import (
	"context"
	"fmt"
	"slices"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/registry"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// Right is what a robot may do with a repository.
type Right struct {
	// Actions are those of the token that was bought; Known is false for one that does not tell.
	Actions []string
	Known   bool
}

// Ask buys the token that a push needs, and returns what it is good for: with an error, too, if that is not pushing. Quay creates a
// repository that is not there when the right to push to it is asked for, if the robot may create (quay/quay endpoints/v2/v2auth.py).
// Where nothing may come of the question, harmless, that right is asked for only if the robot sees the repository. The error is of class
// no-access or push-denied, or for to.Explain.
func Ask(ctx context.Context, r *registry.Registry, to *failure.Destination, harmless bool) (Right, error) {
	ask := r.Login
	if harmless {
		if err := checkExists(ctx, r, to); err != nil {
			return Right{}, err
		}
		ask = r.Rights
	}
	actions, known, err := ask(ctx, registry.ScopePush)
	if err != nil || !known {
		return Right{}, err
	}
	return Right{actions, true}, to.CheckRight(actions)
}

// checkExists makes sure that the robot sees the repository.
func checkExists(ctx context.Context, r *registry.Registry, to *failure.Destination) error {
	actions, known, err := r.Login(ctx, registry.ScopePull)
	if err != nil || !known || slices.Contains(actions, "pull") || slices.Contains(actions, "*") {
		return err
	}
	return &failure.Error{Class: failure.ClassNoAccess, Problem: fmt.Sprintf("%s/%s does not exist, or %s has no right on it", to.Base.Host, to.Repository, shown.User(to.Robot)),
		Proof: fmt.Sprintf("its token, bought with the %s, has %q", to.Means(), actions),
		Next:  "create the repository; a push would ask for the right to push, at which Quay creates it if the robot may; a rehearsal does not"}
}
