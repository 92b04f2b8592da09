package push

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// passing reports whether trying again may help.
func passing(err error) bool {
	var failure *Error
	var answered *answerError
	var request *requestError
	switch {
	case errors.As(err, &failure):
		return false
	case errors.As(err, new(*unacceptedError)):
		return true
	case errors.As(err, &answered):
		switch answered.status {
		// With 200 something else, such as a page, is in the place of a manifest.
		case http.StatusOK, http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
			http.StatusServiceUnavailable, http.StatusGatewayTimeout, 499, 520, 521, 522, 523, 524:
			return true
		}
		// Quay says the first of these when its storage failed, too: the digest is checked here before it is sent.
		return answered.code == "BLOB_UPLOAD_INVALID" || answered.code == "BLOB_UPLOAD_UNKNOWN"
	case errors.As(err, &request):
		return !errors.Is(err, errRedirect) && !untrusted(err) && !refusedByProxy(err)
	}
	return false
}

// again is the next step where a later run may succeed.
const again = "run it again later: what is in the registry is not sent twice"

// explain makes an Error of what a request to the registry ended in.
func (p *pusher) explain(ctx context.Context, err error) error {
	if failure := (*Error)(nil); errors.As(err, &failure) {
		if _, remote := p.source.(*remote); remote && failure.Next == buildAgain {
			failure.Next = "build the image again, and push it to its registry again; nothing was tagged"
		}
		return err
	} else if err == nil {
		return nil
	}
	var late *lateError
	if !errors.As(err, &late) && ctx.Err() != nil {
		return ended(ctx, err)
	}
	e := &Error{Class: ClassInternal, Problem: "pushing failed", Err: err, Next: "report it, with the log of the push"}
	if answered := (*answerError)(nil); errors.As(err, &answered) {
		p.explainAnswer(e, answered)
	} else if p.registry != nil {
		p.registry.explainRequest(e)
	}
	if late != nil {
		late.explain(e)
	}
	return e
}

// explainAnswer fills e in for an answer of the registry.
func (p *pusher) explainAnswer(e *Error, a *answerError) {
	robot, host := p.credential.Username, p.to.host
	seller, _ := p.registry.tokenService()
	set := func(class Class, next, format string, args ...any) {
		e.Class, e.Next, e.Problem = class, next, fmt.Sprintf(format, args...)
	}
	switch {
	case p.registry.explainTraffic(e, a):
	case a.says("could not find robot with specified username"):
		set(ClassCredentialRefused, "create the robot again, or name the Secret of one that is there in "+dockerconfigFlag, "robot %q was deleted", robot)
	case p.registry.explainNoTokenService(e, a):
	case isTokenRefused(e.Err) && a.status == http.StatusUnauthorized:
		set(ClassCredentialRefused, staleSecret(a), "%s does not know robot %q with this token (auths entry %q)", seller, robot, p.key)
	case isTokenRefused(e.Err):
		set(ClassCredentialRefused, "ask who runs the registry whether the robot or its organization is disabled", "%s gives robot %q no token", seller, robot)
	case errors.As(e.Err, new(*unacceptedError)):
		p.explainUnaccepted(e)
	case a.status == http.StatusForbidden && a.says("quota"):
		set(ClassQuota, "delete images of the organization, or raise its quota", "the quota of organization %q is used up", firstElement(p.to.repository))
	case a.status == http.StatusMethodNotAllowed:
		set(ClassRegistryReadOnly, again, "%s takes no pushes now", host)
	case a.code == "TAG_IMMUTABLE" || a.status == http.StatusConflict:
		set(ClassTagImmutable, "choose a new tag in "+tagFlag, "a tag is immutable")
	case a.status == http.StatusRequestEntityTooLarge:
		p.explainTooLarge(e)
	case a.code == "MANIFEST_INVALID" || a.status == http.StatusUnsupportedMediaType:
		set(ClassManifestRefused, "compare the media types with what this version of Quay takes", "%s refuses a manifest", host)
	case a.status == http.StatusForbidden && a.wordless():
		set(ClassProtocol, "ask who runs the registry, and what is in front of it, such as a firewall: the robot's token has the right to push, and Quay would say what is wrong",
			"%s refuses the request without a word", host)
	case a.status == http.StatusForbidden:
		set(ClassPushDenied, "ask who runs the registry: the robot's token has the right to push", "robot %q is not allowed to push to %s", robot, p.to.name())
	case a.path != pingPath && (a.code == "NAME_UNKNOWN" || a.code == "NAME_INVALID"):
		set(ClassNoAccess, "create the repository in Quay, or correct "+imageRefFlag, "%s does not exist", p.to.name())
	default:
		set(ClassProtocol, p.registry.notInFront(), "%s sent an unexpected response", host)
	}
}

// explainUnaccepted fills e in for a token that was refused as soon as it was bought.
func (p *pusher) explainUnaccepted(e *Error) {
	var refusal *unacceptedError
	errors.As(e.Err, &refusal)
	switch {
	case !refusal.bought:
		e.Class, e.Problem = ClassPushDenied, fmt.Sprintf("%s asked for no token, and refuses a push without one", p.to.host)
		e.Next = p.registry.notInFront()
	case refusal.known && !slices.Contains(refusal.actions, "push") && !slices.Contains(refusal.actions, "*"):
		e.Class, e.Problem = ClassPushDenied, fmt.Sprintf("robot %q is not allowed to push to %s", p.credential.Username, p.to.name())
		e.Next = "give the robot Write on " + p.to.repository + " in Quay"
	default:
		e.Class, e.Problem = ClassProtocol, fmt.Sprintf("%s refuses the token that its own token service has just issued for pushing", p.to.host)
		e.Next = "ask who runs the registry to compare the clocks and the signing keys of its parts; nothing is wrong with the robot or its rights"
	}
}

// explainTooLarge fills e in for what is too large.
func (p *pusher) explainTooLarge(e *Error) {
	e.Class, e.Problem = ClassTooLarge, fmt.Sprintf("the upload exceeds the size limit of %s", p.to.host)
	if sent := (*sendError)(nil); errors.As(e.Err, &sent) {
		e.Problem = fmt.Sprintf("%s %q of %d bytes exceeds the size limit of %s", sent.what, sent.content.Digest, sent.content.Size, p.to.host)
	}
	e.Next = "make it smaller, for example by splitting a layer; or raise the limit: MAXIMUM_LAYER_SIZE in Quay, client_max_body_size or its like in what is in front"
}

// staleSecret is the next step for a credential that the token service refuses.
func staleSecret(a *answerError) string {
	const next = "the token was regenerated or the robot deleted: let the Secret follow Vault, then run it again"
	if a.says("anonymous access is not allowed") {
		return "with FEATURE_ANONYMOUS_ACCESS off, Quay says this of every credential that it refuses; " + next
	}
	return next
}

// sendError is a blob or manifest that could not be sent.
type sendError struct {
	// what is "blob" or "manifest".
	what    string
	content v1.Descriptor
	err     error
}

func (e *sendError) Error() string {
	return fmt.Sprintf("sending %s %q of %d bytes: %v", e.what, e.content.Digest, e.content.Size, e.err)
}

func (e *sendError) Unwrap() error { return e.err }

// sending names the content that err is about. An *Error stays as it is, and so does none.
func sending(what string, content v1.Descriptor, err error) error {
	if err == nil || errors.As(err, new(*Error)) {
		return err
	}
	return &sendError{what, content, err}
}
