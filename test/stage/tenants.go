package stage

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Tenant is one team of the stage, with its own namespace, Quay organization, robot and Secret.
type Tenant struct {
	Team, App, Namespace string
	// Secret is the name of its dockerconfigjson Secret, in Namespace; GitSecret of its Git user's.
	Secret, GitSecret string
	// Repository is host/organization/name that its robot may write to.
	Repository string
}

// Payments and Platform are the two tenants of the story.
var (
	Payments = Tenant{"payments", "checkout", "apps-payments-checkout", "quay-robot-team-payments", "git-payments", quayHost + "/team-payments/checkout"}
	Platform = Tenant{"platform", "sample", "apps-platform-sample", "quay-robot-team-platform", "git-platform", quayHost + "/team-platform/sample"}
)

//go:embed tenant.yaml
var tenantYAML string

// openTenants onboards both tenants, and puts the shared Tasks and Pipelines where they are used from.
func (s *Stage) openTenants(ctx context.Context) error {
	// As on OpenShift: runs that name no account have this one.
	const defaults = `--patch={"data":{"default-service-account":"pipeline"}}`
	if err := s.kubectl(ctx, nil, "patch", "configmap", "config-defaults", "--namespace=tekton-pipelines", defaults); err != nil {
		return err
	}
	if err := s.kubectl(ctx, nil, "apply", "--filename=test/stage/shared.yaml", "--filename=config/openshift/service-account.yaml"); err != nil {
		return err
	}
	if err := s.openNamespace(ctx, SharedNamespace); err != nil {
		return err
	}
	for _, t := range []Tenant{Payments, Platform} {
		manifest := strings.NewReplacer("NAMESPACE", t.Namespace, "TEAM", t.Team, "APP", t.App).Replace(tenantYAML)
		if err := s.kubectl(ctx, bytes.NewBufferString(manifest), "apply", "--filename=-"); err != nil {
			return err
		}
		if err := s.openNamespace(ctx, t.Namespace); err != nil {
			return err
		}
		if err := s.PutSecret(ctx, t, t.Secret, corev1.SecretTypeDockerConfigJson, s.Quay.Dockerconfig(t.Team)); err != nil {
			return err
		}
		if err := s.PutGitSecret(ctx, t, t.GitSecret, s.Git.Password); err != nil {
			return err
		}
	}
	return nil
}

// openNamespace puts the Tasks and Pipelines into the namespace: runs without the custom task name a Task in their own.
func (s *Stage) openNamespace(ctx context.Context, namespace string) error {
	for _, path := range []string{"tekton/task/", "tekton/stepaction/", "tekton/pipeline/", "test/stage/build-image.yaml"} {
		if err := s.koApply(ctx, path, "--recursive", "--", "--namespace="+namespace); err != nil {
			return err
		}
	}
	if err := s.putCertificates(ctx, namespace); err != nil {
		return fmt.Errorf("giving namespace %q the certificate authority: %w", namespace, err)
	}
	return nil
}

// PutSecret does External Secrets' part: it writes the Secret name in the tenant's namespace, with content under the key
// .dockerconfigjson. An earlier one is replaced.
func (s *Stage) PutSecret(ctx context.Context, t Tenant, name string, kind corev1.SecretType, content []byte) error {
	return s.replaceSecret(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: t.Namespace},
		Type: kind, Data: map[string][]byte{corev1.DockerConfigJsonKey: content}})
}

// replaceSecret makes the Secret, whose type may be another than an earlier one's.
func (s *Stage) replaceSecret(ctx context.Context, secret *corev1.Secret) error {
	secrets := s.Kube.CoreV1().Secrets(secret.Namespace)
	if err := secrets.Delete(ctx, secret.Name, metav1.DeleteOptions{}); err != nil && !apierrs.IsNotFound(err) {
		return fmt.Errorf("deleting Secret %q: %w", secret.Name, err)
	}
	_, err := secrets.Create(ctx, secret, metav1.CreateOptions{})
	return err
}

// putCertificates gives the namespace the ConfigMap that OpenShift Pipelines would bring.
func (s *Stage) putCertificates(ctx context.Context, namespace string) error {
	maps := s.Kube.CoreV1().ConfigMaps(namespace)
	bundle := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "config-trusted-cabundle"},
		Data:       map[string]string{"ca-bundle.crt": string(s.Quay.CA) + string(s.Git.CA)},
	}
	_, err := maps.Create(ctx, bundle, metav1.CreateOptions{})
	if apierrs.IsAlreadyExists(err) {
		_, err = maps.Update(ctx, bundle, metav1.UpdateOptions{})
	}
	return err
}
