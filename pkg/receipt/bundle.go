package receipt

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
)

const (
	// BundleType is the media type of a Sigstore bundle, and the artifact type of its referrer (sigstore/protobuf-specs: sigstore_bundle.proto).
	BundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"
	// payloadType is that of an in-toto statement in a DSSE envelope (in-toto/attestation: spec/v1/envelope.md).
	payloadType = "application/vnd.in-toto+json"
	// maxBundle is the largest bundle that is read, in bytes. One of ours has about two thousand.
	maxBundle = 64 << 10
)

// bundle is a Sigstore bundle with a public key that the verifier has, and no transparency log.
type bundle struct {
	MediaType            string `json:"mediaType"`
	VerificationMaterial struct {
		PublicKey struct {
			Hint string `json:"hint"`
		} `json:"publicKey"`
	} `json:"verificationMaterial"`
	Envelope envelope `json:"dsseEnvelope"`
}

// envelope is DSSE's (secure-systems-lab/dsse: envelope.md); encoding/json has []byte in base64, as it wants.
type envelope struct {
	Payload     []byte      `json:"payload"`
	PayloadType string      `json:"payloadType"`
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	Sig []byte `json:"sig"`
}

// Signer signs with one key, an ECDSA key on P-256.
type Signer interface {
	// Public is what verifies the signatures.
	Public() *ecdsa.PublicKey
	// Sign returns an ASN.1 signature of message's SHA-256.
	Sign(ctx context.Context, message []byte) ([]byte, error)
}

// Sign returns a Sigstore bundle v0.3 with the statement. The error is the signer's.
func Sign(ctx context.Context, s Statement, by Signer) ([]byte, error) {
	payload, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encoding the statement: %w", err)
	}
	sig, err := by.Sign(ctx, encoded(payload))
	if err != nil {
		return nil, err
	}
	hint, err := Hint(by.Public())
	if err != nil {
		return nil, err
	}
	b := bundle{MediaType: BundleType, Envelope: envelope{Payload: payload, PayloadType: payloadType, Signatures: []signature{{sig}}}}
	b.VerificationMaterial.PublicKey.Hint = hint
	if !verifies(by.Public(), b.Envelope) {
		return nil, fmt.Errorf("signing the receipt: the signature is not one of the key %s", hint)
	}
	return json.Marshal(b)
}

// encoded is what is signed of a payload: DSSE's pre-authentication encoding (secure-systems-lab/dsse: protocol.md).
func encoded(payload []byte) []byte {
	message := "DSSEv1 " + strconv.Itoa(len(payloadType)) + " " + payloadType + " " + strconv.Itoa(len(payload)) + " "
	return append([]byte(message), payload...)
}

// verifies reports whether the envelope has one signature, which is the key's. More than one no Sigstore bundle may have.
func verifies(key *ecdsa.PublicKey, e envelope) bool {
	sum := sha256.Sum256(encoded(e.Payload))
	return len(e.Signatures) == 1 && e.PayloadType == payloadType && ecdsa.VerifyASN1(key, sum[:], e.Signatures[0].Sig)
}

// Hint names a public key in a bundle, as cosign does: the SHA-256 of its PKIX form, in base64.
func Hint(key *ecdsa.PublicKey) (string, error) {
	der, err := marshalPublic(key)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(der)
	return base64.StdEncoding.EncodeToString(sum[:]), nil
}
