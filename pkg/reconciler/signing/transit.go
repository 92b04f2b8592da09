package signing

import (
	"context"
	"crypto/ecdsa"
	"fmt"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/receipt"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

const (
	// account is the controller's ServiceAccount, and audience for whom its token is.
	account  = "controller"
	audience = "vault"
	// lifetime is how long the token is good for, in seconds: Kubernetes makes none that is shorter.
	lifetime = 600
	// tokenTimeout is how long the API server may take to make it.
	tokenTimeout = 10 * time.Second
)

// transit is a version of a key of Vault's transit engine, which never leaves Vault.
type transit struct {
	vault   *vault.Client
	name    string
	version int
	public  *ecdsa.PublicKey
}

// Public implements receipt.Signer.
func (t transit) Public() *ecdsa.PublicKey { return t.public }

// Sign implements receipt.Signer.
func (t transit) Sign(ctx context.Context, message []byte) ([]byte, error) {
	return t.vault.Sign(ctx, t.name, t.version, message)
}

// transit returns the newest version of the key.
func (s *Signers) transit(ctx context.Context, where config.Receipts) (receipt.Signer, error) {
	client, err := s.loggedIn(ctx, where)
	if err != nil {
		return nil, err
	}
	version, text, err := client.SigningKey(ctx, where.Key)
	if err != nil {
		return nil, err
	}
	keys, err := receipt.ParsePublic([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("reading Vault's key %q: %w", where.Key, err)
	}
	return transit{client, where.Key, version, keys[0]}, nil
}

// loggedIn returns a client of that Vault, which is kept: it logs in again by itself.
func (s *Signers) loggedIn(ctx context.Context, where config.Receipts) (*vault.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil && s.of == where {
		return s.client, nil
	}
	client, err := vault.New(vault.Options{Address: where.Address, Mount: where.Mount, CAFile: s.CAFile})
	if err != nil {
		return nil, err
	}
	if err := client.LoginKubernetes(ctx, where.Login, where.Role, func() (secret.Value, error) { return s.token(context.WithoutCancel(ctx)) }); err != nil {
		return nil, err
	}
	s.client, s.of = client, where
	return client, nil
}

// token is one of the controller's own ServiceAccount.
func (s *Signers) token(ctx context.Context) (secret.Value, error) {
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	seconds := int64(lifetime)
	answer, err := s.Kube.CoreV1().ServiceAccounts(config.Namespace).CreateToken(ctx, account, &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{Audiences: []string{audience}, ExpirationSeconds: &seconds}}, metav1.CreateOptions{})
	if err != nil {
		return secret.Value{}, fmt.Errorf("asking for a token of ServiceAccount %q: %w", account, err)
	}
	return secret.New(answer.Status.Token), nil
}
