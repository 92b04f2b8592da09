package push

import (
	"errors"
	"fmt"
	"net/http"
)

// proxyError is a proxy that refuses to connect to the registry.
type proxyError struct {
	host   string
	status int
}

func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy %s answered CONNECT with %d %s", e.host, e.status, http.StatusText(e.status))
}

// next is the next step towards a host that the proxy does not connect to.
func (e *proxyError) next(host string) string {
	if e.status == http.StatusProxyAuthRequired {
		return "give user and password of the proxy in HTTPS_PROXY, percent-encoded, or put the registry's host into NO_PROXY"
	}
	return fmt.Sprintf("ask who runs the proxy to allow %s, or put that host into NO_PROXY; it is not about the robot's rights", host)
}

// refusedByProxy reports whether a proxy refused for good: its own failures, 5xx, may pass.
func refusedByProxy(err error) bool {
	proxy := (*proxyError)(nil)
	return errors.As(err, &proxy) && proxy.status < http.StatusInternalServerError
}
