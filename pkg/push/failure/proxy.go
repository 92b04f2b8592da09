package failure

import (
	"errors"
	"fmt"
	"net/http"
)

// Proxy is a proxy that refuses to connect to the registry.
type Proxy struct {
	Host   string
	Status int
}

func (e *Proxy) Error() string {
	return fmt.Sprintf("the proxy %s answered CONNECT with %d %s", e.Host, e.Status, http.StatusText(e.Status))
}

// next is the next step towards a host that the proxy does not connect to.
func (e *Proxy) next(host string) string {
	if e.Status == http.StatusProxyAuthRequired {
		return "give user and password of the proxy in HTTPS_PROXY, percent-encoded, or put the registry's host into NO_PROXY"
	}
	return fmt.Sprintf("ask who runs the proxy to allow %s, or put that host into NO_PROXY; it is not about the robot's rights", host)
}

// RefusedByProxy reports whether a proxy refused for good: its own failures, 5xx, may pass.
func RefusedByProxy(err error) bool {
	proxy := (*Proxy)(nil)
	return errors.As(err, &proxy) && proxy.Status < http.StatusInternalServerError
}
