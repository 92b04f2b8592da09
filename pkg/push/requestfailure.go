package push

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
)

// role is what a registry is for a push, and by which flags it is named.
type role struct {
	// behind is what follows the host's name in an error.
	behind string
	// flag names the registry, tokenFlag the host of its token service.
	flag, tokenFlag string
	// withoutTLS goes on with the next step for a registry that speaks no TLS.
	withoutTLS string
}

var (
	targetRole = role{flag: imageRefFlag, tokenFlag: "--token-host", withoutTLS: "; --plain-http would send the credential readable"}
	sourceRole = role{behind: ", where the source is,", flag: sourceFlag, tokenFlag: "--source-token-host",
		withoutTLS: "; a source in another registry is read by TLS alone: without it, copy it into an OCI layout first, as skopeo copy does"}
)

// name is the host, and what it is.
func (r *registry) name() string { return r.base.Host + r.role.behind }

// party is the host that err is about, and what it is: the registry, its token service, or where it redirected to.
func (r *registry) party(err error) (name, host string) {
	request := (*requestError)(nil)
	if !errors.As(err, &request) || sameHost(r.base.Scheme, request.host, r.base.Host) {
		return r.name(), r.base.Host
	}
	return fmt.Sprintf("%s, to which %s leads,", shorten(request.host), r.base.Host), request.host
}

// notInFront is the next step where an answer is not that of a registry.
func (r *registry) notInFront() string {
	return "check that " + r.role.flag + " names the registry, not something in front of it"
}

// explainRequest fills e in for a request that got no answer.
func (r *registry) explainRequest(e *Error) {
	set := func(class Class, next, format string, args ...any) {
		e.Class, e.Next, e.Problem = class, next, fmt.Sprintf(format, args...)
	}
	name, host := r.party(e.Err)
	var redirected *redirectError
	var proxy *proxyError
	var op *net.OpError
	switch {
	case errors.As(e.Err, &redirected):
		r.explainRedirect(e, redirected)
	case errors.As(e.Err, &proxy):
		set(ClassNetwork, proxy.next(host), "the proxy %s refuses to connect to %s", proxy.host, strings.TrimSuffix(name, ","))
	case errors.As(e.Err, &op) && op.Op == "proxyconnect":
		set(ClassNetwork, "check HTTPS_PROXY and NO_PROXY of the step; "+again, "the proxy on the way to %s cannot be reached", name)
	case untrusted(e.Err):
		r.explainTLS(e)
	case errors.Is(e.Err, errStalled):
		set(ClassStalled, again+"; a slow registry may need a longer --stall-timeout", "%s moves no more bytes", name)
	case host != r.base.Host:
		set(ClassNetwork, "let the network policy and the proxy allow that host, too; "+again, "%s cannot be reached", name)
	default:
		set(ClassNetwork, "check the host in "+r.role.flag+", the proxy and the network policy; "+again, "%s cannot be reached", name)
	}
}

// explainTraffic fills e in for an answer that is not about this push, and reports whether it is one: of a proxy, of something
// in front of the registry, or of one that is busy or fails.
func (r *registry) explainTraffic(e *Error, a *answerError) bool {
	set := func(class Class, next, format string, args ...any) {
		e.Class, e.Next, e.Problem = class, next, fmt.Sprintf(format, args...)
	}
	name, host := r.name(), r.base.Host
	if isTokenRefused(e.Err) {
		name, host = r.tokenService()
	}
	switch {
	case a.status == http.StatusProxyAuthRequired:
		proxy := &proxyError{status: a.status}
		set(ClassNetwork, proxy.next(host), "the proxy on the way to %s refuses the request", name)
	case a.status == http.StatusTooManyRequests:
		set(ClassRateLimited, again, "%s is rate-limiting this client", name)
	case a.status >= http.StatusInternalServerError || a.status == http.StatusRequestTimeout || a.status == 499:
		set(ClassUnavailable, again, "%s fails", name)
	case a.foreign() && slices.Contains(foreignRefusals, a.status):
		set(ClassProtocol, "show the proof to who runs what is in front of "+host+", such as a firewall, a gateway or a proxy: these are not a registry's words",
			"something in front of %s refuses the request", name)
	default:
		return false
	}
	return true
}

// foreignRefusals are the statuses that something in front of a registry refuses a request with, and that have another meaning in a
// registry's words.
var foreignRefusals = []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusConflict,
	http.StatusUnsupportedMediaType, http.StatusUnavailableForLegalReasons}

// pingPath is where a registry says that it is one.
const pingPath = "/v2/"
