package push

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
)

// explainRequest fills e in for a request that got no answer.
func (p *peer) explainRequest(e *Error) {
	set := func(class Class, next, format string, args ...any) {
		e.Class, e.Next, e.Problem = class, next, fmt.Sprintf(format, args...)
	}
	name, host := p.party(e.Err)
	var redirected *redirectError
	var proxy *proxyError
	var op *net.OpError
	switch {
	case errors.As(e.Err, &redirected):
		p.explainRedirect(e, redirected)
	case errors.As(e.Err, &proxy):
		set(ClassNetwork, proxy.next(host), "the proxy %s refuses to connect to %s", proxy.host, strings.TrimSuffix(name, ","))
	case errors.As(e.Err, &op) && op.Op == "proxyconnect":
		set(ClassNetwork, "check HTTPS_PROXY and NO_PROXY of the step; "+again, "the proxy on the way to %s cannot be reached", name)
	case untrusted(e.Err):
		p.explainTLS(e)
	case errors.Is(e.Err, errStalled):
		set(ClassStalled, again+"; a slow registry may need a longer --stall-timeout", "%s moves no more bytes", name)
	case host != p.base.Host:
		set(ClassNetwork, "let the network policy and the proxy allow that host, too; "+again, "%s cannot be reached", name)
	default:
		set(ClassNetwork, "check the host in "+p.role.flag+", the proxy and the network policy; "+again, "%s cannot be reached", name)
	}
}

// explainTraffic fills e in for an answer that is not about this push, and reports whether it is one: of a proxy, of something
// in front of the registry, or of one that is busy or fails.
func (p *peer) explainTraffic(e *Error, a *answerError) bool {
	set := func(class Class, next, format string, args ...any) {
		e.Class, e.Next, e.Problem = class, next, fmt.Sprintf(format, args...)
	}
	name, host := p.name(), p.base.Host
	if isTokenRefused(e.Err) {
		name, host = p.tokenService()
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
