package push

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// explain makes an Error of what a request to the source's registry ended in.
func (r *remote) explain(ctx context.Context, err error) error {
	var failure *Error
	if errors.As(err, &failure) {
		return err
	}
	if ctx.Err() != nil {
		return ended(ctx, err)
	}
	e := &Error{Class: ClassNetwork, Err: err, Problem: fmt.Sprintf("%s, where the source is, cannot be reached", r.from.host),
		Next: "check the host in --source, the proxy and the network policy; " + again}
	var answered *answerError
	switch {
	case errors.As(err, &answered):
		r.explainAnswer(e, answered)
	case errors.Is(err, errRedirect):
		e.Class, e.Problem = ClassForeignHost, fmt.Sprintf("%s redirects to where no part of an image comes from", r.from.host)
		e.Next = "check that --source names the registry by its own public name"
	case untrusted(err):
		e.Class, e.Problem = ClassCertificate, fmt.Sprintf("the certificate of %s, where the source is, is not trusted", r.from.host)
		e.Next = "give the authority that signed it in --ca-file, or in SSL_CERT_DIR"
	case errors.Is(err, errStalled):
		e.Class, e.Problem = ClassStalled, fmt.Sprintf("%s, where the source is, sends no more bytes", r.from.host)
		e.Next = again
	}
	return e
}

// explainAnswer fills e in for an answer of the source's registry.
func (r *remote) explainAnswer(e *Error, a *answerError) {
	var token *tokenRefused
	switch {
	case errors.As(e.Err, &token) && a.status == http.StatusUnauthorized && r.key != "":
		e.Class, e.Problem = ClassCredentialRefused, fmt.Sprintf("%s, where the source is, does not know %q with this token (auths entry %q)", r.from.host, r.credential.Username, r.key)
		e.Next = "the token was regenerated or the robot deleted: let the Secret follow Vault, then run it again"
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
		*e = *r.noAccess(a.Error())
	case a.status == http.StatusNotFound:
		e.Class, e.Problem = ClassSourceMissing, fmt.Sprintf("the source, or a part of it, is not in %s", r.from.name())
		e.Next = "check repository and tag in --source"
	case a.status == http.StatusTooManyRequests:
		e.Class, e.Problem, e.Next = ClassRateLimited, fmt.Sprintf("%s, where the source is, has had too many requests", r.from.host), again
	case a.status >= 500:
		e.Class, e.Problem, e.Next = ClassUnavailable, fmt.Sprintf("%s, where the source is, fails", r.from.host), again
	default:
		e.Class, e.Problem = ClassProtocol, fmt.Sprintf("%s gave an answer that no pull expects", r.from.host)
		e.Next = "check that --source names the registry, not something in front of it"
	}
}

// noAccess is the error for a source that the credential, or nobody without one, may read.
func (r *remote) noAccess(proof string) *Error {
	e := &Error{Class: ClassNoAccess, Problem: fmt.Sprintf("%s does not exist, or %q must not pull from it", r.from.name(), r.credential.Username),
		Proof: fmt.Sprintf("auths entry %q: %s", r.key, proof), Next: "give it Read on the repository, or name another one in --source"}
	if r.key == "" {
		e.Problem = fmt.Sprintf("%s does not exist, or nobody may pull from it without a credential", r.from.name())
		e.Proof, e.Next = proof, "leave --source-anonymous out, and put an entry for the source into the dockerconfig"
	}
	return e
}
