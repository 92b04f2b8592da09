package certificate_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/certificate"
)

// A client that trusts the authority takes the server for each of its names, and for no other.
func TestNew(t *testing.T) {
	server, err := certificate.New("quay.test", "127.0.0.1", "::1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tls.X509KeyPair(server.Certificate, server.Key); err != nil {
		t.Fatalf("certificate and key do not belong together: %v", err)
	}
	leaf := parse(t, server.Certificate)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(server.CA) {
		t.Fatal("the authority is no certificate")
	}
	for name, trusted := range map[string]bool{"quay.test": true, "127.0.0.1": true, "::1": true, "other.test": false, "127.0.0.2": false} {
		_, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots})
		if (err == nil) != trusted {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err == nil {
		t.Error("it proves a client, too")
	}
	for when, valid := range map[time.Duration]bool{-11 * time.Hour: true, 9 * 365 * 24 * time.Hour: true, -13 * time.Hour: false, 11 * 365 * 24 * time.Hour: false} {
		_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: time.Now().Add(when)})
		if (err == nil) != valid {
			t.Errorf("%s from now: %v", when, err)
		}
	}
}

// The authority of one server is not that of the next.
func TestNewAuthorityEach(t *testing.T) {
	one, err := certificate.New("quay.test")
	if err != nil {
		t.Fatal(err)
	}
	other, err := certificate.New("quay.test")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parse(t, other.CA))
	if _, err := parse(t, one.Certificate).Verify(x509.VerifyOptions{Roots: roots}); err == nil {
		t.Error("another authority is trusted")
	}
	if parse(t, one.Certificate).IsCA || !parse(t, one.CA).IsCA {
		t.Error("who may sign is mixed up")
	}
}

func parse(t *testing.T, text []byte) *x509.Certificate {
	t.Helper()
	block, rest := pem.Decode(text)
	if block == nil || len(rest) > 0 {
		t.Fatalf("%q is not one block of PEM", text)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}
