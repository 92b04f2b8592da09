package oidctest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Signer is a way in which a token is signed.
type Signer string

// The signers. RS256 and RS384 are what Quay takes.
const (
	RS256 Signer = "RS256"
	RS384 Signer = "RS384"
	// PS256 is another signature by the RSA key, ES256 one by an elliptic key that the issuer names, too.
	PS256 Signer = "PS256"
	ES256 Signer = "ES256"
	// Forged is by a stranger's key under the name of the issuer's.
	Forged Signer = "forged"
	// Unpublished is by a key that the issuer does not name, Nameless by its RSA key without a name.
	Unpublished Signer = "unpublished"
	Nameless    Signer = "nameless"
)

// The names of the keys.
const (
	rsaID         = "rsa-1"
	ellipticID    = "ec-1"
	unpublishedID = "rsa-2"
)

// keys are those of all issuers of a process: making an RSA key takes longer than most tests.
var keys = sync.OnceValue(func() (k struct {
	rsa, stranger *rsa.PrivateKey
	elliptic      *ecdsa.PrivateKey
}) {
	var err error
	for _, key := range []**rsa.PrivateKey{&k.rsa, &k.stranger} {
		if *key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			panic("oidctest: " + err.Error())
		}
	}
	if k.elliptic, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		panic("oidctest: " + err.Error())
	}
	return k
})

// Claims are those of a token for subject that is good for ten minutes from now on, to be changed.
func (i *Issuer) Claims(subject string) map[string]any {
	now := time.Now()
	return map[string]any{"iss": i.URL(), "sub": subject, "aud": []string{"quay"}, "iat": now.Unix(), "nbf": now.Unix(),
		"exp": now.Add(10 * time.Minute).Unix(), "jti": rand.Text()}
}

// Token is a good token for subject.
func (i *Issuer) Token(subject string) string { return Sign(RS256, i.Claims(subject)) }

// Sign returns a token with claims, signed by.
func Sign(by Signer, claims map[string]any) string {
	k := keys()
	key, id, algorithm := any(k.rsa), rsaID, jose.SignatureAlgorithm(by)
	switch by {
	case ES256:
		key, id = k.elliptic, ellipticID
	case Forged:
		key, algorithm = k.stranger, jose.RS256
	case Unpublished:
		key, id, algorithm = k.stranger, unpublishedID, jose.RS256
	case Nameless:
		id, algorithm = "", jose.RS256
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: id}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		panic("oidctest: " + err.Error())
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		panic("oidctest: " + err.Error())
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		panic("oidctest: " + err.Error())
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		panic("oidctest: " + err.Error())
	}
	return token
}
