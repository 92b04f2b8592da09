package robot_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/oidctest"
	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/federation"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/tenant"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// errCrash is what the program under test sees of its own death.
var errCrash = errors.New("crashed")

// world is everything outside the program: a Quay, and a Vault and a cluster in memory. Nothing here is claimed about Vault
// itself; test/vault does that.
type world struct {
	testing.TB
	quay *quaytest.Quay
	// more are scopes that the token has beside oauthScopes.
	more []quaytest.Scope
	robot.Tenant

	mu sync.Mutex
	// versions are those in Vault, by path: index 0 is version 1. A destroyed one is nil.
	versions map[string][]*vault.Secret
	// mount is what Vault tells of it, limits are those of every secret.
	mount  vault.Mount
	limits vault.Limits
	// kept is how many versions Vault keeps, whatever it tells; 0: all.
	kept int
	// secrets and external are by name; lag is how many looks at a Secret it takes until a refresh shows.
	secrets  map[string]robot.Secret
	external map[string]robot.ExternalSecret
	lag      int
	// deaf is how many refreshes come to nothing, as Vault refuses just then.
	deaf int
	// noSecret is why a Secret cannot be read.
	noSecret error
	// accounts are ServiceAccounts by name; issuer makes their tokens, unless withheld.
	accounts map[string]robot.ServiceAccount
	issuer   *oidctest.Issuer
	withheld bool
	// unnamed is why a ServiceAccount may not name another robot.
	unnamed error
	// conflicts is how often somebody labels it right before.
	conflicts int
	pending   int
	// runs are the unfinished ones; onRuns is called at each look at them once Vault has a second version, or none is needed.
	runs   []string
	onRuns func()
	// noRuns is why they cannot be listed.
	noRuns error
	// west is another cluster that renders the same credential; nil if there is none.
	west *otherCluster

	// calls counts what the program did outside; after call number crashAt it is dead.
	calls, crashAt int
	dead           bool
	// onCall is called after each, by one at a time.
	onCall  func()
	calling sync.Mutex
}

// oauthScopes are those of the platform team's token: what docs/cli.md names, and no more.
var oauthScopes = []quaytest.Scope{quaytest.OrgAdmin, quaytest.RepoAdmin}

// newWorld has the organization team-payments with the repositories api and web, and nothing else.
func newWorld(t testing.TB) *world {
	t.Helper()
	names, err := robot.NewTenant(convention(t), "payments", "payments", "checkout")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{TB: t, quay: quaytest.Start(t), Tenant: names, versions: map[string][]*vault.Secret{}, mount: vault.Mount{Name: "secret", Engine: vault.Engine2},
		secrets: map[string]robot.Secret{}, external: map[string]robot.ExternalSecret{}, accounts: map[string]robot.ServiceAccount{}}
	w.quay.AddOrganization("team-payments")
	w.quay.AddRepository("team-payments", "api")
	w.quay.AddRepository("team-payments", "web")
	w.Tenant.Registry = w.quay.Host()
	w.external[w.Secret] = robot.ExternalSecret{Ready: true, Reason: "SecretSynced", Message: "secret synced", Path: w.VaultPath}
	return w
}

// renamed gives the tenant another organization.
func (w *world) renamed(organization string) {
	w.Organization, w.RobotNames = organization, []string{organization + "+ci", organization + "+ci-b"}
}

func convention(testing.TB) tenant.Convention {
	c := tenant.Default()
	c.Registry = "quay.apps.sub.comptech-lab.com"
	return c
}

// services are the program's connections to the world, each call counted.
func (w *world) services() robot.Services {
	client := *w.quay.Client()
	client.Transport = counted{w, client.Transport}
	return w.connect(&client)
}

// observer are connections that nobody counts.
func (w *world) observer() robot.Services { return w.connect(w.quay.Client()) }

func (w *world) connect(client *http.Client) robot.Services {
	w.Helper()
	c, err := quay.New(quay.Options{URL: w.quay.URL(), Token: secret.New(w.quay.AddOAuthToken(append(w.more, oauthScopes...))), HTTPClient: client, Rate: 1e6, Pause: time.Microsecond})
	if err != nil {
		w.Fatal(err)
	}
	s := robot.Services{Quay: c, Vault: memoryVault{w}, Cluster: memoryCluster{w}, Poll: time.Millisecond, Now: w.quay.Now,
		Issuer: func(context.Context) (string, error) {
			return call(w, func() (string, error) { return w.issuer.URL(), nil })
		},
		Exchange: func(ctx context.Context, robot string, token secret.Value) (secret.Value, error) {
			at := federation.Exchanger{Client: client, Base: &url.URL{Scheme: "https", Host: w.quay.Host()}, Tries: 1}
			got, _, err := at.Exchange(ctx, robot, token)
			if crashed, ok := client.Transport.(counted); ok && crashed.w.alive() != nil {
				err = errCrash // Which is no more than a text in an error of federation.
			}
			return got, err
		}}
	if w.west != nil {
		s.Name, s.Clusters = "east", map[string]robot.Cluster{"west": w.west}
	}
	return s
}

// alive fails once the program is dead.
func (w *world) alive() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return errCrash
	}
	return nil
}

// called counts a call that was made.
func (w *world) called() error {
	w.mu.Lock()
	w.calls++
	w.dead = w.dead || w.calls == w.crashAt
	dead, onCall := w.dead, w.onCall
	w.mu.Unlock()
	if onCall != nil {
		w.calling.Lock()
		onCall()
		w.calling.Unlock()
	}
	if dead {
		return errCrash
	}
	return nil
}

// counted is the way to Quay.
type counted struct {
	w    *world
	next http.RoundTripper
}

func (c counted) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := c.w.alive(); err != nil {
		return nil, err
	}
	response, err := c.next.RoundTrip(r)
	if crashed := c.w.called(); crashed != nil && err == nil {
		response.Body.Close()
		return nil, crashed
	}
	return response, err
}

// call makes f one call of the program.
func call[T any](w *world, f func() (T, error)) (T, error) {
	var none T
	if err := w.alive(); err != nil {
		return none, err
	}
	w.mu.Lock()
	answer, err := f()
	w.mu.Unlock()
	if crashed := w.called(); crashed != nil {
		return none, crashed
	}
	return answer, err
}

type memoryVault struct{ w *world }

func (v memoryVault) Read(_ context.Context, path string) (vault.Secret, error) {
	return call(v.w, func() (vault.Secret, error) { return v.get(path, len(v.w.versions[path])) })
}

func (v memoryVault) ReadVersion(_ context.Context, path string, version int) (vault.Secret, error) {
	return call(v.w, func() (vault.Secret, error) { return v.get(path, version) })
}

func (v memoryVault) get(path string, version int) (vault.Secret, error) {
	if all := v.w.versions[path]; version >= 1 && version <= len(all) && all[version-1] != nil {
		secret := *all[version-1]
		secret.Data = maps.Clone(secret.Data)
		return secret, nil
	}
	return vault.Secret{}, vault.ErrNotFound
}

func (v memoryVault) Write(_ context.Context, path string, data vault.Data, current int) (int, error) {
	return call(v.w, func() (int, error) {
		if current != len(v.w.versions[path]) {
			return 0, vault.ErrConflict
		}
		v.w.put(path, data)
		return current + 1, nil
	})
}

// put adds a version; the caller holds mu.
func (w *world) put(path string, data vault.Data) {
	w.versions[path] = append(w.versions[path], &vault.Secret{Data: maps.Clone(data), Version: len(w.versions[path]) + 1, Created: w.quay.Now()})
	if lost := len(w.versions[path]) - 1 - w.kept; w.kept > 0 && lost >= 0 {
		w.versions[path][lost] = nil
	}
}

func (v memoryVault) Metadata(_ context.Context, path string) (vault.Metadata, error) {
	return call(v.w, func() (vault.Metadata, error) {
		m := vault.Metadata{Current: len(v.w.versions[path]), Limits: v.w.limits}
		for i, secret := range v.w.versions[path] {
			if secret != nil {
				m.Live = append(m.Live, i+1)
			}
		}
		return m, nil
	})
}

func (v memoryVault) Mount(context.Context) (vault.Mount, error) {
	return call(v.w, func() (vault.Mount, error) { return v.w.mount, nil })
}

func (v memoryVault) Destroy(_ context.Context, path string, versions []int) error {
	_, err := call(v.w, func() (any, error) {
		for _, n := range versions {
			if n <= len(v.w.versions[path]) { // What never was is passed over.
				v.w.versions[path][n-1] = nil
			}
		}
		return nil, nil
	})
	return err
}

func (v memoryVault) Delete(_ context.Context, path string) error {
	_, err := call(v.w, func() (any, error) {
		delete(v.w.versions, path)
		return nil, nil
	})
	return err
}

type memoryCluster struct{ w *world }

func (c memoryCluster) Secret(_ context.Context, _, name string) (robot.Secret, error) {
	return call(c.w, func() (robot.Secret, error) {
		if c.w.pending > 0 {
			if c.w.pending--; c.w.pending == 0 {
				c.w.sync(name)
			}
		}
		secret, ok := c.w.secrets[name]
		if c.w.noSecret != nil {
			return robot.Secret{}, c.w.noSecret
		}
		if !ok {
			return robot.Secret{}, fmt.Errorf("secret %q: %w", name, robot.ErrNotFound)
		}
		return secret, nil
	})
}

func (c memoryCluster) ExternalSecret(_ context.Context, _, name string) (robot.ExternalSecret, error) {
	return call(c.w, func() (robot.ExternalSecret, error) {
		e, ok := c.w.external[name]
		if !ok {
			return robot.ExternalSecret{}, fmt.Errorf("external secret %q: %w", name, robot.ErrNotFound)
		}
		return e, nil
	})
}

func (c memoryCluster) ServiceAccount(_ context.Context, _, name string) (robot.ServiceAccount, error) {
	return call(c.w, func() (robot.ServiceAccount, error) {
		account, ok := c.w.accounts[name]
		if !ok {
			return account, fmt.Errorf("service account %q: %w", name, robot.ErrNotFound)
		}
		return account, nil
	})
}

func (c memoryCluster) ServiceAccountToken(_ context.Context, namespace, name string) (secret.Value, error) {
	return call(c.w, func() (secret.Value, error) {
		if _, ok := c.w.accounts[name]; !ok {
			return secret.Value{}, fmt.Errorf("service account %q: %w", name, robot.ErrNotFound)
		} else if c.w.withheld {
			return secret.Value{}, fmt.Errorf("service account %q: %w", name, robot.ErrTokenWithheld)
		}
		return c.w.accountToken("system:serviceaccount:" + namespace + ":" + name), nil
	})
}

// accountToken is a token of the ServiceAccount, by the clock of the world.
func (w *world) accountToken(subject string) secret.Value {
	claims, now := w.issuer.Claims(subject), w.quay.Now()
	claims["iat"], claims["nbf"], claims["exp"] = now.Unix(), now.Unix(), now.Add(10*time.Minute).Unix()
	return secret.New(oidctest.Sign(oidctest.RS256, claims))
}

// NameRobot is called once to ask and once to do it, as the API server has it.
func (c memoryCluster) NameRobot(_ context.Context, _, name, successor, version string, dryRun bool) error {
	_, err := call(c.w, func() (any, error) {
		account, ok := c.w.accounts[name]
		switch {
		case c.w.unnamed != nil:
			return nil, c.w.unnamed
		case !ok:
			return nil, fmt.Errorf("service account %q: %w", name, robot.ErrNotFound)
		case c.w.conflicts > 0 && !dryRun:
			c.w.conflicts--
			account.Version += "+"
			c.w.accounts[name] = account
			fallthrough
		case version != account.Version && !dryRun:
			return nil, fmt.Errorf("service account %q: %w", name, robot.ErrChanged)
		case !dryRun:
			c.w.accounts[name] = robot.ServiceAccount{Robot: successor, Mounts: account.Mounts, Version: version + "+"}
		}
		return nil, nil
	})
	return err
}

func (c memoryCluster) Refresh(_ context.Context, _, name string) error {
	_, err := call(c.w, func() (any, error) {
		if c.w.deaf > 0 {
			c.w.deaf--
		} else if c.w.pending = c.w.lag; c.w.lag == 0 {
			c.w.sync(name)
		}
		return nil, nil
	})
	return err
}

func (c memoryCluster) Runs(context.Context, string) ([]string, error) {
	return call(c.w, func() ([]string, error) {
		found := slices.Clone(c.w.runs)
		if c.w.onRuns != nil && (c.w.Keyless || len(c.w.versions[c.w.VaultPath]) > 1) {
			c.w.onRuns()
		}
		return found, c.w.noRuns
	})
}

// sync does what External Secrets does: the Secret gets what Vault has. The caller holds mu.
func (w *world) sync(name string) {
	e, all := w.external[name], w.versions[w.external[name].Path]
	if !e.Ready || len(all) == 0 || all[len(all)-1] == nil {
		return
	}
	current := all[len(all)-1]
	e.RefreshTime = w.quay.Now()
	w.external[name] = e
	w.secrets[name] = w.render(current.Data["username"].Reveal(), current.Data["token"].Reveal(), current.Version)
}

// render makes a Secret.
func (w *world) render(username, token string, version int) robot.Secret {
	auth := base64.StdEncoding.EncodeToString([]byte(username + ":" + token))
	return robot.Secret{Type: "kubernetes.io/dockerconfigjson", VaultVersion: version,
		Dockerconfig: secret.New(`{"auths":{"` + w.Registry + `":{"auth":"` + auth + `"}}}`)}
}

// onboard bootstraps the tenant and has the Secret rendered, which is two hours ago then.
func (w *world) onboard() {
	w.Helper()
	s := w.observer()
	if _, err := robot.Bootstrap(w.Context(), s, w.Tenant, robot.BootstrapOptions{}); err != nil {
		w.Fatal(err)
	}
	if err := s.Cluster.Refresh(w.Context(), w.Namespace, w.Secret); err != nil {
		w.Fatal(err)
	}
	w.quay.Advance(2 * time.Hour)
	w.calls = 0
}

// secretCredential is the robot and the token in the Secret.
func (w *world) secretCredential() (username, token string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return credentialIn(w.secrets[w.Secret])
}

// credentialIn is the robot and the token in a Secret.
func credentialIn(secret robot.Secret) (username, token string) {
	text := secret.Dockerconfig.Reveal()
	_, text, _ = strings.Cut(text, `"auth":"`)
	text, _, _ = strings.Cut(text, `"`)
	decoded, _ := base64.StdEncoding.DecodeString(text)
	username, token, _ = strings.Cut(string(decoded), ":")
	return username, token
}

// works reports whether the credential in the Secret is one that Quay takes, of a robot that may push; in every cluster.
func (w *world) works() bool {
	if w.west != nil && !w.good(w.west.credential()) {
		return false
	}
	return w.good(w.secretCredential())
}

func (w *world) good(username, token string) bool {
	return token != "" && token == w.quay.RobotToken(username) && w.mayPush(username)
}

// mayPush reports whether the robot has Write on both repositories.
func (w *world) mayPush(robot string) bool {
	for _, repository := range own {
		if role := w.quay.Role(repository, robot); role != quaytest.Write && role != quaytest.Admin {
			return false
		}
	}
	return true
}

// pushes fails the test unless the credential in the Secret may push to both repositories.
func (w *world) pushes(when string) {
	w.Helper()
	username, token := w.secretCredential()
	rights, err := w.observer().Quay.Rights(w.Context(), username, secret.New(token), "team-payments/api", "team-payments/web")
	if err != nil || !rights.Push("team-payments/api") || !rights.Push("team-payments/web") {
		w.Errorf("%s: the Secret cannot push: %v, %v", when, rights, err)
	}
}

// robots are those of the organization, the oldest first.
func (w *world) robots() []string {
	w.Helper()
	list, err := w.observer().Quay.Robots(w.Context(), w.Organization)
	if err != nil {
		w.Error(err)
	}
	names := []string{}
	for _, r := range list {
		names = append(names, r.Name)
	}
	slices.SortFunc(names, func(a, b string) int { return w.Generation(a) - w.Generation(b) })
	return names
}

// live are the versions in Vault that can be read.
func (w *world) live() []vault.Secret {
	found := []vault.Secret{}
	for _, secret := range w.versions[w.VaultPath] {
		if secret != nil {
			found = append(found, *secret)
		}
	}
	return found
}

// states are the steps as "id state".
func states(steps []robot.Step) []string {
	lines := []string{}
	for _, s := range steps {
		lines = append(lines, s.ID+" "+string(s.State))
	}
	return lines
}
