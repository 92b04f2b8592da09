package pki

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestMutualTLS lets a client and a server of one authority meet, and refuses the client of another.
func TestMutualTLS(t *testing.T) {
	authority, err := New("ours")
	if err != nil {
		t.Fatal(err)
	}
	other, err := New("another")
	if err != nil {
		t.Fatal(err)
	}
	address := serve(t, authority)

	got, err := get(t, authority, authority, address)
	if err != nil {
		t.Fatal(err)
	}
	if want := "system:node:node of [system:nodes]"; got != want {
		t.Errorf("the server saw %q, want %q", got, want)
	}
	if _, err := get(t, authority, other, address); err == nil {
		t.Error("the server took another authority's client")
	}
	if _, err := get(t, other, authority, address); err == nil {
		t.Error("the client trusted a server that its authority did not sign")
	}
}

func TestServerNamesAndAddresses(t *testing.T) {
	authority, err := New("ours")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := authority.Server("kubernetes.default.svc", "10.96.0.1")
	if err != nil {
		t.Fatal(err)
	}
	leaf := load(t, pair).Leaf
	for host, want := range map[string]bool{"kubernetes.default.svc": true, "10.96.0.1": true, "10.96.0.2": false, "kubernetes": false} {
		if err := leaf.VerifyHostname(host); (err == nil) != want {
			t.Errorf("VerifyHostname(%q) = %v, want valid %v", host, err, want)
		}
	}
}

// Quay verifies no tokens but those that an RSA key signed.
func TestKeyIsFresh(t *testing.T) {
	one, err := Key()
	if err != nil {
		t.Fatal(err)
	}
	two, err := Key()
	if err != nil {
		t.Fatal(err)
	}
	if string(one) == string(two) {
		t.Error("two keys are the same")
	}
	block, rest := pem.Decode(one)
	if block == nil || len(rest) > 0 {
		t.Fatalf("%d bytes are no PEM", len(rest))
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err != nil || key.N.BitLen() != 2048 {
		t.Errorf("the key is no RSA key of 2048 bits: %v", err)
	}
}

// serve answers with the client's user and groups, and returns its address.
func serve(t *testing.T, authority *Authority) string {
	t.Helper()
	pair, err := authority.Server("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		subject := r.TLS.PeerCertificates[0].Subject
		_, _ = io.WriteString(w, subject.CommonName+" of ["+subject.Organization[0]+"]")
	}))
	server.TLS = &tls.Config{
		Certificates: []tls.Certificate{load(t, pair)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool(authority)}
	server.Config.ErrorLog = nil
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().(*net.TCPAddr).String()
}

// get asks as a client of issuer, trusting the servers of trusted.
func get(t *testing.T, trusted, issuer *Authority, address string) (string, error) {
	t.Helper()
	pair, err := issuer.Client("system:node:node", "system:nodes")
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool(trusted), Certificates: []tls.Certificate{load(t, pair)}}}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Get("https://" + address)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

func load(t *testing.T, pair Pair) tls.Certificate {
	t.Helper()
	certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func pool(authority *Authority) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority.PEM)
	return pool
}
