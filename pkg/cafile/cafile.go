// Package cafile reads the file of certificate authorities that a user names beside the system's, and tells whether one is missing.
package cafile

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
)

// Pool returns the system's authorities, none in an image without any, and those of the PEM file at path. One without a certificate is
// an error, since it would be missed no sooner than at the first connection: an *Empty. Any other error is that of reading the file.
func Pool(path string) (*x509.CertPool, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(data) {
		return nil, empty(path, data)
	}
	return pool, nil
}

// Empty is the error for a file without a certificate.
type Empty struct {
	Path string
	// DER says that the file has certificates in another form than PEM.
	DER bool
	why string
}

func (e *Empty) Error() string { return fmt.Sprintf("%q has no PEM certificate%s", e.Path, e.why) }

// empty tells what data is instead.
func empty(path string, data []byte) *Empty {
	block, _ := pem.Decode(data)
	switch _, err := x509.ParseCertificates(data); {
	case len(bytes.TrimSpace(data)) == 0:
		return &Empty{Path: path, why: ": it is empty"}
	case err == nil:
		return &Empty{Path: path, why: ": it is DER", DER: true}
	case block == nil:
		return &Empty{Path: path, why: ": it is not PEM"}
	case block.Type != "CERTIFICATE":
		return &Empty{Path: path, why: fmt.Sprintf(", but %.40q", block.Type)}
	}
	return &Empty{Path: path, why: " that can be read"}
}
