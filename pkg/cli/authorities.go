package cli

import (
	"crypto/x509"
	"fmt"
	"os"
)

// authorities returns the system's certificate authorities with those of a PEM file. from is the flag or variable that names the file; one
// without a certificate is an error, since it would be missed no sooner than at the first connection.
func authorities(from, path string) (*x509.CertPool, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, usagef("give a file with PEM certificates", "reading %s: %v", from, err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("reading the system's authorities: %w", err)
	}
	if !pool.AppendCertsFromPEM(data) {
		return nil, usagef("give a file with PEM certificates; openssl x509 -inform der -in FILE makes PEM of DER", "%s %q has no PEM certificate", from, path)
	}
	return pool, nil
}
