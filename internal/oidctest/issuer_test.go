package oidctest_test

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/comptech-lab/quay-push/internal/oidctest"
)

// client trusts the issuer.
func client(i *oidctest.Issuer) *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: i.Authorities()}, DisableKeepAlives: true}}
}

// get reads a document.
func get[T any](t *testing.T, i *oidctest.Issuer, address string) (document T) {
	t.Helper()
	response, err := client(i).Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&document); err != nil {
		t.Fatal(err)
	}
	return document
}

// keySet are the keys to which the issuer's discovery leads.
func keySet(t *testing.T, i *oidctest.Issuer) jose.JSONWebKeySet {
	t.Helper()
	discovery := get[struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}](t, i, i.URL()+oidctest.DiscoveryPath)
	if discovery.Issuer != i.URL() {
		t.Errorf("the issuer calls itself %q, want %q", discovery.Issuer, i.URL())
	}
	return get[jose.JSONWebKeySet](t, i, discovery.Keys)
}

// A token verifies with the key that its header names, unless that is forged or not there.
func TestTokensVerify(t *testing.T) {
	i := oidctest.Start(t)
	set := keySet(t, i)
	every := []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.PS256, jose.ES256}
	for by, want := range map[oidctest.Signer]bool{oidctest.RS256: true, oidctest.RS384: true, oidctest.PS256: true, oidctest.ES256: true,
		oidctest.Forged: false, oidctest.Unpublished: false, oidctest.Nameless: false} {
		token, err := jose.ParseSigned(oidctest.Sign(by, i.Claims("repo:team/app")), every)
		if err != nil {
			t.Fatal(err)
		}
		header := token.Signatures[0].Header
		payload, verifies := []byte(nil), false
		for _, key := range set.Key(header.KeyID) {
			payload, err = token.Verify(key)
			verifies = err == nil
		}
		if verifies != want {
			t.Errorf("%s verifies: %v, want %v", by, verifies, want)
		}
		var claims struct{ Iss, Sub string }
		if verifies && (json.Unmarshal(payload, &claims) != nil || claims.Iss != i.URL() || claims.Sub != "repo:team/app") {
			t.Errorf("%s: claims are %s", by, payload)
		}
		if want := oidctest.Signer(header.Algorithm); by == oidctest.ES256 && want != by || by == oidctest.Nameless && header.KeyID != "" {
			t.Errorf("%s: header is %+v", by, header)
		}
	}
	if got := i.Requests(); !slices.Equal(got, []string{oidctest.DiscoveryPath, oidctest.KeysPath}) {
		t.Errorf("requests are %q", got)
	}
}

// A document can be another one, and nobody gets any from an issuer that ended.
func TestIssuerFails(t *testing.T) {
	i := oidctest.Start(t)
	i.Answer(oidctest.KeysPath, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	status := func(path string) int {
		response, err := client(i).Get(i.URL() + path)
		if err != nil {
			return 0
		}
		response.Body.Close()
		return response.StatusCode
	}
	for path, want := range map[string]int{oidctest.KeysPath: 418, oidctest.DiscoveryPath: 200, "/other": 404} {
		if got := status(path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	i.Answer(oidctest.KeysPath, nil)
	if got := status(oidctest.KeysPath); got != 200 {
		t.Errorf("the keys: %d", got)
	}
	i.Stop()
	if got := status(oidctest.KeysPath); got != 0 {
		t.Errorf("an issuer that ended answers %d", got)
	}
}
