// Package quaytest is a container registry with the habits of Quay: a real
// distribution registry behind Quay's token service, robot permissions,
// one-hour leases and error texts, for tests in process and as a program.
package quaytest

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Lifetimes of Quay that a push has to live with.
const (
	// TokenLifetime is how long a bearer token is good for
	// (quay/quay:endpoints/v2/v2auth.py, TOKEN_VALIDITY_LIFETIME_S).
	TokenLifetime = time.Hour
	// LeaseDuration is how long Quay keeps a manifest that no tag names and a
	// blob that no manifest names (quay/quay:config.py, PUSH_TEMP_TAG_EXPIRATION_SEC).
	LeaseDuration = time.Hour
	// TimeMachine is how long a tag that ended can be brought back, unless an
	// organization says otherwise (quay/quay:config.py, DEFAULT_TAG_EXPIRATION).
	TimeMachine = 14 * 24 * time.Hour
)

// Options describe a Quay. Host is required, the rest may be zero.
type Options struct {
	// Host is the public name of the registry with its port unless that is
	// 443, Quay's SERVER_HOSTNAME: it is in the token realm, in every Location
	// and is the only audience a token is accepted for.
	Host string
	// StorageDir is the directory that holds the blobs, in a sub-directory of
	// its own that Close removes; empty means the system's temporary directory.
	StorageDir string
	// Clock tells the time; nil means time.Now.
	Clock func() time.Time
}

// Quay is one registry. It is safe for concurrent use. It has robots, users
// only as the owners of OAuth tokens, and no Docker schema 1 of a client's making.
// Its workers run when they are told to: see CollectGarbage and Prune.
type Quay struct {
	// Faults is the script of what goes wrong.
	Faults Faults

	host    string
	clock   func() time.Time
	signer  *signer
	storage *storage
	journal journal
	closed  context.Context
	close   context.CancelFunc
	// gate is held for reading by every request in progress; Close waits for them, and lets no later one in.
	gate sync.RWMutex

	caFile string
	client *http.Client

	mu             sync.Mutex
	version        string
	offset         time.Duration
	organizations  map[string]*organization
	robots         map[string]*robot
	repositories   map[string]*repository
	users          []*user
	oauthTokens    map[string]*oauthToken
	logs           []logEntry
	uploads        map[string]*upload
	revoked        map[string]bool
	readOnly       bool
	pushesOff      bool
	noAnonymous    bool
	noBearerLogin  bool
	noImmutability bool
	prunes         bool
	// scanner is nil where Quay has none.
	scanner *Scanner
	// defaultPrune is a policy of every organization.
	defaultPrune *AutoPrune
	// issuerCA are the authorities of issuers of tokens; nil means the system's.
	issuerCA *x509.CertPool
	// made counts the robots and repositories that were ever made.
	made int
	// pushed counts the manifests that ever came.
	pushed int
}

// New returns an empty Quay for opts. The error says why the storage directory
// cannot be used. Call Close when done.
func New(opts Options) (*Quay, error) {
	if opts.Host == "" {
		return nil, fmt.Errorf("starting quay: host is empty")
	}
	if opts.Clock == nil {
		opts.Clock = time.Now
	}
	signer, err := newSigner()
	if err != nil {
		return nil, err
	}
	storage, err := openStorage(opts.StorageDir, opts.Host)
	if err != nil {
		return nil, err
	}
	q := &Quay{
		host:          opts.Host,
		version:       defaultVersion,
		clock:         opts.Clock,
		signer:        signer,
		storage:       storage,
		organizations: map[string]*organization{},
		robots:        map[string]*robot{},
		repositories:  map[string]*repository{},
		oauthTokens:   map[string]*oauthToken{},
		uploads:       map[string]*upload{},
		revoked:       map[string]bool{},
	}
	q.closed, q.close = context.WithCancel(context.Background())
	return q, nil
}

// Host is the public name of the registry, with its port.
func (q *Quay) Host() string { return q.host }

// URL is https:// and the host.
func (q *Quay) URL() string { return "https://" + q.host }

// Advance moves the clock of this Quay forward by d: tokens and leases age.
func (q *Quay) Advance(d time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.offset += d
}

// Freeze stops the clock of this Quay: from now on Advance alone moves it.
func (q *Quay) Freeze() {
	q.mu.Lock()
	defer q.mu.Unlock()
	stopped := q.clock()
	q.clock = func() time.Time { return stopped }
}

// Close releases every stalled request, waits for the requests in progress and
// removes the stored blobs.
func (q *Quay) Close() error {
	q.close()
	q.gate.Lock() // For good.
	return q.storage.close()
}

// ServeHTTP answers the registry API, the token service, the management API and the health check.
func (q *Quay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !q.gate.TryRLock() {
		http.Error(w, "the registry is closed", http.StatusServiceUnavailable)
		return
	}
	defer q.gate.RUnlock()
	w.Header().Set("Date", q.Now().UTC().Format(http.TimeFormat))
	entry := q.journal.open(w, r)
	// An HTTP/1.1 answer goes out while the body is still coming in. Only the
	// server's own writer can do that, and nothing is lost where it cannot.
	_ = http.NewResponseController(w).EnableFullDuplex()
	q.Faults.serve(q, entry, r.WithContext(entry.context(r.Context())), http.HandlerFunc(q.route))
	entry.body.linger(w, r)
}

// route answers a request that no fault took over.
func (q *Quay) route(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, apiPrefix) && r.URL.Path != "/api/v1/discovery" {
		q.serveAPI(w, r)
		return
	}
	switch r.URL.Path {
	case "/health/instance":
		serveHealth(w, r)
	case "/api/v1/discovery":
		q.serveDiscovery(w, r)
	case "/config":
		q.serveConfig(w, r)
	case "/v2/auth":
		q.serveToken(w, r)
	case exchangePath:
		q.serveExchange(w, r)
	case "/v2":
		q.writeMoved(w, r)
	case "/v2/":
		q.serveBase(w, r)
	case "/v2/_catalog":
		q.serveCatalog(w, r)
	default:
		q.serveRepository(w, r)
	}
}

// now is the time of this Quay; the caller holds mu.
func (q *Quay) now() time.Time { return q.clock().Add(q.offset) }

// Now is the time of this Quay.
func (q *Quay) Now() time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.now()
}
