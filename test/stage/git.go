package stage

import (
	"context"
	"crypto/rand"

	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/internal/certificate"
)

const (
	gitNamespace = "git"
	// gitHost is the Service's name, which every pod resolves.
	gitHost = "git.git.svc"
	// gitSecret holds the server's certificate, the authority's, and the one user.
	gitSecret = "git-config"
)

// Git is the Git server that the cluster hosts, for one user.
type Git struct {
	// CA is the PEM of the authority that signed its certificate.
	CA []byte
	// Username and Password are the user's.
	Username, Password string
	// address is a port here that leads to it.
	address string
}

// openGit starts Debian's git as a server in the cluster. A server that is there keeps its repositories.
func (s *Stage) openGit(ctx context.Context) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: gitNamespace}}
	if _, err := s.Kube.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil && !apierrs.IsAlreadyExists(err) {
		return err
	}
	secrets := s.Kube.CoreV1().Secrets(gitNamespace)
	secret, err := secrets.Get(ctx, gitSecret, metav1.GetOptions{})
	if apierrs.IsNotFound(err) {
		if secret, err = newGitSecret(); err == nil {
			secret, err = secrets.Create(ctx, secret, metav1.CreateOptions{})
		}
	}
	if err != nil {
		return err
	}
	s.Git = &Git{CA: secret.Data["ca.crt"], Username: string(secret.Data["username"]), Password: string(secret.Data["password"])}
	if err := s.run(ctx, nil, "test/gitserver/git.sh", "test/gitserver/kodata/git"); err != nil {
		return err
	}
	if err := s.koApply(ctx, "test/stage/git.yaml"); err != nil {
		return err
	}
	if err := s.kubectl(ctx, nil, "rollout", "status", "deployment/git", "--namespace="+gitNamespace, "--timeout=180s"); err != nil {
		return err
	}
	s.Git.address, err = s.forward(ctx, gitNamespace, "git", 8443)
	return err
}

// newGitSecret makes up the user and a certificate.
func newGitSecret() (*corev1.Secret, error) {
	server, err := certificate.New(gitHost)
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: gitSecret},
		Data: map[string][]byte{"ca.crt": server.CA, "tls.crt": server.Certificate, "tls.key": server.Key,
			"username": []byte("gitlab-bot"), "password": []byte("glpat-" + rand.Text())},
	}, err
}

// PutGitSecret does External Secrets' part: it writes the Secret name in the tenant's namespace, for the Git server's user
// with password. An earlier one is replaced.
func (s *Stage) PutGitSecret(ctx context.Context, t Tenant, name, password string) error {
	return s.replaceSecret(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: t.Namespace}, Type: corev1.SecretTypeBasicAuth,
		StringData: map[string]string{corev1.BasicAuthUsernameKey: s.Git.Username, corev1.BasicAuthPasswordKey: password}})
}
