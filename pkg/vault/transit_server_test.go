//go:build vault

package vault_test

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"testing"

	"github.com/hashicorp/vault/api"

	"github.com/comptech-lab/quay-push/pkg/receipt"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
	"github.com/comptech-lab/quay-push/pkg/vault/vaulttest"
)

// version is one of a key in Vault.
type version struct {
	*vault.Client
	number int
	public *ecdsa.PublicKey
}

func (v version) Public() *ecdsa.PublicKey { return v.public }

func (v version) Sign(ctx context.Context, message []byte) ([]byte, error) {
	return v.Client.Sign(ctx, "push-receipts", v.number, message)
}

// What the real Vault signs for who may do no more than the page's policy says is a receipt, also after the key was rotated.
func TestTransit(t *testing.T) {
	server := vaulttest.Start(t)
	admin := server.Admin(t)
	if err := admin.Sys().MountWithContext(t.Context(), "transit", &api.MountInput{Type: "transit"}); err != nil {
		t.Fatal(err)
	}
	write := func(path string, data map[string]any) {
		if _, err := admin.Logical().WriteWithContext(t.Context(), path, data); err != nil {
			t.Fatal(err)
		}
	}
	write("transit/keys/push-receipts", map[string]any{"type": "ecdsa-p256"})
	write("transit/keys/other", map[string]any{"type": "aes256-gcm96"})
	token := tokenFor(t, server, "receipts", `path "transit/keys/push-receipts" { capabilities = ["read"] }
path "transit/sign/push-receipts/sha2-256" { capabilities = ["update"] }`)
	c, err := vault.New(vault.Options{Address: server.Address, Token: secret.New(token), Mount: "transit"})
	if err != nil {
		t.Fatal(err)
	}
	newest := func() version {
		number, text, err := c.SigningKey(t.Context(), "push-receipts")
		if err != nil {
			t.Fatal(err)
		}
		keys, err := receipt.ParsePublic([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return version{c, number, keys[0]}
	}
	const repository, digest = "quay.example.com/team-payments/app", "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	statement, err := receipt.New(repository, digest, receipt.Predicate{Team: "payments"})
	if err != nil {
		t.Fatal(err)
	}
	verify := func(v version) {
		t.Helper()
		data, err := receipt.Sign(t.Context(), statement, v)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := receipt.Verify(data, []*ecdsa.PublicKey{v.public}, receipt.Expectation{Repository: repository, Digest: digest, Team: "payments"}); err != nil {
			t.Error(err)
		}
	}
	first := newest()
	verify(first)
	write("transit/keys/push-receipts/rotate", nil)
	second := newest()
	verify(second)
	verify(first)
	if first.number != 1 || second.number != 2 || first.public.Equal(second.public) {
		t.Errorf("versions %d and %d, the same key: %v", first.number, second.number, first.public.Equal(second.public))
	}
	if _, _, err := c.SigningKey(t.Context(), "other"); !errors.Is(err, vault.ErrDenied) {
		t.Errorf("another key: %v", err)
	}
	if _, err := c.Sign(t.Context(), "other", 1, nil); !errors.Is(err, vault.ErrDenied) {
		t.Errorf("signing with another key: %v", err)
	}
	root, err := vault.New(vault.Options{Address: server.Address, Token: secret.New(server.Token), Mount: "transit"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := root.SigningKey(t.Context(), "other"); err == nil || errors.Is(err, vault.ErrDenied) {
		t.Errorf("a key that cannot sign: %v", err)
	}
	if _, _, err := root.SigningKey(t.Context(), "none"); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("no key: %v", err)
	}
}
