package failure

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/comptech-lab/quay-push/pkg/proxy"
)

// nextOfProxy is the next step towards a host that a proxy refuses with a status.
func nextOfProxy(status int, host string) string {
	if status == http.StatusProxyAuthRequired {
		return "give user and password of the proxy in HTTPS_PROXY, percent-encoded, or put the registry's host into NO_PROXY"
	}
	return fmt.Sprintf("ask who runs the proxy to allow %s, or put that host into NO_PROXY; it is not about the robot's rights", host)
}

// RefusedByProxy reports whether a proxy refused for good: its own failures, 5xx, may pass.
func RefusedByProxy(err error) bool {
	refusal := (*proxy.Refusal)(nil)
	return errors.As(err, &refusal) && refusal.ForGood()
}
