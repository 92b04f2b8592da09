package quaytest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Rules of Quay's bearer tokens (quay/quay:util/security/registry_jwt.py).
const (
	tokenIssuer   = "quay"
	tokenLeeway   = 30 * time.Second
	anonymousName = "(anonymous)"
)

var bearerPattern = regexp.MustCompile(`^Bearer (([a-zA-Z0-9+\-_/]+\.)+[a-zA-Z0-9+\-_/]+)$`)

// claims are the contents of a bearer token.
type claims struct {
	Issuer    string         `json:"iss"`
	Audience  *string        `json:"aud"`
	NotBefore int64          `json:"nbf"`
	IssuedAt  int64          `json:"iat"`
	Expires   int64          `json:"exp"`
	Subject   string         `json:"sub"`
	Access    []access       `json:"access"`
	Context   map[string]any `json:"context"`
}

// tokenError is why a bearer token is refused, in Quay's words.
type tokenError string

func (e tokenError) Error() string { return string(e) }

// access is what a token allows on one repository. Actions is never nil.
type access struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

// signer makes and checks RS256 tokens.
type signer struct {
	key *rsa.PrivateKey
	kid string
}

// newSigner returns the signer of this process. All Quays of a process share
// one key, since making an RSA key takes longer than most tests; the audience
// keeps their tokens apart.
var newSigner = sync.OnceValues(func() (*signer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("making token key: %w", err)
	}
	sum := sha256.Sum256(x509.MarshalPKCS1PublicKey(&key.PublicKey))
	return &signer{key: key, kid: hex.EncodeToString(sum[:])}, nil
})

// sign returns c as a compact token.
func (s *signer) sign(c claims) (string, error) {
	header, err := json.Marshal(map[string]string{"typ": "JWT", "alg": "RS256", "kid": s.kid})
	if err != nil {
		return "", fmt.Errorf("encoding token header: %w", err)
	}
	payload, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encoding token claims: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(payload)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("signing token: %w", err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// verify checks the value of an Authorization header for the given audience
// and time, and returns the token's claims. Its errors are tokenErrors.
func (s *signer) verify(header, audience string, now time.Time) (*claims, error) {
	match := bearerPattern.FindStringSubmatch(header)
	if match == nil {
		return nil, tokenError("Invalid bearer token format")
	}
	parts := strings.Split(match[1], ".")
	if len(parts) != 3 {
		return nil, tokenError("Not enough segments")
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || rsa.VerifyPKCS1v15(&s.key.PublicKey, crypto.SHA256, sum[:], signature) != nil {
		return nil, tokenError("Signature verification failed")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, tokenError("Invalid payload padding")
	}
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil {
		return nil, tokenError("Invalid payload string")
	}
	switch {
	case now.Add(-tokenLeeway).Unix() >= c.Expires:
		return nil, tokenError("Signature has expired")
	case now.Add(tokenLeeway).Unix() < c.NotBefore:
		return nil, tokenError("The token is not yet valid (nbf)")
	case c.Audience == nil:
		return nil, tokenError(`Token is missing the "aud" claim`)
	case *c.Audience != audience:
		return nil, tokenError("Audience doesn't match")
	case c.Issuer != tokenIssuer:
		return nil, tokenError("Invalid issuer")
	}
	return &c, nil
}
