package federation

import (
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/shown"
)

// Issuer is what an issuer says of itself in its two documents.
type Issuer struct {
	// Name is the issuer's name, which is the claim iss of its tokens; KeysAt is where its keys are.
	Name, KeysAt string
	// Keys are the names of its RSA keys, Others those of keys of another kind, each with that kind.
	Keys, Others []string
}

// ReadIssuer reads an issuer's discovery document and its keys. The error says what is wrong with them.
func ReadIssuer(discovery, keys []byte) (Issuer, error) {
	var document struct {
		Issuer string `json:"issuer"`
		KeysAt string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(discovery, &document); err != nil {
		return Issuer{}, fmt.Errorf("reading the discovery document: %w", err)
	}
	if document.Issuer == "" || document.KeysAt == "" {
		return Issuer{}, errors.New("the discovery document lacks issuer or jwks_uri")
	}
	var set struct {
		Keys []struct{ Kid, Kty, N, E string } `json:"keys"`
	}
	if err := json.Unmarshal(keys, &set); err != nil {
		return Issuer{}, fmt.Errorf("reading the keys of issuer %q: %w", shown.Short(document.Issuer), err)
	}
	i := Issuer{Name: document.Issuer, KeysAt: document.KeysAt}
	for _, k := range set.Keys {
		if k.Kty == "RSA" && k.Kid != "" && isRSA(k.N, k.E) {
			i.Keys = append(i.Keys, k.Kid)
		} else {
			i.Others = append(i.Others, fmt.Sprintf("%q (%s)", shown.Short(k.Kid), shown.Short(k.Kty)))
		}
	}
	return i, nil
}

// isRSA reports whether the two numbers make an RSA key.
func isRSA(n, e string) bool {
	modulus, err := base64.RawURLEncoding.DecodeString(n)
	exponent, failed := base64.RawURLEncoding.DecodeString(e)
	key := rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: int(new(big.Int).SetBytes(exponent).Int64())}
	return err == nil && failed == nil && key.N.BitLen() >= 1024 && key.E > 1
}

// Refusal says why Quay takes no token of the issuer, and the next step; both are empty if it can take them.
func (i Issuer) Refusal() (problem, next string) {
	if problem, next := RefusalOf(i.Name); problem != "" {
		return problem, next
	}
	if len(i.Keys) == 0 {
		return fmt.Sprintf("issuer %q has no RSA key with a name, and Quay takes RS256 and RS384 alone: %s", shown.Short(i.Name), orNone(i.Others)),
			"let the issuer sign with an RSA key: --service-account-signing-key-file of the API server"
	}
	return "", ""
}

// RefusalOf says why Quay takes no token of an issuer of that name, and the next step; both are empty if nothing is wrong with the name.
func RefusalOf(name string) (problem, next string) {
	address, err := url.Parse(name)
	if err != nil || address.Scheme != "https" || address.Host == "" || address.User != nil || address.RawQuery != "" || address.Fragment != "" {
		return fmt.Sprintf("issuer %q is no address with https, and Quay asks no other", shown.Short(name)), NextPublish
	}
	return "", ""
}

// NextPublish is the next step where Quay cannot ask an issuer.
const NextPublish = "publish its two documents at an address with https that Quay reaches, and name that with --service-account-issuer of the API server"

// Inside reports whether an issuer of that name is at one that a cluster alone knows: a Quay elsewhere does not reach it.
func Inside(name string) bool {
	address, err := url.Parse(name)
	if err != nil {
		return false
	}
	host := strings.TrimSuffix(address.Hostname(), ".")
	return strings.HasSuffix(host, ".svc") || strings.HasSuffix(host, ".cluster.local") || host == "kubernetes" || host == "kubernetes.default"
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "it has no key"
	}
	return "it has " + strings.Join(names[:min(len(names), 5)], ", ")
}
