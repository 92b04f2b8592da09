package failure

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/comptech-lab/quay-push/pkg/cafile"
)

// explainTLS fills e in for a server that cannot be trusted.
func (p *Peer) explainTLS(e *Error) {
	e.Class = ClassCertificate
	name, host := p.Party(e.Err)
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case cafile.WithoutTLS(e.Err):
		e.Problem = fmt.Sprintf("%s speaks HTTP without TLS", name)
		e.Next = "check host and port in " + p.Role.flag + p.Role.withoutTLS
	case errors.As(e.Err, &hostname):
		e.Problem = fmt.Sprintf("the certificate of %s is for another name", name)
		e.Next = p.hostnameNext(hostname, host)
	case errors.As(e.Err, &invalid):
		explainInvalid(e, name, invalid)
	case errors.As(e.Err, &authority) && p.CAFile != "":
		e.Problem = fmt.Sprintf("the certificate of %s is signed by an authority that is neither in --ca-file nor one of the system's", name)
		e.Next = fmt.Sprintf("compare the issuers that openssl s_client -connect %s -showcerts prints with those in --ca-file: one of them is missing there", host)
	default:
		e.Problem = fmt.Sprintf("the certificate of %s is signed by an authority that is not trusted here", name)
		e.Next = "give the authority that signed it in --ca-file or SSL_CERT_DIR (key ca-bundle.crt of the ConfigMap config-trusted-cabundle)"
	}
}

// hostnameNext is the next step for a certificate that is for another name.
func (p *Peer) hostnameNext(err x509.HostnameError, host string) string {
	c := err.Certificate
	names := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "let who runs it issue the certificate with a subjectAltName: it has none, and the common name does not count"
	}
	others := fmt.Sprintf("let the certificate be issued for %q, too: it is for %q", err.Host, names[:min(len(names), 5)])
	if host != p.Base.Host {
		return others
	}
	return fmt.Sprintf("name the registry in %s as its certificate does, or %s", p.Role.flag, others)
}

// explainInvalid fills e in for a certificate that nobody may accept, be it the server's or one that signed it.
func explainInvalid(e *Error, name string, err x509.CertificateInvalidError) {
	now := time.Now()
	const clock = "the node's clock says %s: if that is right, %s"
	switch {
	case err.Reason == x509.Expired && now.Before(err.Cert.NotBefore):
		e.Problem = fmt.Sprintf("the certificate of %s is not valid yet", name)
		e.Next = fmt.Sprintf(clock, now.UTC().Format(time.RFC3339), "run it again after "+err.Cert.NotBefore.UTC().Format(time.RFC3339))
	case err.Reason == x509.Expired:
		e.Problem = fmt.Sprintf("the certificate of %s, or one that signed it, has expired", strings.TrimSuffix(name, ","))
		e.Next = fmt.Sprintf(clock, now.UTC().Format(time.RFC3339), fmt.Sprintf("who runs it has to renew the certificate of %q", Shorten(err.Cert.Subject.String())))
	default:
		e.Problem = fmt.Sprintf("the certificate of %s, or one that signed it, is not valid", strings.TrimSuffix(name, ","))
		e.Next = fmt.Sprintf("who runs it has to issue the certificate of %q anew: the proof says what is wrong with it", Shorten(err.Cert.Subject.String()))
	}
}
