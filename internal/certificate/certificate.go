// Package certificate makes what the servers of tests and benchmarks are trusted by.
package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// Server is a server's certificate, its private key and the authority that signed it, each as PEM. The authority's own key is gone.
type Server struct {
	CA          []byte
	Certificate []byte
	Key         []byte
}

// New returns a certificate for a server that is reached as any of hosts, DNS names or IP addresses, of a new authority. It is good
// for ten years: a cluster that is kept keeps it.
func New(hosts ...string) (Server, error) {
	from := time.Now().Add(-12 * time.Hour)
	until := from.AddDate(10, 0, 0)
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of " + hosts[0]},
		NotBefore: from, NotAfter: until, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: hosts[0]},
		NotBefore: from, NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			server.IPAddresses = append(server.IPAddresses, ip)
		} else {
			server.DNSNames = append(server.DNSNames, host)
		}
	}
	signer, err := newKey()
	if err != nil {
		return Server{}, err
	}
	ca, err := sign(authority, authority, signer, signer)
	if err != nil {
		return Server{}, err
	}
	key, err := newKey()
	if err != nil {
		return Server{}, err
	}
	certificate, err := sign(server, authority, key, signer)
	if err != nil {
		return Server{}, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	return Server{CA: ca, Certificate: certificate, Key: encode("PRIVATE KEY", private)}, err
}

func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

func sign(template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("signing the certificate of %q: %w", template.Subject.CommonName, err)
	}
	return encode("CERTIFICATE", der), nil
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
