// Package registry speaks with one repository of one registry, as one robot: its requests, its tokens, and what is tried again.
package registry

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/comptech-lab/quay-push/pkg/push/credential"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/registry/transport"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// Registry is one repository of one registry, as one robot.
type Registry struct {
	failure.Peer
	repository string
	// tokenHost is the host that gets the robot's credential.
	tokenHost string
	// Credential is where the robot's credential comes from; nil is nobody's.
	Credential credential.Source
	client     *http.Client
	// service is what the registry's challenge calls it, once ping has seen that; tokens are there once rights has asked for one.
	service string
	tokens  *tokens
	now     func() time.Time
	// mountFrom is the repository that blobs are mounted from; empty: the repository itself.
	mountFrom string
	// ignoresBody is set once the registry did not take a blob with the request that starts its upload.
	ignoresBody atomic.Bool
	// ahead starts to dial the connection of a large body that may follow soon, and returns what to call when it follows, or
	// does not; nil where that cannot be.
	ahead func(ctx context.Context) (release func())
	// stall is how long a body may stand still.
	stall time.Duration
}

// Config is what a registry is made of.
type Config struct {
	// Host is the registry with its port, Repository the path below it.
	Host, Repository string
	// PlainHTTP speaks HTTP without TLS.
	PlainHTTP bool
	Role      failure.Role
	// CAFile is a PEM file of authorities to trust beside the system's; empty: none.
	CAFile string
	// TokenHost is the host that gets the credential; empty: the registry.
	TokenHost string
	// Credential is where the robot's credential comes from; nil: nobody's.
	Credential credential.Source
	// MountFrom is the repository that blobs are mounted from; empty: the repository itself.
	MountFrom string
	// Stall is how long a body may stand still.
	Stall time.Duration
	Now   func() time.Time
}

// New makes the client of a registry and asks nothing yet.
func New(c Config) (*Registry, error) {
	base := url.URL{Scheme: "https", Host: c.Host}
	if c.PlainHTTP {
		base.Scheme = "http"
	}
	if err := transport.CheckProxy(base.Scheme); err != nil {
		return nil, err
	}
	carrier, err := transport.New(c.CAFile)
	if err != nil {
		return nil, err
	}
	r := &Registry{Peer: failure.Peer{Base: base, Role: c.Role, CAFile: c.CAFile}, repository: c.Repository, tokenHost: cmp.Or(c.TokenHost, c.Host),
		Credential: c.Credential, mountFrom: c.MountFrom, client: transport.NewClient(carrier), stall: c.Stall, now: c.Now}
	if r.Proxy() == "" && !c.PlainHTTP {
		r.ahead = func(ctx context.Context) func() { return carrier.DialAhead(ctx, base.Host) }
	}
	return r, nil
}

// Proxy is the host of the proxy on the way to the registry; empty: there is none.
func (r *Registry) Proxy() string {
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: &r.Base})
	if err != nil || proxy == nil {
		return ""
	}
	return proxy.Host
}

// Close ends the connections that wait for a use.
func (r *Registry) Close() { r.client.CloseIdleConnections() }

// URL is the address of a path below the repository.
func (r *Registry) URL(path string, query url.Values) url.URL {
	u := r.Base
	u.Path = "/v2/" + r.repository + "/" + path
	u.RawQuery = query.Encode()
	return u
}

// do sends c with the token. When the registry refuses the token, it is renewed and c is sent once more from the start.
func (r *Registry) do(ctx context.Context, c call) (*Answer, error) {
	t, err := r.tokens.get(ctx, secret.Value{})
	if err != nil {
		return nil, err
	}
	a, err := r.roundTrip(ctx, c, t.header)
	if err != nil || a.status != http.StatusUnauthorized {
		return a, err
	}
	fresh, err := r.tokens.get(ctx, t.header)
	if err != nil {
		return nil, err
	}
	if !fresh.header.Equal(t.header) {
		a, err = r.roundTrip(ctx, c, fresh.header)
	}
	if err == nil && a.status == http.StatusUnauthorized {
		return nil, r.unaccepted(a, fresh)
	}
	return a, err
}

// unaccepted is the error for an answer that refuses t.
func (r *Registry) unaccepted(a *Answer, t token) error {
	return &failure.Unaccepted{Answer: a.err(), Bought: r.Realm != "", Known: t.known, Actions: t.actions(r.repository)}
}
