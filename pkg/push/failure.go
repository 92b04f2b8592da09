package push

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
)

// passing says whether trying again may help.
func passing(err error) bool {
	var failure *Error
	var answered *answerError
	var request *requestError
	switch {
	case errors.As(err, &failure):
		return false
	case errors.As(err, &answered):
		switch answered.status {
		case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
			http.StatusServiceUnavailable, http.StatusGatewayTimeout, 499, 520, 521, 522, 523, 524:
			return true
		}
		// Quay says the first of these when its storage failed, too: the digest is checked here before it is sent.
		return answered.code == "BLOB_UPLOAD_INVALID" || answered.code == "BLOB_UPLOAD_UNKNOWN"
	case errors.As(err, &request):
		return !errors.Is(err, errRedirect) && !untrusted(err)
	}
	return false
}

// untrusted says whether the server's certificate, or its lack of one, is the problem.
func untrusted(err error) bool {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &hostname) ||
		errors.As(err, &invalid) || errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch)
}

// again is the next step where a later run may succeed.
const again = "run it again later: what is in the registry is not sent twice"

// explain makes an Error of what a request to the registry ended in.
func (p *pusher) explain(ctx context.Context, err error) error {
	var failure *Error
	if err == nil || errors.As(err, &failure) {
		return err
	}
	if ctx.Err() != nil {
		return ended(ctx, err)
	}
	e := &Error{Class: ClassInternal, Problem: "pushing failed", Err: err}
	var answered *answerError
	if errors.As(err, &answered) {
		p.explainAnswer(e, answered)
		return e
	}
	switch {
	case errors.Is(err, errRedirect):
		e.Class, e.Problem = ClassForeignHost, "the registry redirects a push, and no part of one is sent elsewhere"
		e.Next = "check that --image-ref names the registry by its own public name"
	case errors.Is(err, http.ErrSchemeMismatch):
		e.Class, e.Problem = ClassCertificate, fmt.Sprintf("%s speaks HTTP without TLS", p.to.host)
		e.Next = "check host and port in --image-ref; --plain-http would send the credential readable"
	case untrusted(err):
		e.Class, e.Problem = ClassCertificate, fmt.Sprintf("the certificate of %s is not trusted", p.to.host)
		e.Next = "give the authority that signed it in --ca-file, or in SSL_CERT_DIR"
	case errors.Is(err, errStalled):
		e.Class, e.Problem = ClassStalled, fmt.Sprintf("%s accepts no more bytes", p.to.host)
		e.Next = again + "; a slow registry may need a longer --stall-timeout"
	default:
		e.Class, e.Problem = ClassNetwork, fmt.Sprintf("%s cannot be reached", p.to.host)
		e.Next = "check the host in --image-ref, the proxy and the network policy; " + again
	}
	return e
}

// explainAnswer fills e in for an answer of the registry.
func (p *pusher) explainAnswer(e *Error, a *answerError) {
	var token *tokenRefused
	set := func(class Class, next, format string, args ...any) {
		e.Class, e.Next, e.Problem = class, next, fmt.Sprintf(format, args...)
	}
	switch {
	case errors.As(e.Err, &token) && a.status == http.StatusUnauthorized:
		set(ClassCredentialRefused, "the token was regenerated or the robot deleted: let the Secret follow Vault, then run it again",
			"%s does not know robot %q with this token (auths entry %q)", p.to.host, p.credential.Username, p.key)
	case a.status == http.StatusUnauthorized:
		set(ClassPushDenied, fmt.Sprintf("give the robot Write on %s in Quay", p.to.repository),
			"robot %q must not push to %s", p.credential.Username, p.to.name())
	case a.status == http.StatusForbidden && a.says("quota"):
		set(ClassQuota, "delete images of the organization, or raise its quota", "the quota of organization %q is used up", firstElement(p.to.repository))
	case a.status == http.StatusMethodNotAllowed:
		set(ClassRegistryReadOnly, again, "%s takes no pushes now", p.to.host)
	case a.code == "TAG_IMMUTABLE" || a.status == http.StatusConflict:
		set(ClassTagImmutable, "choose a new tag", "a tag is immutable")
	case a.status == http.StatusRequestEntityTooLarge:
		set(ClassTooLarge, "make the layer smaller, or raise MAXIMUM_LAYER_SIZE in Quay's configuration", "something is larger than %s takes", p.to.host)
	case a.status == http.StatusTooManyRequests:
		set(ClassRateLimited, again, "%s has had too many requests", p.to.host)
	case a.status >= 500:
		set(ClassUnavailable, again, "%s fails", p.to.host)
	case a.code == "MANIFEST_INVALID" || a.status == http.StatusUnsupportedMediaType:
		set(ClassManifestRefused, "compare the media types with what this version of Quay takes", "%s refuses a manifest", p.to.host)
	case a.status == http.StatusForbidden:
		set(ClassPushDenied, "ask who runs the registry", "%s denies the push to robot %q", p.to.host, p.credential.Username)
	case a.code == "NAME_UNKNOWN" || a.code == "NAME_INVALID":
		set(ClassNoAccess, "create the repository in Quay", "%s does not exist", p.to.name())
	default:
		set(ClassProtocol, "check that --image-ref names the registry, not something in front of it", "%s gave an answer that no push expects", p.to.host)
	}
}
