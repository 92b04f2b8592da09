package push

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// explain makes an Error of what a request to the source's registry ended in.
func (r *remote) explain(ctx context.Context, err error) error {
	if errors.As(err, new(*Error)) {
		return err
	}
	var late *lateError
	if !errors.As(err, &late) && ctx.Err() != nil {
		return ended(ctx, err)
	}
	e := &Error{Err: err}
	if answered := (*answerError)(nil); errors.As(err, &answered) {
		r.explainAnswer(e, answered)
	} else {
		r.explainRequest(e)
	}
	if late != nil {
		late.explain(e)
	}
	return e
}

// explainAnswer fills e in for an answer of the source's registry.
func (r *remote) explainAnswer(e *Error, a *answerError) {
	set := func(class Class, next, format string, args ...any) {
		e.Class, e.Next, e.Problem = class, next, fmt.Sprintf(format, args...)
	}
	user, host := r.credential.Username, r.name()
	seller, _ := r.tokenService()
	switch {
	case r.explainTraffic(e, a):
	case r.explainNoTokenService(e, a):
	case isTokenRefused(e.Err) && a.status == http.StatusUnauthorized && r.key != "":
		set(ClassCredentialRefused, staleSecret(a), "%s does not know %q with this token (auths entry %q)", seller, user, r.key)
	case errors.As(e.Err, new(*unacceptedError)) && r.challenge.realm != "":
		set(ClassProtocol, "ask who runs it to compare the clocks and the signing keys of its parts",
			"%s refuses the token that its own token service has just issued", host)
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
		*e = *r.noAccess(a.Error())
	case a.status == http.StatusNotFound && a.path != pingPath && !strings.HasSuffix(a.path, "/manifests/"+r.from.reference):
		set(ClassSourceMissing, "push the image to its registry again, every platform of an index included; or name one image of the index in "+sourceFlag+", docker://HOST/REPOSITORY@sha256:…",
			"a part of the source is not in %s", r.from.name())
	case a.status == http.StatusNotFound && a.path != pingPath:
		set(ClassSourceMissing, "check repository and tag in "+sourceFlag, "the source, or a part of it, is not in %s", r.from.name())
	default:
		set(ClassProtocol, r.notInFront(), "%s sent an unexpected response", host)
	}
}

// noAccess is the error for a source that the credential, or nobody without one, may read.
func (r *remote) noAccess(proof string) *Error {
	e := &Error{Class: ClassNoAccess, Problem: fmt.Sprintf("%s does not exist, or %q may not pull from it", r.from.name(), r.credential.Username),
		Proof: fmt.Sprintf("auths entry %q: %s", r.key, proof), Next: "give it Read on the repository, or name another one in " + sourceFlag}
	if r.key == "" {
		e.Problem = fmt.Sprintf("%s does not exist, or nobody may pull from it without a credential", r.from.name())
		e.Proof, e.Next = proof, "leave "+anonymousFlag+" out, and put an entry for the source's registry into the dockerconfig; or correct "+sourceFlag
	}
	return e
}
