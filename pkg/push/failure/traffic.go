package failure

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/cafile"
	"github.com/comptech-lab/quay-push/pkg/proxy"
)

// explain makes an Error of what a request ended in. answer fills it in for an answer.
func (p *Peer) explain(ctx context.Context, err error, answer func(*Error, *Answer)) error {
	if err == nil || errors.As(err, new(*Error)) {
		return err
	}
	var late *Late
	if !errors.As(err, &late) && ctx.Err() != nil {
		return Ended(ctx, err)
	}
	e := &Error{Err: err}
	if answered := (*Answer)(nil); errors.As(err, &answered) {
		answer(e, answered)
	} else {
		p.explainRequest(e)
	}
	if late != nil {
		late.AddTo(e)
	}
	return e
}

// explainRequest fills e in for a request that got no answer.
func (p *Peer) explainRequest(e *Error) {
	name, host := p.Party(e.Err)
	var redirected *Redirect
	var refused *proxy.Refusal
	var op *net.OpError
	switch {
	case errors.As(e.Err, &redirected):
		p.explainRedirect(e, redirected)
	case errors.As(e.Err, &refused):
		e.set(ClassNetwork, nextOfProxy(refused.Status, host), "the proxy %s refuses to connect to %s", refused.Host, strings.TrimSuffix(name, ","))
	case errors.As(e.Err, &op) && op.Op == "proxyconnect":
		e.set(ClassNetwork, "check HTTPS_PROXY and NO_PROXY of the step; "+again, "the proxy on the way to %s cannot be reached", name)
	case cafile.Untrusted(e.Err):
		p.explainTLS(e)
	case errors.Is(e.Err, ErrStalled):
		e.set(ClassStalled, again+"; a slow registry may need a longer --stall-timeout", "%s moves no more bytes", name)
	case host != p.Base.Host:
		e.set(ClassNetwork, "let the network policy and the proxy allow that host, too; "+again, "%s cannot be reached", name)
	default:
		e.set(ClassNetwork, "check the host in "+p.Role.flag+", the proxy and the network policy; "+again, "%s cannot be reached", name)
	}
}

// explainTraffic fills e in for an answer that is not about this push, and reports whether it is one: of a proxy, of something
// in front of the registry, or of one that is busy or fails.
func (p *Peer) explainTraffic(e *Error, a *Answer) bool {
	name, host := p.Name(), p.Base.Host
	if isTokenRefused(e.Err) {
		name, host = p.tokenService()
	}
	switch {
	case a.Status == http.StatusProxyAuthRequired:
		e.set(ClassNetwork, nextOfProxy(a.Status, host), "the proxy on the way to %s refuses the request", name)
	case a.Status == http.StatusTooManyRequests:
		e.set(ClassRateLimited, again, "%s is rate-limiting this client", name)
	case a.Status >= http.StatusInternalServerError || a.Status == http.StatusRequestTimeout || a.Status == 499:
		e.set(ClassUnavailable, again, "%s fails", name)
	case a.Foreign() && slices.Contains(foreignRefusals, a.Status):
		e.set(ClassProtocol, "show the proof to who runs what is in front of "+host+", such as a firewall, a gateway or a proxy: these are not a registry's words",
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
