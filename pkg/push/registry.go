package push

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/registry/transport"
)

// registry is one repository of one registry, as one robot.
type registry struct {
	failure.Peer
	repository string
	// tokenHost is the host that gets the robot's credential.
	tokenHost  string
	credential dockerconfig.Credential
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

// config is what a registry is made of.
type config struct {
	// host is the registry with its port, repository the path below it.
	host, repository string
	// plainHTTP speaks HTTP without TLS.
	plainHTTP bool
	role      failure.Role
	// CAFile is a PEM file of authorities to trust beside the system's; empty: none.
	caFile string
	// tokenHost is the host that gets the credential; empty: the registry.
	tokenHost  string
	credential dockerconfig.Credential
	// mountFrom is the repository that blobs are mounted from; empty: the repository itself.
	mountFrom string
	// stall is how long a body may stand still.
	stall time.Duration
	now   func() time.Time
}

// newRegistry makes the client of a registry and asks nothing yet.
func newRegistry(c config) (*registry, error) {
	base := url.URL{Scheme: "https", Host: c.host}
	if c.plainHTTP {
		base.Scheme = "http"
	}
	if err := transport.CheckProxy(base.Scheme); err != nil {
		return nil, err
	}
	carrier, err := transport.New(c.caFile)
	if err != nil {
		return nil, err
	}
	r := &registry{Peer: failure.Peer{Base: base, Role: c.role, CAFile: c.caFile}, repository: c.repository, tokenHost: cmp.Or(c.tokenHost, c.host),
		credential: c.credential, mountFrom: c.mountFrom, client: transport.NewClient(carrier), stall: c.stall, now: c.now}
	if r.proxy() == "" && !c.plainHTTP {
		r.ahead = func(ctx context.Context) func() { return carrier.DialAhead(ctx, base.Host) }
	}
	return r, nil
}

// proxy is the host of the proxy on the way to the registry; empty: there is none.
func (r *registry) proxy() string {
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: &r.Base})
	if err != nil || proxy == nil {
		return ""
	}
	return proxy.Host
}

// close ends the connections that wait for a use.
func (r *registry) close() { r.client.CloseIdleConnections() }

// url is the address of a path below the repository.
func (r *registry) url(path string, query url.Values) url.URL {
	u := r.Base
	u.Path = "/v2/" + r.repository + "/" + path
	u.RawQuery = query.Encode()
	return u
}

// do sends c with the token. When the registry refuses the token, it is renewed and c is sent once more from the start.
func (r *registry) do(ctx context.Context, c call) (*answer, error) {
	t, err := r.tokens.get(ctx, "")
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
	if fresh.header != t.header || t.header == "" {
		a, err = r.roundTrip(ctx, c, fresh.header)
	}
	if err == nil && a.status == http.StatusUnauthorized {
		return nil, r.unaccepted(a, fresh)
	}
	return a, err
}

// unaccepted is the error for an answer that refuses t.
func (r *registry) unaccepted(a *answer, t token) error {
	return &failure.Unaccepted{Answer: a.err(), Bought: r.Realm != "", Known: t.known, Actions: t.actions(r.repository)}
}
