package registry

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// WriteCertificates makes an authority and a certificate of 127.0.0.1 that it signed, for a day. It leaves ca.crt, server.crt
// and server.key in dir and returns the path of the first.
func WriteCertificates(dir string) (caFile string, err error) {
	now := time.Now()
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		Subject: pkix.Name{CommonName: "bench authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	authority, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	ca, err := x509.CreateCertificate(rand.Reader, &template, &template, authority.Public(), authority)
	if err != nil {
		return "", err
	}
	server := template
	server.SerialNumber, server.Subject, server.IsCA, server.KeyUsage = big.NewInt(2), pkix.Name{CommonName: "bench"}, false, x509.KeyUsageDigitalSignature
	server.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	certificate, err := x509.CreateCertificate(rand.Reader, &server, &template, key.Public(), authority)
	if err != nil {
		return "", err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	for _, file := range []struct {
		name, kind string
		der        []byte
	}{{"ca.crt", "CERTIFICATE", ca}, {"server.crt", "CERTIFICATE", certificate}, {"server.key", "PRIVATE KEY", secret}} {
		content := pem.EncodeToMemory(&pem.Block{Type: file.kind, Bytes: file.der})
		if err := os.WriteFile(filepath.Join(dir, file.name), content, 0o600); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, "ca.crt"), nil
}
