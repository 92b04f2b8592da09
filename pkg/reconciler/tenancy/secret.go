package tenancy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/reference"
	"github.com/comptech-lab/quay-push/pkg/shown"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// SecretError is a Secret, or a ServiceAccount in its place, that nobody can push with. Its text names it and the next step, and nothing
// of its data.
type SecretError struct {
	// Reason is one of v1alpha1.ReasonSecretMissing, ReasonSecretUnreadable and ReasonSecretInvalid; in custody also of
	// ReasonKeylessConflict, ReasonKeylessInvalid and ReasonKeylessUnsupported.
	Reason string
	// Problem says what is wrong, Next what would mend it.
	Problem, Next string
}

func (e *SecretError) Error() string { return e.Problem + "; " + e.Next }

// Credential returns the entry that a push to image, or to the tenant's organization if image is empty, would use of the tenant's
// Secret in namespace. The Secret has to be of type and key of a dockerconfigjson, and the entry one of the tenant's own
// robots. Asked before any Pod waits for it: one with a Secret volume that is missing stays Pending until the timeout
// (tektoncd/pipeline#3897). The error is a *SecretError, or the API server's, and holds nothing of the Secret's data.
func Credential(ctx context.Context, cluster Cluster, namespace, image string, d tenant.Decision) (dockerconfig.Match, error) {
	var none dockerconfig.Match
	secret, err := robotSecret(ctx, cluster, namespace, d)
	switch {
	case apierrs.IsNotFound(err):
		return none, missing(ctx, cluster, namespace, d)
	case err != nil:
		return none, err
	}
	invalid := func(next, format string, args ...any) error {
		return &SecretError{v1alpha1.ReasonSecretInvalid,
			fmt.Sprintf("Secret %q in namespace %q ", d.Secret, namespace) + fmt.Sprintf(format, args...), next}
	}
	const template = "correct the template of its ExternalSecret, see docs/install.md"
	if secret.Type != corev1.SecretTypeDockerConfigJson {
		return none, invalid(template, "has type %q, not %q", secret.Type, corev1.SecretTypeDockerConfigJson)
	}
	data, ok := secret.Data[corev1.DockerConfigJsonKey]
	if !ok {
		return none, invalid(template, "has no key %q", corev1.DockerConfigJsonKey)
	}
	if len(data) > maxRobotFile {
		return none, invalid("have its ExternalSecret render one entry", "has more than %d bytes in key %q, and a robot's entry has a few hundred", maxRobotFile, corev1.DockerConfigJsonKey)
	}
	file, err := dockerconfig.Parse(data)
	if err != nil {
		return none, invalid(template, "cannot be used: %v", err)
	}
	repository := d.Organization
	if _, path, ok := strings.Cut(image, "/"); ok {
		repository = reference.Bare(path)
	}
	match, err := file.For(d.Registry, repository)
	switch {
	case errors.Is(err, dockerconfig.ErrNoEntry):
		return none, invalid("let its ExternalSecret render the registry's host as the key of auths", "has no entry for registry %q: %v", d.Registry, err)
	case err != nil:
		return none, invalid(template, "cannot be used: %v", err)
	case !d.OwnsRobot(match.Credential.Username):
		return none, invalid("let its ExternalSecret read the Vault path of team "+d.Team,
			"holds %s, team %q pushes with %q", shown.User(match.Credential.Username), d.Team, d.Robot(1))
	}
	return match, nil
}

// robotSecret reads the tenant's Secret. One that is missing is the API server's error, and one that may not be read a *SecretError.
func robotSecret(ctx context.Context, cluster Cluster, namespace string, d tenant.Decision) (*corev1.Secret, error) {
	secret, err := cluster.Secret(ctx, namespace, d.Secret)
	switch {
	case apierrs.IsForbidden(err):
		return nil, &SecretError{v1alpha1.ReasonSecretUnreadable,
			fmt.Sprintf("the controller may not read Secret %q in namespace %q", d.Secret, namespace),
			"give it a Role with verb get on that name, see docs/install.md"}
	case err != nil:
		return nil, fmt.Errorf("reading Secret %q: %w", d.Secret, err)
	}
	return secret, nil
}

// maxRobotFile is how large the file in a robot's Secret may be, in bytes. It has one entry, or a few.
const maxRobotFile = 64 << 10

// slimSecret returns what a check of a robot's Secret looks at. Of a file that is too large so much is left that this is seen.
func slimSecret(secret *corev1.Secret) *corev1.Secret {
	slim := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: secret.Name, Namespace: secret.Namespace}, Type: secret.Type}
	if data, ok := secret.Data[corev1.DockerConfigJsonKey]; ok {
		slim.Data = map[string][]byte{corev1.DockerConfigJsonKey: bytes.Clone(data[:min(len(data), maxRobotFile+1)])}
	}
	return slim
}

// missing tells with External Secrets' own words why the Secret is not there.
func missing(ctx context.Context, cluster Cluster, namespace string, d tenant.Decision) error {
	next := fmt.Sprintf("see kubectl describe externalsecret %s --namespace %s", d.Secret, namespace)
	ready, err := cluster.ExternalSecretReady(ctx, namespace, d.Secret)
	switch {
	case err != nil:
		next = fmt.Sprintf("create it, or the ExternalSecret %q that makes it (which the controller cannot read: %v)", d.Secret, err)
	case ready == "":
		next = fmt.Sprintf("create it, or the ExternalSecret %q that makes it", d.Secret)
	default:
		next = "External Secrets says " + ready + "; " + next
	}
	return &SecretError{v1alpha1.ReasonSecretMissing,
		fmt.Sprintf("team %q has no Secret %q in namespace %q", d.Team, d.Secret, namespace), next}
}
