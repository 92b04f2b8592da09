// Package receipttest makes keys for receipts, for tests.
package receipttest

import (
	"testing"

	"github.com/comptech-lab/quay-push/internal/certificate"
	"github.com/comptech-lab/quay-push/pkg/receipt"
)

// NewKey returns a new key, and its private and its public half in PEM, as a Secret and --receipt-key have them.
func NewKey(t testing.TB) (key receipt.Key, private, public []byte) {
	t.Helper()
	made, err := certificate.New("receipts")
	if err == nil {
		key, err = receipt.ParseKey(made.Key)
	}
	if err == nil {
		public, err = receipt.EncodePublic(key.Public())
	}
	if err != nil {
		t.Fatal(err)
	}
	return key, made.Key, public
}
