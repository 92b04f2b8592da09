// Package runsecret gives one run a Secret of its own: with its tenant's credential from the custody namespace, where no tenant can
// read, or with one that was made for the run. It lasts as long as the run.
//
// The CustomRun owns the Secret, since it is there before the Secret is and outlives the TaskRun: the Secret is made first, so
// that no TaskRun is left behind that waits for one, and deleted before the end of the run is written, so that a run which has
// ended has none, whenever the controller dies. What is deleted with its run is Kubernetes' to collect.
// Create and delete are all the rights that this needs. A right to list Secrets, to find those that are left over, would be the
// right to read every tenant's.
package runsecret

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// Issuer makes and deletes the Secrets of runs. It is safe for concurrent use.
type Issuer struct {
	// Client writes the Secrets.
	Client kubernetes.Interface
}

// Name returns the name of the run's own Secret: the tenant's, by which policies know whose it is, and the run's UID. So it is
// the same however often it is made, and no other run's.
func Name(run *v1beta1.CustomRun, names tenant.Names) string {
	return names.Secret + "." + string(run.UID)
}

// Create puts the credential into a Secret in the run's namespace: one entry, for the tenant's organization alone. It returns the
// Secret's name. The error is the API server's.
func (i Issuer) Create(ctx context.Context, run *v1beta1.CustomRun, d tenant.Decision, credential dockerconfig.Credential) (string, error) {
	secret, err := newSecret(run, d, credential)
	if err != nil {
		return "", err
	}
	create := func() error {
		_, err := i.Client.CoreV1().Secrets(run.Namespace).Create(ctx, secret, metav1.CreateOptions{})
		return err
	}
	err = create()
	if apierrs.IsAlreadyExists(err) {
		// An earlier try's, perhaps with a token that was rotated since, or one that a tenant put there. It can't be read to tell.
		if err := i.Delete(ctx, run.Namespace, secret.Name); err != nil {
			return "", err
		}
		err = create()
	}
	if err != nil {
		return "", fmt.Errorf("creating Secret %q: %w", secret.Name, err)
	}
	return secret.Name, nil
}

// Delete deletes the Secret; one that is gone is no error.
func (i Issuer) Delete(ctx context.Context, namespace, name string) error {
	err := i.Client.CoreV1().Secrets(namespace).Delete(ctx, name, metav1.DeleteOptions{})
	if err != nil && !apierrs.IsNotFound(err) {
		return fmt.Errorf("deleting Secret %q: %w", name, err)
	}
	return nil
}

// newSecret is what a push mounts, and nothing that changes while it runs.
func newSecret(run *v1beta1.CustomRun, d tenant.Decision, credential dockerconfig.Credential) (*corev1.Secret, error) {
	type entry struct {
		Auth string `json:"auth"`
	}
	file, err := json.Marshal(map[string]map[string]entry{"auths": {
		d.Registry + "/" + d.Organization: {strings.TrimPrefix(credential.Authorization().Reveal(), "Basic ")},
	}})
	if err != nil {
		return nil, fmt.Errorf("encoding dockerconfig of Secret %q: %w", d.Secret, err)
	}
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: Name(run, d.Names), Namespace: run.Namespace,
			Labels: map[string]string{v1alpha1.LabelTeam: d.Team},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: v1beta1.SchemeGroupVersion.String(), Kind: "CustomRun", Name: run.Name, UID: run.UID}},
		},
		Type:      corev1.SecretTypeDockerConfigJson,
		Immutable: new(true),
		Data:      map[string][]byte{corev1.DockerConfigJsonKey: file},
	}, nil
}
