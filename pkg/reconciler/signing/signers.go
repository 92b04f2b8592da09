// Package signing finds the key that signs the receipts of pushes: in a Secret of the controller's own namespace, or in Vault.
package signing

import (
	"context"
	"fmt"
	"sync"

	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/receipt"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// SecretKey is the key of the Secret with the private key, in PEM.
const SecretKey = "receipt.key"

// Signers finds keys. It is safe for concurrent use.
type Signers struct {
	// Kube reads the Secret, and makes the token by which Vault knows the controller.
	Kube kubernetes.Interface
	// CAFile is a PEM file with the authorities of Vault; empty: the system's.
	CAFile string

	mu sync.Mutex
	// client is logged in to the Vault of of; nil before that.
	client *vault.Client
	of     config.Receipts
}

// Signer returns the key that config-tenancy names, as it is now. The error names what is missing, and holds nothing of the key.
func (s *Signers) Signer(ctx context.Context, where config.Receipts) (receipt.Signer, error) {
	if where.Secret == "" {
		return s.transit(ctx, where)
	}
	held, err := s.Kube.CoreV1().Secrets(config.Namespace).Get(ctx, where.Secret, metav1.GetOptions{})
	switch {
	case apierrs.IsForbidden(err):
		return nil, fmt.Errorf("%w: %w; the Role controller in namespace %q lets the controller read Secret receipt-key, name another one there, too",
			receipt.ErrKey, err, config.Namespace)
	case apierrs.IsNotFound(err):
		return nil, fmt.Errorf("%w: namespace %q has no Secret %q, which receipt-key in config-tenancy names", receipt.ErrKey, config.Namespace, where.Secret)
	case err != nil:
		return nil, fmt.Errorf("reading Secret %q: %w", where.Secret, err)
	}
	key, err := receipt.ParseKey(held.Data[SecretKey])
	if err != nil {
		return nil, fmt.Errorf("reading %s of Secret %q: %w", SecretKey, where.Secret, err)
	}
	return key, nil
}
