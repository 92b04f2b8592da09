package federation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/comptech-lab/quay-push/pkg/cafile"
	"github.com/comptech-lab/quay-push/pkg/proxy"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// notQuay is the next step for an answer that is not Quay's.
const notQuay = "see whether the address is Quay's, and what answers in front of it, such as a login, a firewall or a proxy: it has to let this request through"

// explain is the error for an answer without a token.
func (x *exchange) explain(a answer) *Error {
	words, own := a.said()
	e := x.failed(CauseForeign, notQuay, "the answer is not one of Quay's")
	switch {
	case a.status == http.StatusTooManyRequests:
		e = x.failed(CauseBusy, "run it again later", "Quay asks to wait")
		e.passing = true
	case a.status == http.StatusInternalServerError:
		e = x.explainCrash()
	case a.status > http.StatusInternalServerError:
		e = x.failed(CauseAway, "see whether Quay runs behind its proxy, then run it again", "Quay is away")
		e.passing = true
	case a.status == http.StatusNotFound:
		e = x.failed(CauseTooOld, fmt.Sprintf("look at https://%s/config for version_number: Quay exchanges tokens since 3.13; where it is newer, %s", x.base.Host, notQuay),
			"there is no such exchange")
	case a.status == http.StatusUnauthorized && own:
		e = x.failed(CauseRefused, "see whether something in front of Quay takes the Authorization header away or changes it", "Quay did not get the robot's name with a token")
	case a.status == http.StatusBadRequest && own:
		e = x.explainRefusal(words)
	}
	e.Proof = x.proof(a)
	return e
}

// explainRefusal is the error for a token that Quay does not take, by its words (quay/quay util/security/federated_robot_auth.py, oauth/oidc.py).
func (x *exchange) explainRefusal(words string) *Error {
	issuer, subject := shown.Short(x.claims.issuer), shown.Short(x.claims.subject)
	// Quay repeats the issuer, which may have any words in it.
	rest := strings.ReplaceAll(words, x.claims.issuer, "")
	says := func(part string) bool { return strings.Contains(rest, part) }
	switch {
	case says("Could not find robot"):
		return x.failed(CauseNoRobot, "correct the robot's name, or create the robot in Quay", "Quay has no such robot")
	case says("does not have federated login"):
		return x.failed(CauseNoFederation, fmt.Sprintf("give the robot issuer %q and subject %q in Quay: Robot accounts, Set robot federation", issuer, subject), "the robot trusts no issuer")
	case says("not configured for this robot"):
		return x.failed(CauseIssuer, fmt.Sprintf("give the robot that issuer and subject %q in Quay: Robot accounts, Set robot federation; each character counts, also a slash at the end", subject),
			"the robot does not trust issuer %q", issuer)
	case says("Token does not match robot"):
		return x.failed(CauseSubject, "give the robot that subject in Quay, each character of it; what CI writes there depends on the branch, the tag or the environment of the run",
			"the robot trusts issuer %q, and there not subject %q", issuer, subject)
	case says("Signature has expired"):
		return x.failed(CauseExpired, "ask the issuer for a token right before the push; if it was made just now, compare the clocks of the issuer and of Quay, which may differ by 30 s",
			"the token expired at %s", when(x.claims.expiry))
	case says("not yet valid"), says("cannot be in the future"):
		return x.failed(CauseClock, "compare the clocks of the issuer and of Quay: they may differ by 30 s", "the token was issued at %s, which is in the future for Quay", when(x.claims.issuedAt))
	case says("Signature verification failed"):
		return x.failed(CauseSignature, "see whether the issuer made this token; if so, its key set is old: a new key needs a new name",
			"the token is not signed by key %q of issuer %q", shown.Short(x.claims.key), issuer)
	case says("alg value is not allowed"):
		return x.algorithm()
	case says("Audience doesn't match"), says(`"aud" claim`):
		return x.failed(CauseAudience, "ask the issuer for a token of the audience that the robot's federation in Quay has", "the robot does not trust the token's audience")
	case says("not in configured issuers"), says("Invalid issuer"):
		return x.failed(CauseIssuerDocument, "let the field issuer of "+x.discovery()+" be that of its tokens", "issuer %q calls itself something else", issuer)
	case says("`kid`"):
		return x.failed(CauseToken, "let the issuer name the key in the header of its tokens", "the token does not say by which key it is signed")
	}
	return x.failed(CauseRefused, "see in the proof what Quay has against the token", "Quay does not take the token of issuer %q", issuer)
}

// explainCrash is the error for what Quay answers when it cannot verify a token: it says nothing of the reason.
func (x *exchange) explainCrash() *Error {
	switch {
	case x.claims.algorithm != "RS256" && x.claims.algorithm != "RS384":
		return x.algorithm()
	case !strings.HasPrefix(x.claims.issuer, "https://"):
		return x.failed(CauseIssuerDocument, "let the issuer have an address with https: Quay asks no other", "issuer %q is without https", shown.Short(x.claims.issuer))
	}
	e := x.failed(CauseUnverified, fmt.Sprintf("see from Quay's own host that %s answers within 5 s with a certificate that Quay trusts (extra_ca_certs), and that the RSA key %q is in its jwks_uri; Quay's log has the reason",
		x.discovery(), shown.Short(x.claims.key)), "Quay could not verify the token of issuer %q", shown.Short(x.claims.issuer))
	e.passing = true
	return e
}

// algorithm is the error for a signature that Quay does not take.
func (x *exchange) algorithm() *Error {
	return x.failed(CauseAlgorithm, "let the issuer sign with an RSA key", "the token is signed with %q, and Quay takes RS256 and RS384 alone", shown.Short(x.claims.algorithm))
}

// discovery is the address of the issuer's document.
func (x *exchange) discovery() string {
	return shown.Short(strings.TrimSuffix(x.claims.issuer, "/")) + "/.well-known/openid-configuration"
}

// when is a time as a person reads it.
func when(t time.Time) string {
	if t.IsZero() {
		return "a time that it does not tell"
	}
	return t.UTC().Format(time.RFC3339)
}

// unanswered is the error for a request without an answer.
func (x *exchange) unanswered(err error) *Error {
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		err = outer.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %s", answerTimeout)
	}
	refusal := (*proxy.Refusal)(nil)
	var e *Error
	switch {
	case errors.As(err, &refusal):
		e = x.failed(CauseProxy, nextOfProxy(refusal, x.base.Host), "a proxy does not let the request through")
		e.passing = !refusal.ForGood()
	case cafile.Untrusted(err):
		e = x.failed(CauseCertificate, "trust the authority that signed it; where the address is wrong, correct that", "the certificate of %s is not trusted here", x.base.Host)
	default:
		e = x.failed(CauseUnreachable, "see whether Quay runs and can be reached from here, then run it again", "Quay does not answer")
		e.passing = true
	}
	e.Proof = fmt.Sprintf("GET %s: %s", path, shown.Short(shown.Plain(x.hide(err.Error()))))
	return e
}

// nextOfProxy is the next step towards a host that a proxy refuses.
func nextOfProxy(refusal *proxy.Refusal, host string) string {
	switch {
	case refusal.Status == http.StatusProxyAuthRequired:
		return fmt.Sprintf("give user and password of the proxy in HTTPS_PROXY, percent-encoded, or put %s into NO_PROXY", host)
	case refusal.ForGood():
		return fmt.Sprintf("ask who runs the proxy to allow %s, or put that host into NO_PROXY", host)
	}
	return fmt.Sprintf("see whether %s can be reached from the proxy, then run it again", host)
}
