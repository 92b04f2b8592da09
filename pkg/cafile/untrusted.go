package cafile

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
)

// Untrusted reports whether err means that the server's certificate, or its lack of one, is the problem.
func Untrusted(err error) bool {
	return WithoutTLS(err) || errors.As(err, new(*tls.CertificateVerificationError)) || errors.As(err, new(x509.UnknownAuthorityError)) ||
		errors.As(err, new(x509.HostnameError)) || errors.As(err, new(x509.CertificateInvalidError)) || errors.As(err, new(x509.SystemRootsError))
}

// WithoutTLS reports whether err means that the server speaks something else.
func WithoutTLS(err error) bool {
	return errors.As(err, new(tls.RecordHeaderError)) || errors.Is(err, http.ErrSchemeMismatch)
}
