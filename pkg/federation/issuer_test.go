package federation_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/oidctest"
	"github.com/comptech-lab/quay-push/pkg/federation"
)

// document reads one of an issuer's.
func document(t *testing.T, i *oidctest.Issuer, path string) []byte {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: i.Authorities()}}}
	response, err := client.Get(i.URL() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d, %v", path, response.StatusCode, err)
	}
	return data
}

// The documents are those that the double publishes, whose RSA key Quay takes.
func TestReadIssuer(t *testing.T) {
	i := oidctest.Start(t)
	got, err := federation.ReadIssuer(document(t, i, oidctest.DiscoveryPath), document(t, i, oidctest.KeysPath))
	want := federation.Issuer{Name: i.URL(), KeysAt: i.URL() + oidctest.KeysPath, Keys: []string{"rsa-1"}, Others: []string{`"ec-1" (EC)`}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("(-want +got):\n%s%v", diff, err)
	}
	if problem, next := got.Refusal(); problem != "" || next != "" {
		t.Errorf("refused: %s; %s", problem, next)
	}
}

func TestReadIssuerRefusesWhatIsNone(t *testing.T) {
	const good = `{"issuer":"https://i.example.com","jwks_uri":"https://i.example.com/keys"}`
	for _, test := range []struct{ discovery, keys, want string }{
		{`<p>log in`, `{}`, "reading the discovery document: invalid character '<' looking for beginning of value"},
		{`{"issuer":"https://i.example.com"}`, `{}`, "the discovery document lacks issuer or jwks_uri"},
		{`{"jwks_uri":"https://i.example.com/keys"}`, `{}`, "the discovery document lacks issuer or jwks_uri"},
		{good, `no`, `reading the keys of issuer "https://i.example.com": invalid character 'o' in literal null (expecting 'u')`},
	} {
		if _, err := federation.ReadIssuer([]byte(test.discovery), []byte(test.keys)); err == nil || err.Error() != test.want {
			t.Errorf("%s %s: error is %v, want %s", test.discovery, test.keys, err, test.want)
		}
	}
}

// What Quay does not take, it does not take: anything but https, a key that is not RSA or has no name.
func TestRefusal(t *testing.T) {
	const publish = "publish its two documents at an address with https that Quay reaches, and name that with --service-account-issuer of the API server"
	const sign = "let the issuer sign with an RSA key: --service-account-signing-key-file of the API server"
	const fine = "https://i.example.com"
	rsa := key(t)
	for _, test := range []struct{ issuer, keys, problem, next string }{
		{fine, `[` + rsa + `]`, "", ""},
		{fine + "/path/", `[{"kty":"EC","kid":"e"},` + rsa + `]`, "", ""},
		{"http://i.example.com", `[` + rsa + `]`, `issuer "http://i.example.com" is no address with https, and Quay asks no other`, publish},
		{"kubernetes/serviceaccount", `[` + rsa + `]`, `issuer "kubernetes/serviceaccount" is no address with https, and Quay asks no other`, publish},
		{"https://", `[` + rsa + `]`, `issuer "https://" is no address with https, and Quay asks no other`, publish},
		{"https://me@i.example.com", `[` + rsa + `]`, `issuer "https://me@i.example.com" is no address with https, and Quay asks no other`, publish},
		{fine, `[]`, `issuer "https://i.example.com" has no RSA key with a name, and Quay takes RS256 and RS384 alone: it has no key`, sign},
		{fine, `[{"kty":"EC","kid":"e"}]`, `issuer "https://i.example.com" has no RSA key with a name, and Quay takes RS256 and RS384 alone: it has "e" (EC)`, sign},
		{fine, `[{"kty":"RSA","kid":"r","n":"AQAB","e":"AQAB"}]`, `issuer "https://i.example.com" has no RSA key with a name, and Quay takes RS256 and RS384 alone: it has "r" (RSA)`, sign},
	} {
		i, err := federation.ReadIssuer(fmt.Appendf(nil, `{"issuer":%q,"jwks_uri":"https://i.example.com/keys"}`, test.issuer), []byte(`{"keys":`+test.keys+`}`))
		if err != nil {
			t.Fatal(err)
		}
		if problem, next := i.Refusal(); problem != test.problem || next != test.next {
			t.Errorf("%s %s:\n%s; %s, want\n%s; %s", test.issuer, test.keys, problem, next, test.problem, test.next)
		}
	}
}

// key is an RSA key as an issuer publishes it.
func key(t *testing.T) string {
	t.Helper()
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(document(t, oidctest.Start(t), oidctest.KeysPath), &set); err != nil {
		t.Fatal(err)
	}
	return string(set.Keys[1])
}

// A name that a cluster alone knows is told from one that Quay may reach.
func TestInside(t *testing.T) {
	for name, want := range map[string]bool{"https://kubernetes.default.svc": true, "https://kubernetes.default.svc.cluster.local": true,
		"https://kubernetes.default.svc.cluster.local.:443": true, "https://kubernetes": true, "https://svc.example.com": false,
		"https://i.example.com/kubernetes.default.svc": false, "": false, "https://%": false} {
		if got := federation.Inside(name); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
