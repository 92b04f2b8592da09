package failure

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/shown"
)

// again is the next step where a later run may succeed.
const again = "run it again later: what is in the registry is not sent twice"

// Destination is the repository that is pushed to, and as whom.
type Destination struct {
	*Peer
	// Repository is the path below the host, Robot who pushes, Key the entry of its credential in auths; empty for one that Quay exchanged.
	Repository, Robot, Key string
}

// address is host/organization/name.
func (d *Destination) address() string { return d.Base.Host + "/" + d.Repository }

// organization is the first element of the repository.
func (d *Destination) organization() string {
	organization, _, _ := strings.Cut(d.Repository, "/")
	return organization
}

// Means is what a token is bought with.
func (d *Destination) Means() string {
	if d.Key == "" {
		return "exchanged token"
	}
	return fmt.Sprintf("auths entry %q", d.Key)
}

// Explain makes an Error of what a request to the registry ended in.
func (d *Destination) Explain(ctx context.Context, err error) error {
	return d.explain(ctx, err, d.explainAnswer)
}

// explainAnswer fills e in for an answer of the registry.
func (d *Destination) explainAnswer(e *Error, a *Answer) {
	robot, host := shown.User(d.Robot), d.Base.Host
	seller, _ := d.tokenService()
	switch {
	case d.explainTraffic(e, a):
	case a.says("could not find robot with specified username") && d.Key == "":
		e.set(ClassCredentialRefused, "create the robot again, with its federation and its rights, or name another one in "+RobotFlag, "%s was deleted", robot)
	case a.says("could not find robot with specified username"):
		e.set(ClassCredentialRefused, "create the robot again, or name the Secret of one that is there in "+DockerconfigFlag, "%s was deleted", robot)
	case d.explainNoTokenService(e, a):
	case isTokenRefused(e.Err) && a.Status == http.StatusUnauthorized && d.Key == "":
		e.set(ClassCredentialRefused, "ask whoever runs Quay whether all of its parts have the same keys and settings; nothing is wrong with the issuer's token",
			"%s does not know %s with the token that it exchanged before", seller, robot)
	case isTokenRefused(e.Err) && a.Status == http.StatusUnauthorized:
		e.set(ClassCredentialRefused, staleSecret(a), "%s does not know %s with this token (auths entry %q)", seller, robot, d.Key)
	case isTokenRefused(e.Err):
		e.set(ClassCredentialRefused, "ask who runs the registry whether the robot or its organization is disabled", "%s gives %s no token", seller, robot)
	case errors.As(e.Err, new(*Unaccepted)):
		d.explainUnaccepted(e)
	case a.Status == http.StatusForbidden && a.says("quota"):
		e.set(ClassQuota, "delete images of the organization, or raise its quota", "the quota of organization %q is used up", d.organization())
	case a.Status == http.StatusMethodNotAllowed:
		e.set(ClassRegistryReadOnly, again, "%s takes no pushes now", host)
	case a.Code == "TAG_IMMUTABLE" || a.Status == http.StatusConflict:
		e.set(ClassTagImmutable, "choose a new tag in "+TagFlag, "a tag is immutable")
	case a.Status == http.StatusRequestEntityTooLarge:
		d.explainTooLarge(e)
	case a.Code == "MANIFEST_INVALID" || a.Status == http.StatusUnsupportedMediaType:
		e.set(ClassManifestRefused, "compare the media types with what this version of Quay takes", "%s refuses a manifest", host)
	case a.Status == http.StatusForbidden && a.wordless():
		e.set(ClassProtocol, "ask who runs the registry, and what is in front of it, such as a firewall: the robot's token has the right to push, and Quay would say what is wrong",
			"%s refuses the request without a word", host)
	case a.Status == http.StatusForbidden:
		e.set(ClassPushDenied, "ask who runs the registry: the robot's token has the right to push", "%s is not allowed to push to %s", robot, d.address())
	case a.Path != pingPath && (a.Code == "NAME_UNKNOWN" || a.Code == "NAME_INVALID"):
		e.set(ClassNoAccess, "create the repository in Quay, or correct "+ImageRefFlag, "%s does not exist", d.address())
	default:
		e.set(ClassProtocol, d.NotInFront(), "%s sent an unexpected response", host)
	}
}

// explainUnaccepted fills e in for a token that was refused as soon as it was bought.
func (d *Destination) explainUnaccepted(e *Error) {
	var refusal *Unaccepted
	errors.As(e.Err, &refusal)
	switch {
	case !refusal.Bought:
		e.Class, e.Problem = ClassPushDenied, fmt.Sprintf("%s asked for no token, and refuses a push without one", d.Base.Host)
		e.Next = d.NotInFront()
	case refusal.Known && !slices.Contains(refusal.Actions, "push") && !slices.Contains(refusal.Actions, "*"):
		e.Class, e.Problem = ClassPushDenied, fmt.Sprintf("%s is not allowed to push to %s", shown.User(d.Robot), d.address())
		e.Next = "give the robot Write on " + d.Repository + " in Quay"
	default:
		e.Class, e.Problem = ClassProtocol, fmt.Sprintf("%s refuses the token that its own token service has just issued for pushing", d.Base.Host)
		e.Next = "ask who runs the registry to compare the clocks and the signing keys of its parts; nothing is wrong with the robot or its rights"
	}
}

// explainTooLarge fills e in for what is too large.
func (d *Destination) explainTooLarge(e *Error) {
	e.Class, e.Problem = ClassTooLarge, fmt.Sprintf("the upload exceeds the size limit of %s", d.Base.Host)
	if sent := (*unsent)(nil); errors.As(e.Err, &sent) {
		e.Problem = fmt.Sprintf("%s %q of %d bytes exceeds the size limit of %s", sent.what, sent.content.Digest, sent.content.Size, d.Base.Host)
	}
	e.Next = "make it smaller, for example by splitting a layer; or raise the limit: MAXIMUM_LAYER_SIZE in Quay, client_max_body_size or its like in what is in front"
}

// CheckRight fails when the robot's actions do not include push. Quay never says so when a token is bought: it leaves the
// action out (quay/quay endpoints/v2/v2auth.py).
func (d *Destination) CheckRight(actions []string) error {
	if slices.Contains(actions, "push") || slices.Contains(actions, "*") {
		return nil
	}
	name := d.address()
	e := &Error{Class: ClassPushDenied, Problem: fmt.Sprintf("%s is not allowed to push to %s", shown.User(d.Robot), name),
		Proof: fmt.Sprintf("its token, bought with the %s, has %q and needs push", d.Means(), actions),
		Next:  fmt.Sprintf("give the robot Write on %s in Quay; if it has that, look whether the repository is read-only or a mirror", d.Repository)}
	if len(actions) == 0 {
		e.Class = ClassNoAccess
		e.Problem = fmt.Sprintf("%s does not exist, or %s has no right on it", name, shown.User(d.Robot))
		e.Next = fmt.Sprintf("create the repository and give the robot Write on it, or give the robot the right to create repositories in %q", d.organization())
	}
	return e
}

// NotVerified is the error for a registry that did not keep what it was sent.
func NotVerified(format string, args ...any) *Error {
	return &Error{Class: ClassNotVerified, Problem: fmt.Sprintf(format, args...),
		Next: "look for what rewrites images between here and the registry"}
}
