package push

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// isTokenRefused reports whether err is an answer of a token service.
func isTokenRefused(err error) bool { return errors.As(err, new(*tokenRefused)) }

// tokenService is the host that tokens come from, and what it is.
func (r *registry) tokenService() (name, host string) {
	realm, err := url.Parse(r.challenge.realm)
	if err != nil || realm.Host == "" || sameHost(r.base.Scheme, realm.Host, r.base.Host) {
		return r.name(), r.base.Host
	}
	return fmt.Sprintf("%s, the token service of %s,", shorten(realm.Host), strings.TrimSuffix(r.name(), ",")), realm.Host
}

// explainNoTokenService fills e in for an answer that no token service gives, and reports whether it is one.
func (r *registry) explainNoTokenService(e *Error, a *answerError) bool {
	if !isTokenRefused(e.Err) || a.status == http.StatusUnauthorized || a.status == http.StatusForbidden {
		return false
	}
	name, host := r.tokenService()
	e.Class, e.Problem = ClassProtocol, name+" does not answer as a token service"
	if host != r.base.Host {
		e.Problem = name + " does not answer as one"
	}
	e.Next = fmt.Sprintf("ask who runs %s whether %q is its token service; %s", r.base.Host, shorten(r.challenge.realm), r.notInFront())
	return true
}
