package stage

import (
	"context"
	"crypto/rand"
	"os/exec"
	"path/filepath"
	"runtime"

	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const vaultNamespace = "vault"

// Vault is the real one, that the cluster hosts: KV v2 at secret/, and the Kubernetes login at auth/kubernetes/.
type Vault struct {
	// Address is its URL from this machine, Inside from Pods. Token has root's rights.
	Address, Inside, Token string
}

// OpenVault starts a new, empty Vault in place of any that is there. It is built, which takes minutes the first time. It is reached
// from this machine until ctx ends.
func (s *Stage) OpenVault(ctx context.Context) (*Vault, error) {
	v := &Vault{Inside: "http://vault." + vaultNamespace + ".svc:8200", Token: rand.Text() + rand.Text()}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: vaultNamespace}}
	if _, err := s.Kube.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil && !apierrs.IsAlreadyExists(err) {
		return nil, err
	}
	// With its Pod, which has everything in memory.
	if err := s.kubectl(ctx, nil, "delete", "deployment/vault", "secret/root-token", "--namespace="+vaultNamespace, "--ignore-not-found", "--cascade=foreground"); err != nil {
		return nil, err
	}
	token := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "root-token"}, Data: map[string][]byte{"token": []byte(v.Token)}}
	if _, err := s.Kube.CoreV1().Secrets(vaultNamespace).Create(ctx, token, metav1.CreateOptions{}); err != nil {
		return nil, err
	}
	// In its own module, which is not the stage's.
	apply := exec.CommandContext(ctx, "ko", "apply", "--platform=linux/"+runtime.GOARCH, "--sbom=none", "--filename="+filepath.Join("..", "stage", "vault.yaml"))
	apply.Dir = filepath.Join(s.root, "test", "vault")
	if err := run(apply); err != nil {
		return nil, err
	}
	if err := s.kubectl(ctx, nil, "rollout", "status", "deployment/vault", "--namespace="+vaultNamespace, "--timeout=180s"); err != nil {
		return nil, err
	}
	address, err := s.forward(ctx, vaultNamespace, "vault", 8200)
	v.Address = "http://" + address
	return v, err
}
