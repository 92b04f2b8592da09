package gitops

import (
	"errors"

	"github.com/comptech-lab/quay-push/pkg/cafile"
)

// readAuthorities reads the certificates of --ca-file beside those of the system.
func (o *Options) readAuthorities(c *change) (err error) {
	if o.CAFile == "" {
		return nil
	}
	c.authorities, err = cafile.Pool(o.CAFile)
	empty := (*cafile.Empty)(nil)
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &empty):
		return usageError("let --ca-file be a file that can be read", "--ca-file cannot be read: %v", err)
	case empty.DER:
		return usageError("write it as PEM: openssl x509 -inform der -in FILE -out FILE.pem", "--ca-file %v", err)
	}
	return usageError("let it have the authority's certificate in PEM, which begins with -----BEGIN CERTIFICATE-----", "--ca-file %v", err)
}
