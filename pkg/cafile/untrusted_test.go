package cafile_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/cafile"
)

func TestUntrusted(t *testing.T) {
	secure, plain := httptest.NewTLSServer(http.NotFoundHandler()), httptest.NewServer(http.NotFoundHandler())
	defer secure.Close()
	defer plain.Close()
	_, authority := http.Get(secure.URL)
	_, noTLS := http.Get("https://" + plain.Listener.Addr().String())
	for name, test := range map[string]struct {
		err                   error
		untrusted, withoutTLS bool
	}{
		"an authority that is not known": {authority, true, false},
		"a server without TLS":           {noTLS, true, true},
		"a certificate":                  {fmt.Errorf("asking: %w", &tls.CertificateVerificationError{Err: errors.New("x")}), true, false},
		"another name":                   {x509.HostnameError{Certificate: &x509.Certificate{}}, true, false},
		"one that has expired":           {x509.CertificateInvalidError{Reason: x509.Expired}, true, false},
		"no authorities":                 {x509.SystemRootsError{}, true, false},
		"a lost connection":              {io.ErrUnexpectedEOF, false, false},
		"nothing":                        {nil, false, false},
	} {
		if got, plain := cafile.Untrusted(test.err), cafile.WithoutTLS(test.err); got != test.untrusted || plain != test.withoutTLS {
			t.Errorf("%s (%v): untrusted %t, without TLS %t", name, test.err, got, plain)
		}
	}
}
