package vault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/hashicorp/vault/api"

	"github.com/comptech-lab/quay-push/pkg/proxy"
)

// ErrRedirect: Vault sends its clients to another address. That is not followed: a redirect takes the token along, to
// whatever host it names, and Vault's own client does not ask.
var ErrRedirect = errors.New("redirected by Vault")

// oneHost passes requests on, and takes neither a redirect nor the page of something in front of Vault for an answer.
type oneHost struct{ next http.RoundTripper }

func (o oneHost) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := o.next.RoundTrip(r)
	refusal := (*proxy.Refusal)(nil)
	switch {
	case errors.As(err, &refusal) && refusal.ForGood():
		return nil, &failure{ErrBlocked, fmt.Sprintf("%s %s: %v", r.Method, r.URL.Path, refusal)}
	case err != nil:
		return answer, err
	case answer.StatusCode/100 != 3:
		if err := checkPage(r, answer); err != nil {
			return nil, err // With both net/http writes a line to stderr.
		}
		return answer, nil
	}
	answer.Body.Close()
	to := "nowhere"
	if location, err := answer.Location(); err == nil {
		// What is behind the host may hold a secret.
		to = (&url.URL{Scheme: location.Scheme, Host: location.Host}).String()
		if strings.Trim(location.Path, "/") != strings.Trim(r.URL.Path, "/") {
			return nil, blocked(r, answer, fmt.Sprintf("to another page at %q", to))
		}
	}
	return nil, &failure{ErrRedirect, fmt.Sprintf("%s %s: %d to %q, and the token goes to no address but VAULT_ADDR: "+
		"set that to the active node, or to the load balancer in front of Vault", r.Method, r.URL.Path, answer.StatusCode, to)}
}

// CloseIdleConnections is what http.Client calls.
func (o oneHost) CloseIdleConnections() { (&http.Client{Transport: o.next}).CloseIdleConnections() }

// retry is Vault's own policy, but a redirect stays one, and so does a page, or a login that was refused before the request.
func retry(ctx context.Context, answer *http.Response, err error) (bool, error) {
	if errors.Is(err, ErrRedirect) || errors.Is(err, ErrBlocked) || errors.Is(err, ErrDenied) {
		return false, nil
	}
	return api.DefaultRetryPolicy(ctx, answer, err)
}

// checkEnvironment refuses the variables by which Vault's own client would take the token elsewhere than to the address, or
// to whoever answers there.
func checkEnvironment() error {
	if os.Getenv(api.EnvVaultAgentAddr) != "" {
		return fmt.Errorf("%s is set, and the token goes to VAULT_ADDR alone: unset it, and set VAULT_ADDR to the agent if that is meant", api.EnvVaultAgentAddr)
	}
	for name, what := range map[string]string{
		api.EnvVaultSkipVerify: "would give the token to whoever answers: unset it, and name Vault's authorities in VAULT_CACERT",
		api.EnvVaultSRVLookup:  "would give the token to the host that DNS names: unset it, and set VAULT_ADDR to that host",
	} {
		if on, err := strconv.ParseBool(os.Getenv(name)); err == nil && on {
			return fmt.Errorf("%s %s", name, what)
		}
	}
	return nil
}
