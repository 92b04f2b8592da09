package failure

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/shown"
)

// ErrRedirect is a redirect that was not followed: no part of a push needs one, and it could carry a credential off.
var ErrRedirect = errors.New("redirect refused")

// Redirect is one, with where it leads.
type Redirect struct{ To *url.URL }

func (e *Redirect) Error() string { return fmt.Sprintf("%v to %q", ErrRedirect, Address(e.To)) }

func (e *Redirect) Unwrap() error { return ErrRedirect }

// Address is u without user and query, which may hold a secret, and bounded.
func Address(u *url.URL) string {
	return Shorten((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String())
}

// explainRedirect fills e in for a redirect that was not followed.
func (p *Peer) explainRedirect(e *Error, redirected *Redirect) {
	e.Class = ClassForeignHost
	e.Problem = fmt.Sprintf("%s redirects the request, and push-image follows no redirect with a credential", p.Name())
	e.Next = p.LeadsTo(redirected.To)
}

// LeadsTo is the next step for a server that sends its clients to u, which is not where they may go.
func (p *Peer) LeadsTo(u *url.URL) string {
	itself := strings.EqualFold(u.Hostname(), p.Base.Hostname())
	switch {
	case itself && u.Scheme == "https" && p.Base.Scheme == "http":
		return "leave --plain-http out: the registry has TLS"
	case itself && u.Scheme == "http" && p.Base.Scheme == "https":
		return "tell the registry that TLS ends in front of it: PREFERRED_URL_SCHEME: https and EXTERNAL_TLS_TERMINATION: true in Quay's configuration, or X-Forwarded-Proto: https from the proxy"
	case u.Scheme != p.Base.Scheme:
		return "let who runs the registry serve that address by TLS, as the registry itself"
	case itself:
		return p.NotInFront() + "; it leads to another address of the same host"
	}
	return fmt.Sprintf("if %q is the registry, name it in %s; else look for what sends its clients there", shown.Cut(u.Host, 100), p.Role.flag)
}

// Foreign is the error for a server that sends us where the credential must not go. what begins it.
func (p *Peer) Foreign(what string, to *url.URL, want, elsewhere string) error {
	e := &Error{Class: ClassForeignHost, Proof: fmt.Sprintf("it named %q", (&url.URL{Scheme: to.Scheme, Host: Shorten(to.Host)}).String()), Next: p.LeadsTo(to)}
	switch {
	case to.User != nil:
		e.Problem = fmt.Sprintf("%s to an address with a user in it, and the credential goes to %q alone", what, want)
		e.Next = "let who runs the registry take the user out of that address"
	case to.Scheme != p.Base.Scheme:
		whose := "another host"
		if strings.EqualFold(to.Hostname(), p.Base.Hostname()) {
			whose = "its own host"
		}
		e.Problem = fmt.Sprintf("%s to %s by %s, not %s", what, whose, schemeName(to.Scheme), schemeName(p.Base.Scheme))
	case strings.EqualFold(to.Hostname(), p.Base.Hostname()):
		e.Problem = fmt.Sprintf("%s to another port of its host, and the credential goes to %q alone", what, want)
		e.Next = elsewhere
	default:
		e.Problem = fmt.Sprintf("%s to another host, and the credential goes to %q alone", what, want)
		e.Next = elsewhere
	}
	return e
}

// schemeName is a scheme in words.
func schemeName(scheme string) string {
	switch scheme {
	case "http":
		return "HTTP without TLS"
	case "https":
		return "HTTP with TLS"
	}
	return fmt.Sprintf("%q", Shorten(scheme))
}
