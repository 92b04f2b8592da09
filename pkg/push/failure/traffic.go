package failure

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
)

// explainRequest fills e in for a request that got no answer.
func (p *Peer) explainRequest(e *Error) {
	set := func(class Class, next, format string, args ...any) {
		e.Class, e.Next, e.Problem = class, next, fmt.Sprintf(format, args...)
	}
	name, host := p.Party(e.Err)
	var redirected *Redirect
	var proxy *Proxy
	var op *net.OpError
	switch {
	case errors.As(e.Err, &redirected):
		p.explainRedirect(e, redirected)
	case errors.As(e.Err, &proxy):
		set(ClassNetwork, proxy.next(host), "the proxy %s refuses to connect to %s", proxy.Host, strings.TrimSuffix(name, ","))
	case errors.As(e.Err, &op) && op.Op == "proxyconnect":
		set(ClassNetwork, "check HTTPS_PROXY and NO_PROXY of the step; "+again, "the proxy on the way to %s cannot be reached", name)
	case Untrusted(e.Err):
		p.explainTLS(e)
	case errors.Is(e.Err, ErrStalled):
		set(ClassStalled, again+"; a slow registry may need a longer --stall-timeout", "%s moves no more bytes", name)
	case host != p.Base.Host:
		set(ClassNetwork, "let the network policy and the proxy allow that host, too; "+again, "%s cannot be reached", name)
	default:
		set(ClassNetwork, "check the host in "+p.Role.flag+", the proxy and the network policy; "+again, "%s cannot be reached", name)
	}
}

// explainTraffic fills e in for an answer that is not about this push, and reports whether it is one: of a proxy, of something
// in front of the registry, or of one that is busy or fails.
func (p *Peer) explainTraffic(e *Error, a *Answer) bool {
	set := func(class Class, next, format string, args ...any) {
		e.Class, e.Next, e.Problem = class, next, fmt.Sprintf(format, args...)
	}
	name, host := p.Name(), p.Base.Host
	if isTokenRefused(e.Err) {
		name, host = p.tokenService()
	}
	switch {
	case a.Status == http.StatusProxyAuthRequired:
		proxy := &Proxy{Status: a.Status}
		set(ClassNetwork, proxy.next(host), "the proxy on the way to %s refuses the request", name)
	case a.Status == http.StatusTooManyRequests:
		set(ClassRateLimited, again, "%s is rate-limiting this client", name)
	case a.Status >= http.StatusInternalServerError || a.Status == http.StatusRequestTimeout || a.Status == 499:
		set(ClassUnavailable, again, "%s fails", name)
	case a.Foreign() && slices.Contains(foreignRefusals, a.Status):
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
