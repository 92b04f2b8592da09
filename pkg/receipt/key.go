package receipt

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// ErrKey: a key is missing, of another kind, or cannot be read. Errors that wrap it hold nothing of a private key.
var ErrKey = errors.New("no key for receipts")

// Key signs with a private key. Nothing that prints it shows that: it is in a func, see package secret.
type Key struct {
	public *ecdsa.PublicKey
	sign   func(digest []byte) ([]byte, error)
}

// ParseKey reads a private key in PEM: PKCS #8, or SEC 1 (EC PRIVATE KEY), without a password. It must be an ECDSA key on P-256, of which
// every verifier knows. The error wraps ErrKey, and holds nothing of data.
func ParseKey(data []byte) (Key, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return Key{}, fmt.Errorf("%w: it is not PEM", ErrKey)
	}
	var parsed any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		parsed, err = x509.ParseECPrivateKey(block.Bytes)
	case "ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY", "ENCRYPTED PRIVATE KEY":
		return Key{}, fmt.Errorf("%w: it is encrypted, and the password would have to lie beside it", ErrKey)
	default:
		return Key{}, fmt.Errorf("%w: the first block is no private key", ErrKey)
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	switch {
	case err != nil: // What the parser says may quote it.
		return Key{}, fmt.Errorf("%w: it cannot be parsed", ErrKey)
	case !ok || private.Curve != elliptic.P256():
		return Key{}, fmt.Errorf("%w: it is not an ECDSA key on P-256", ErrKey)
	}
	return Key{&private.PublicKey, func(digest []byte) ([]byte, error) { return private.Sign(rand.Reader, digest, crypto.SHA256) }}, nil
}

// Public implements Signer.
func (k Key) Public() *ecdsa.PublicKey { return k.public }

// Sign implements Signer.
func (k Key) Sign(_ context.Context, message []byte) ([]byte, error) {
	sum := sha256.Sum256(message)
	return k.sign(sum[:])
}

// ParsePublic reads public keys in PEM (PUBLIC KEY, PKIX), one or several: of a key that was replaced receipts stay valid as long as it is
// among them. All must be ECDSA keys on P-256. The error wraps ErrKey.
func ParsePublic(data []byte) ([]*ecdsa.PublicKey, error) {
	var keys []*ecdsa.PublicKey
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "PUBLIC KEY" {
			// What else it is can be a private key that somebody took for the public one.
			return nil, fmt.Errorf("%w: block %d is not a PUBLIC KEY", ErrKey, len(keys)+1)
		}
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		public, ok := parsed.(*ecdsa.PublicKey)
		if err != nil || !ok || public.Curve != elliptic.P256() {
			return nil, fmt.Errorf("%w: block %d is not the public key of an ECDSA key on P-256", ErrKey, len(keys)+1)
		}
		keys = append(keys, public)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: there is no PEM block PUBLIC KEY", ErrKey)
	}
	return keys, nil
}

// EncodePublic is the public key in PEM, as ParsePublic and cosign --key read it.
func EncodePublic(key *ecdsa.PublicKey) ([]byte, error) {
	der, err := marshalPublic(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

func marshalPublic(key *ecdsa.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding the public key: %w", err)
	}
	return der, nil
}
