package push

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// tokenRefused is an error of the token service: a 401 there is about the credential, one elsewhere about the token.
type tokenRefused struct{ *answerError }

func (e *tokenRefused) Unwrap() error { return e.answerError }

// isTokenRefused reports whether err is an answer of a token service.
func isTokenRefused(err error) bool { return errors.As(err, new(*tokenRefused)) }

// tokenService is the host that tokens come from, and what it is.
func (p *peer) tokenService() (name, host string) {
	realm, err := url.Parse(p.realm)
	if err != nil || realm.Host == "" || sameHost(p.base.Scheme, realm.Host, p.base.Host) {
		return p.name(), p.base.Host
	}
	return fmt.Sprintf("%s, the token service of %s,", shorten(realm.Host), strings.TrimSuffix(p.name(), ",")), realm.Host
}

// explainNoTokenService fills e in for an answer that no token service gives, and reports whether it is one.
func (p *peer) explainNoTokenService(e *Error, a *answerError) bool {
	if !isTokenRefused(e.Err) || a.status == http.StatusUnauthorized || a.status == http.StatusForbidden {
		return false
	}
	name, host := p.tokenService()
	e.Class, e.Problem = ClassProtocol, name+" does not answer as a token service"
	if host != p.base.Host {
		e.Problem = name + " does not answer as one"
	}
	e.Next = fmt.Sprintf("ask who runs %s whether %q is its token service; %s", p.base.Host, shorten(p.realm), p.notInFront())
	return true
}

// staleSecret is the next step for a credential that the token service refuses.
func staleSecret(a *answerError) string {
	const next = "the token was regenerated or the robot deleted: let the Secret follow Vault, then run it again"
	if a.says("anonymous access is not allowed") {
		return "with FEATURE_ANONYMOUS_ACCESS off, Quay says this of every credential that it refuses; " + next
	}
	return next
}

// unacceptedError is a token that was refused as soon as it was bought. That may pass: the token service's clock may be ahead
// of the registry's.
type unacceptedError struct {
	*answerError
	// bought is false where the registry has no token service; known and actions are what the token says it is for.
	bought, known bool
	actions       []string
}

// Unwrap returns the answer.
func (e *unacceptedError) Unwrap() error { return e.answerError }
