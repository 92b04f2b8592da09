package quaytest

import (
	"cmp"
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"time"
)

const (
	// discoveryTimeout is how long an issuer may take for its first document; for the second it has all the time there is.
	discoveryTimeout = 5 * time.Second
	// maxDocument is the largest document in bytes that is read here.
	maxDocument = 1 << 20
)

// provider is an issuer, asked over TLS, as quay/quay:oauth/oidc.py does. It is made for each exchange, so it keeps nothing.
type provider struct {
	issuer string
	client *http.Client
}

func newProvider(issuer string, authorities *x509.CertPool) *provider {
	return &provider{issuer: issuer, client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment,
		TLSClientConfig: &tls.Config{RootCAs: authorities}}}}
}

// check verifies a token with the issuer's keys. They are fetched again for one that is not good, since they may be new.
func (p *provider) check(ctx context.Context, t foreign, audiences []string, now time.Time) *apiError {
	if t.kid == nil {
		return errFederated("Missing `kid` header")
	}
	issuer, keys, err := p.discover(ctx)
	if err != nil {
		return errCrash
	}
	if issuer != "" && strings.TrimRight(issuer, "/") != strings.TrimRight(p.issuer, "/") {
		return errFederated("Issuer '%s' not in configured issuers: ['%s']", p.issuer, issuer)
	}
	var refusal *apiError
	for range 2 {
		key, err := p.key(ctx, keys, t.kid.(string))
		if err != nil {
			return errCrash
		}
		if refusal = t.check(key, audiences, now); refusal == nil {
			return nil
		}
	}
	// To log what it refuses, Quay decodes it once more without a look at the signature: what is wrong then is what it says.
	return cmp.Or(t.checkIssued(now), refusal)
}

// discover reads the issuer's first document: what it calls itself, and where its keys are.
func (p *provider) discover(ctx context.Context) (issuer, keys string, err error) {
	if !strings.HasPrefix(p.issuer, "https://") {
		return "", "", fmt.Errorf("OIDC server must be accessed over SSL")
	}
	ctx, cancel := context.WithTimeout(ctx, discoveryTimeout)
	defer cancel()
	document := struct {
		Issuer  *string `json:"issuer"`
		JWKSURI string  `json:"jwks_uri"`
	}{}
	status, err := p.get(ctx, strings.TrimSuffix(p.issuer, "/")+"/.well-known/openid-configuration", &document)
	switch {
	case err != nil:
		return "", "", err
	case status/100 != 2:
		return "", "", crashWords("Could not load OIDC discovery information")
	case document.Issuer == nil:
		return p.issuer, document.JWKSURI, nil
	}
	return *document.Issuer, document.JWKSURI, nil
}

// crashWords is what Quay trips over, in its own words.
type crashWords string

func (w crashWords) Error() string { return string(w) }

// key reads the issuer's second document and finds the RSA key kid.
func (p *provider) key(ctx context.Context, address, kid string) (*rsa.PublicKey, error) {
	var set struct {
		Keys []struct{ Kty, Kid, N, E string } `json:"keys"`
	}
	status, err := p.get(ctx, address, &set)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, crashWords(fmt.Sprintf("Error loading JWK set - HTTP GET error: %d", status))
	}
	for _, key := range set.Keys {
		if key.Kid != kid {
			continue
		}
		n, nErr := base64.RawURLEncoding.DecodeString(key.N)
		e, eErr := base64.RawURLEncoding.DecodeString(key.E)
		if key.Kty != "RSA" || nErr != nil || eErr != nil || len(e) > 4 {
			return nil, crashWords(fmt.Sprintf("No RSA form of public key %s not found", kid))
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}, nil
	}
	return nil, crashWords(fmt.Sprintf("Public key %s not found", kid))
}

// get reads a document of JSON and returns the status; that of another status is not looked at.
func (p *provider) get(ctx context.Context, address string, into any) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	response, err := p.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxDocument))
	if err != nil || response.StatusCode/100 != 2 {
		return response.StatusCode, err
	}
	return response.StatusCode, json.Unmarshal(data, into)
}
