package cli

import (
	"crypto/x509"
	"errors"

	"github.com/comptech-lab/quay-push/pkg/cafile"
)

// authorities returns the system's certificate authorities with those of a PEM file. from is the flag or variable that names the file.
func authorities(from, path string) (*x509.CertPool, error) {
	pool, err := cafile.Pool(path)
	if empty := (*cafile.Empty)(nil); errors.As(err, &empty) {
		return nil, usagef("give a file with PEM certificates; openssl x509 -inform der -in FILE makes PEM of DER", "%s %v", from, err)
	} else if err != nil {
		return nil, usagef("give a file with PEM certificates", "reading %s: %v", from, err)
	}
	return pool, nil
}
