package failure

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/shown"
)

// Origin is the repository that the source is in, and as whom it is read.
type Origin struct {
	*Peer
	// Repository is the path below the host, User who reads, Key the entry of its credential in auths; the two are empty where
	// nobody is named.
	Repository, User, Key string
	// Reference is the tag or digest.
	Reference string
}

// address is host/organization/name.
func (w *Origin) address() string { return w.Base.Host + "/" + w.Repository }

// Explain makes an Error of what a request to the source's registry ended in.
func (w *Origin) Explain(ctx context.Context, err error) error {
	return w.explain(ctx, err, w.explainAnswer)
}

// explainAnswer fills e in for an answer of the source's registry.
func (w *Origin) explainAnswer(e *Error, a *Answer) {
	user, host := shown.QuotedRobot(w.User), w.Name()
	seller, _ := w.tokenService()
	switch {
	case w.explainTraffic(e, a):
	case w.explainNoTokenService(e, a):
	case isTokenRefused(e.Err) && a.Status == http.StatusUnauthorized && w.Key != "":
		e.set(ClassCredentialRefused, staleSecret(a), "%s does not know %s with this token (auths entry %q)", seller, user, w.Key)
	case errors.As(e.Err, new(*Unaccepted)) && w.Realm != "":
		e.set(ClassProtocol, "ask who runs it to compare the clocks and the signing keys of its parts",
			"%s refuses the token that its own token service has just issued", host)
	case a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden:
		*e = *w.NoAccess(a.Error())
	case a.Status == http.StatusNotFound && a.Path != pingPath && !strings.HasSuffix(a.Path, "/manifests/"+w.Reference):
		e.set(ClassSourceMissing, "push the image to its registry again, every platform of an index included; or name one image of the index in "+SourceFlag+", docker://HOST/REPOSITORY@sha256:…",
			"a part of the source is not in %s", w.address())
	case a.Status == http.StatusNotFound && a.Path != pingPath:
		e.set(ClassSourceMissing, "check repository and tag in "+SourceFlag, "the source, or a part of it, is not in %s", w.address())
	default:
		e.set(ClassProtocol, w.NotInFront(), "%s sent an unexpected response", host)
	}
}

// NoAccess is the error for a source that the credential, or nobody without one, may read.
func (w *Origin) NoAccess(proof string) *Error {
	e := &Error{Class: ClassNoAccess, Problem: fmt.Sprintf("%s does not exist, or %s may not pull from it", w.address(), shown.QuotedRobot(w.User)),
		Proof: fmt.Sprintf("auths entry %q: %s", w.Key, proof), Next: "give it Read on the repository, or name another one in " + SourceFlag}
	if w.Key == "" {
		e.Problem = fmt.Sprintf("%s does not exist, or nobody may pull from it without a credential", w.address())
		e.Proof, e.Next = proof, "leave "+AnonymousFlag+" out, and put an entry for the source's registry into the dockerconfig; or correct "+SourceFlag
	}
	return e
}
