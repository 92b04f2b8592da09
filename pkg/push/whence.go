package push

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// whence is the repository that the source is in, and as whom it is read.
type whence struct {
	*peer
	// repository is the path below the host, user who reads, key the entry of its credential in auths; the two are empty where
	// nobody is named.
	repository, user, key string
	// reference is the tag or digest.
	reference string
}

// address is host/organization/name.
func (w *whence) address() string { return w.base.Host + "/" + w.repository }

// explain makes an Error of what a request to the source's registry ended in.
func (w *whence) explain(ctx context.Context, err error) error {
	if errors.As(err, new(*Error)) {
		return err
	}
	var late *lateError
	if !errors.As(err, &late) && ctx.Err() != nil {
		return ended(ctx, err)
	}
	e := &Error{Err: err}
	if answered := (*answerError)(nil); errors.As(err, &answered) {
		w.explainAnswer(e, answered)
	} else {
		w.explainRequest(e)
	}
	if late != nil {
		late.addTo(e)
	}
	return e
}

// explainAnswer fills e in for an answer of the source's registry.
func (w *whence) explainAnswer(e *Error, a *answerError) {
	set := func(class Class, next, format string, args ...any) {
		e.Class, e.Next, e.Problem = class, next, fmt.Sprintf(format, args...)
	}
	user, host := w.user, w.name()
	seller, _ := w.tokenService()
	switch {
	case w.explainTraffic(e, a):
	case w.explainNoTokenService(e, a):
	case isTokenRefused(e.Err) && a.status == http.StatusUnauthorized && w.key != "":
		set(ClassCredentialRefused, staleSecret(a), "%s does not know %q with this token (auths entry %q)", seller, user, w.key)
	case errors.As(e.Err, new(*unacceptedError)) && w.realm != "":
		set(ClassProtocol, "ask who runs it to compare the clocks and the signing keys of its parts",
			"%s refuses the token that its own token service has just issued", host)
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
		*e = *w.noAccess(a.Error())
	case a.status == http.StatusNotFound && a.path != pingPath && !strings.HasSuffix(a.path, "/manifests/"+w.reference):
		set(ClassSourceMissing, "push the image to its registry again, every platform of an index included; or name one image of the index in "+sourceFlag+", docker://HOST/REPOSITORY@sha256:…",
			"a part of the source is not in %s", w.address())
	case a.status == http.StatusNotFound && a.path != pingPath:
		set(ClassSourceMissing, "check repository and tag in "+sourceFlag, "the source, or a part of it, is not in %s", w.address())
	default:
		set(ClassProtocol, w.notInFront(), "%s sent an unexpected response", host)
	}
}

// noAccess is the error for a source that the credential, or nobody without one, may read.
func (w *whence) noAccess(proof string) *Error {
	e := &Error{Class: ClassNoAccess, Problem: fmt.Sprintf("%s does not exist, or %q may not pull from it", w.address(), w.user),
		Proof: fmt.Sprintf("auths entry %q: %s", w.key, proof), Next: "give it Read on the repository, or name another one in " + sourceFlag}
	if w.key == "" {
		e.Problem = fmt.Sprintf("%s does not exist, or nobody may pull from it without a credential", w.address())
		e.Proof, e.Next = proof, "leave "+anonymousFlag+" out, and put an entry for the source's registry into the dockerconfig; or correct "+sourceFlag
	}
	return e
}
