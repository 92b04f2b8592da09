package stage

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/internal/certificate"
	"github.com/comptech-lab/quay-push/internal/quaytest"
)

const (
	quayNamespace = "quay"
	// quayHost is the Service's name, which every pod resolves.
	quayHost = "quay.quay.svc"
	// quaySecret holds its state and certificate, and the authority's.
	quaySecret = "quay-setup"
	// baseImages is the platform team's organization, whose images teams build upon.
	baseImages = "base-images"
	// puller is the robot of an organization that may read its repository and nothing else.
	puller = "pull"
)

// Quay is the registry that the cluster hosts.
type Quay struct {
	// Host is the registry's name inside the cluster.
	Host string
	// CA is the PEM of the authority that signed its certificate.
	CA []byte
	// Transport reaches it by its own name from outside the cluster.
	Transport *http.Transport
	setup     quaytest.Setup
	// secret has state and certificates.
	secret map[string][]byte
}

// openQuay starts quaytest in the cluster with the two tenants' organizations, repositories and robots. A Quay that is
// there, or was, keeps its robots' tokens.
func (s *Stage) openQuay(ctx context.Context) error {
	if s.Quay == nil {
		s.Quay = &Quay{Host: quayHost}
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: quayNamespace}}
	if _, err := s.Kube.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil && !apierrs.IsAlreadyExists(err) {
		return err
	}
	secrets := s.Kube.CoreV1().Secrets(quayNamespace)
	secret, err := secrets.Get(ctx, quaySecret, metav1.GetOptions{})
	if apierrs.IsNotFound(err) {
		if s.Quay.secret == nil {
			if s.Quay.secret, err = newQuaySecret(); err != nil {
				return err
			}
		}
		secret, err = secrets.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: quaySecret}, Data: s.Quay.secret}, metav1.CreateOptions{})
	}
	if err != nil {
		return err
	}
	s.Quay.CA, s.Quay.secret, s.Quay.setup = secret.Data["ca.crt"], secret.Data, quaytest.Setup{}
	if err := json.Unmarshal(secret.Data["state.json"], &s.Quay.setup); err != nil {
		return fmt.Errorf("reading state.json of Secret %q: %w", quaySecret, err)
	}
	if err := s.koApply(ctx, "test/stage/quay.yaml"); err != nil {
		return err
	}
	if err := s.kubectl(ctx, nil, "rollout", "status", "deployment/quay", "--namespace="+quayNamespace, "--timeout=180s"); err != nil {
		return err
	}
	address, err := s.forward(s.life, quayNamespace, "quay", 8443)
	if err != nil {
		return err
	}
	return s.Quay.dial(address)
}

// newQuaySecret makes up the tenants' robots, the platform team's OAuth tokens and a certificate.
func newQuaySecret() (map[string][]byte, error) {
	var setup quaytest.Setup
	for _, t := range []Tenant{Payments, Platform} {
		setup.Organizations = append(setup.Organizations, newOrganization("team-"+t.Team, t.App))
	}
	setup.Organizations = append(setup.Organizations, newOrganization(baseImages, "busybox"))
	// What docs/cli.md names, and what making an organization takes beside that.
	for _, more := range [][]quaytest.Scope{nil, {quaytest.UserAdmin}} {
		setup.OAuthTokens = append(setup.OAuthTokens, quaytest.OAuthTokenSetup{Token: (rand.Text() + rand.Text())[:40],
			Scopes: append(more, quaytest.OrgAdmin, quaytest.RepoAdmin)})
	}
	encoded, err := json.Marshal(setup)
	if err != nil {
		return nil, err
	}
	server, err := certificate.New(quayHost)
	return map[string][]byte{"state.json": encoded, "ca.crt": server.CA, "tls.crt": server.Certificate, "tls.key": server.Key}, err
}

// newOrganization is one with a repository, and two robots with new tokens: one that may write to it, and one that may only read it.
func newOrganization(name, repository string) quaytest.OrganizationSetup {
	token := func() string { return (rand.Text() + rand.Text() + rand.Text())[:64] }
	return quaytest.OrganizationSetup{
		Name:   name,
		Robots: []quaytest.RobotSetup{{Name: "ci", Token: token()}, {Name: puller, Token: token()}},
		Repositories: []quaytest.RepositorySetup{{Name: repository,
			Permissions: map[string]quaytest.Role{name + "+ci": quaytest.Write, name + "+" + puller: quaytest.Read}}},
	}
}

// dial makes the transport that reaches the registry by its own name through a forwarded port.
func (q *Quay) dial(address string) error {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(q.CA) {
		return errors.New("reading the certificate authority: no certificate in it")
	}
	q.Transport = &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	return nil
}

// Client returns a client that reaches it from outside the cluster and has no credential.
func (q *Quay) Client() *http.Client { return &http.Client{Transport: q.Transport} }

// OAuthToken is the platform team's token for its management API.
func (q *Quay) OAuthToken() string { return q.setup.OAuthTokens[0].Token }

// CreatorToken is a token that may make organizations, too.
func (q *Quay) CreatorToken() string { return q.setup.OAuthTokens[len(q.setup.OAuthTokens)-1].Token }

// Tokens returns every robot's token, for tests that look whether one got out.
func (q *Quay) Tokens() []string {
	var tokens []string
	for _, o := range q.setup.Organizations {
		for _, r := range o.Robots {
			tokens = append(tokens, r.Token)
		}
	}
	return tokens
}

// Dockerconfig returns what External Secrets would render for the team: its robot's entry for the registry.
func (q *Quay) Dockerconfig(team string) []byte { return q.dockerconfig("team-"+team, "ci") }

// PullConfig returns a dockerconfig of the organization's robot that may read its repository and nothing else.
func (q *Quay) PullConfig(organization string) []byte { return q.dockerconfig(organization, puller) }

func (q *Quay) dockerconfig(organization, robot string) []byte {
	user, token := q.robot(organization, robot)
	auth := base64.StdEncoding.EncodeToString([]byte(user + ":" + token))
	return fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`, q.Host, auth)
}

func (q *Quay) robot(organization, name string) (user, token string) {
	for _, o := range q.setup.Organizations {
		for _, r := range o.Robots {
			if o.Name == organization && r.Name == name {
				return o.Name + "+" + r.Name, r.Token
			}
		}
	}
	panic("no robot " + name + " of " + organization)
}

// TagDigest returns the digest, sha256:<hex>, that the registry serves for the tag of repository, host/organization/name;
// empty when there is no such tag. It asks as the payments robot.
func (q *Quay) TagDigest(ctx context.Context, repository, tag string) (string, error) {
	descriptor, err := q.get(ctx, repository, tag)
	if failure := (*transport.Error)(nil); errors.As(err, &failure) && failure.StatusCode == http.StatusNotFound {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return descriptor.Digest.String(), nil
}

// MayPull says whether the registry serves digest of repository, host/organization/name, to whoever asks.
func (q *Quay) MayPull(ctx context.Context, repository, digest string) (bool, error) {
	reference, err := name.NewDigest(repository + "@" + digest)
	if err != nil {
		return false, err
	}
	_, err = remote.Head(reference, remote.WithContext(ctx), remote.WithTransport(q.Transport))
	if failure := (*transport.Error)(nil); errors.As(err, &failure) && (failure.StatusCode == http.StatusUnauthorized || failure.StatusCode == http.StatusForbidden) {
		return false, nil
	}
	return err == nil, err
}

// Platforms returns those of the index that the registry serves for the tag of repository, such as linux/amd64, in its order.
func (q *Quay) Platforms(ctx context.Context, repository, tag string) (platforms []string, err error) {
	descriptor, err := q.get(ctx, repository, tag)
	if err != nil {
		return nil, err
	}
	index, err := descriptor.ImageIndex()
	if err != nil {
		return nil, fmt.Errorf("reading the index of %q: %w", repository+":"+tag, err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("reading the index of %q: %w", repository+":"+tag, err)
	}
	for _, entry := range manifest.Manifests {
		platforms = append(platforms, entry.Platform.String())
	}
	return platforms, nil
}

// get asks for the tag of repository, as the payments robot.
func (q *Quay) get(ctx context.Context, repository, tag string) (*remote.Descriptor, error) {
	reference, err := name.NewTag(repository + ":" + tag)
	if err != nil {
		return nil, err
	}
	user, token := q.robot("team-"+Payments.Team, "ci")
	descriptor, err := remote.Get(reference, remote.WithContext(ctx), remote.WithTransport(q.Transport),
		remote.WithAuth(&authn.Basic{Username: user, Password: token}))
	if err != nil {
		return nil, fmt.Errorf("asking Quay for %q: %w", reference, err)
	}
	return descriptor, nil
}
