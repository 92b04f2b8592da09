package tenancy

import (
	"context"
	"errors"
	"fmt"

	apierrs "k8s.io/apimachinery/pkg/api/errors"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// Account is the ServiceAccount of a keyless team, for whose tokens Quay gives those of a robot.
type Account struct {
	Namespace, Name string
	// Robot is the robot's full name, one of the team's.
	Robot string
}

// Holding is what a tenant pushes with: the credential in its Secret, or, of a keyless team, a ServiceAccount.
type Holding struct {
	// Match is the entry of the Secret.
	dockerconfig.Match
	// Account is nil where the team has a Secret.
	Account *Account
}

// Held returns what the tenant has in the custody namespace to push to image with. A ServiceAccount of the Secret's name, in its place,
// makes the team keyless. With both, nobody could say by which a push would be. The error is a *SecretError, or the API server's, and
// holds nothing of the Secret's data.
func Held(ctx context.Context, cluster Cluster, custody, image string, d tenant.Decision) (Holding, error) {
	account, err := cluster.ServiceAccount(ctx, custody, d.Secret)
	switch {
	case apierrs.IsNotFound(err):
		entry, err := Credential(ctx, cluster, custody, image, d)
		return Holding{Match: entry}, err
	case apierrs.IsForbidden(err):
		// The config/custody/ of an older version does not give the right: there nobody is keyless.
		entry, err := Credential(ctx, cluster, custody, image, d)
		if missing := (*SecretError)(nil); errors.As(err, &missing) && missing.Reason == v1alpha1.ReasonSecretMissing {
			missing.Next += fmt.Sprintf("; if the team is keyless: the controller may not read ServiceAccount %q there, apply config/custody/ again", d.Secret)
		}
		return Holding{Match: entry}, err
	case err != nil:
		return Holding{}, fmt.Errorf("reading ServiceAccount %q: %w", d.Secret, err)
	}
	_, err = robotSecret(ctx, cluster, custody, d)
	switch {
	case err == nil:
		return Holding{}, &SecretError{v1alpha1.ReasonKeylessConflict,
			fmt.Sprintf("team %q has both a Secret and a ServiceAccount %q in namespace %q", d.Team, d.Secret, custody),
			"delete the Secret, with the ExternalSecret that makes it, if the team is keyless, else the ServiceAccount, see docs/custody.md"}
	case !apierrs.IsNotFound(err):
		return Holding{}, err
	}
	robot := d.RobotInUse(account.Annotations[v1alpha1.AnnotationRobot], account.Annotations[v1alpha1.AnnotationSuccessor])
	invalid := func(format string, args ...any) error {
		return &SecretError{v1alpha1.ReasonKeylessInvalid, fmt.Sprintf("ServiceAccount %q in namespace %q ", d.Secret, custody) + fmt.Sprintf(format, args...),
			fmt.Sprintf("annotate it with %s: the robot of team %s that has the federation entry, %s+<name>", v1alpha1.AnnotationRobot, d.Team, d.Organization)}
	}
	switch {
	case robot == "":
		return Holding{}, invalid("has no annotation %s, which names the robot that it is at Quay", v1alpha1.AnnotationRobot)
	case !d.OwnsRobot(robot):
		return Holding{}, invalid("names robot %.100q, which is not one of team %q", robot, d.Team)
	}
	return Holding{Account: &Account{Namespace: custody, Name: d.Secret, Robot: robot}}, nil
}
