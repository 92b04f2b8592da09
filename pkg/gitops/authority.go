package gitops

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
)

// readAuthorities reads the certificates of --ca-file beside those of the system.
func (o *Options) readAuthorities(c *change) error {
	if o.CAFile == "" {
		return nil
	}
	data, err := os.ReadFile(o.CAFile)
	if err != nil {
		return usageError("let --ca-file be a file that can be read", "--ca-file cannot be read: %v", err)
	}
	if c.authorities, err = x509.SystemCertPool(); err != nil {
		c.authorities = x509.NewCertPool() // An image without any.
	}
	if c.authorities.AppendCertsFromPEM(data) {
		return nil
	}
	const next = "let it have the authority's certificate in PEM, which begins with -----BEGIN CERTIFICATE-----"
	block, _ := pem.Decode(data)
	switch _, err := x509.ParseCertificates(data); {
	case len(bytes.TrimSpace(data)) == 0:
		return usageError(next, "--ca-file %q has no certificate in it: it is empty", o.CAFile)
	case err == nil:
		return usageError("write it as PEM: openssl x509 -inform der -in FILE -out FILE.pem", "--ca-file %q has no certificate in it that is PEM: it is DER", o.CAFile)
	case block == nil:
		return usageError(next, "--ca-file %q has no certificate in it: it is not PEM", o.CAFile)
	case block.Type != "CERTIFICATE":
		return usageError(next, "--ca-file %q has no certificate in it, but %.40q", o.CAFile, block.Type)
	}
	return usageError(next, "--ca-file %q has no certificate in it that can be read", o.CAFile)
}
