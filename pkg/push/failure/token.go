package failure

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// TokenRefused is an error of the token service: a 401 there is about the credential, one elsewhere about the token.
type TokenRefused struct{ *Answer }

func (e *TokenRefused) Unwrap() error { return e.Answer }

// isTokenRefused reports whether err is an answer of a token service.
func isTokenRefused(err error) bool { return errors.As(err, new(*TokenRefused)) }

// tokenService is the host that tokens come from, and what it is.
func (p *Peer) tokenService() (name, host string) {
	realm, err := url.Parse(p.Realm)
	if err != nil || realm.Host == "" || SameHost(p.Base.Scheme, realm.Host, p.Base.Host) {
		return p.Name(), p.Base.Host
	}
	return fmt.Sprintf("%s, the token service of %s,", Shorten(realm.Host), strings.TrimSuffix(p.Name(), ",")), realm.Host
}

// explainNoTokenService fills e in for an answer that no token service gives, and reports whether it is one.
func (p *Peer) explainNoTokenService(e *Error, a *Answer) bool {
	if !isTokenRefused(e.Err) || a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden {
		return false
	}
	name, host := p.tokenService()
	e.Class, e.Problem = ClassProtocol, name+" does not answer as a token service"
	if host != p.Base.Host {
		e.Problem = name + " does not answer as one"
	}
	e.Next = fmt.Sprintf("ask who runs %s whether %q is its token service; %s", p.Base.Host, Shorten(p.Realm), p.NotInFront())
	return true
}

// staleSecret is the next step for a credential that the token service refuses.
func staleSecret(a *Answer) string {
	const next = "the token was regenerated or the robot deleted: let the Secret follow Vault, then run it again"
	if a.says("anonymous access is not allowed") {
		return "with FEATURE_ANONYMOUS_ACCESS off, Quay says this of every credential that it refuses; " + next
	}
	return next
}

// Unaccepted is a token that was refused as soon as it was bought. That may pass: the token service's clock may be ahead
// of the registry's.
type Unaccepted struct {
	*Answer
	// Bought is false where the registry has no token service; Known and Actions are what the token says it is for.
	Bought, Known bool
	Actions       []string
}

// Unwrap returns the answer.
func (e *Unaccepted) Unwrap() error { return e.Answer }
