package robot

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/shown"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// The keys of the secret in Vault, which the ExternalSecret's template names.
const (
	keyUsername = "username"
	keyToken    = "token"
)

// credential is a robot's name and token, as Vault has them.
type credential struct {
	username string
	token    secret.Value
}

// equal reports whether both are the same robot with the same token.
func (c credential) equal(other credential) bool {
	return c.username == other.username && c.token.Equal(other.token)
}

// data is what Vault is given.
func (c credential) data() vault.Data {
	return vault.Data{keyUsername: secret.New(c.username), keyToken: c.token}
}

func credentialOf(data vault.Data) credential {
	return credential{data[keyUsername].Reveal(), data[keyToken]}
}

// stored is what is at the tenant's path in Vault.
type stored struct {
	credential
	vault.Secret
	// exists reports whether there is a version that can be read; version is the one to write on, which may be a deleted one.
	exists  bool
	version int
}

// read reads the tenant's path. A credential of another team there is refused.
func (s Services) read(ctx context.Context, t Tenant) (stored, error) {
	if t.VaultPath == "" {
		return stored{}, &Error{Reason: ReasonRefused, Problem: fmt.Sprintf("ExternalSecret %q does not read one path in Vault alone", t.Namespace+"/"+t.Secret),
			Next: "see check external-secret-path of verify, which names the field; write it as onboard renders it"}
	}
	secret, err := s.Vault.Read(ctx, t.VaultPath)
	if errors.Is(err, vault.ErrNotFound) {
		metadata, err := s.Vault.Metadata(ctx, t.VaultPath)
		return stored{version: metadata.Current}, err
	}
	if err != nil {
		return stored{}, err
	}
	found := stored{credential: credentialOf(secret.Data), Secret: secret, exists: true, version: secret.Version}
	if found.username != "" && !t.OwnsRobot(found.username) {
		return stored{}, &Error{Reason: ReasonRefused,
			Problem: fmt.Sprintf("the path %q in Vault has the credential of %s, which is no robot of team %q", t.VaultPath, shown.QuotedRobot(found.username), t.Team),
			Next:    nextForeign(t, found.username)}
	}
	return found, nil
}

// nextForeign is the next step where the tenant's path has the credential of username, which somebody may push with.
func nextForeign(t Tenant, username string) string {
	organization, _, _ := strings.Cut(username, "+")
	if organization == t.Organization {
		return "see who wrote it and what uses it: write it to a path of its own and free this one, or check --division and --app"
	}
	return "check --division and --app, and the path that the ExternalSecret reads: what is there belongs to somebody else, and stays as it is"
}

// write writes c to the tenant's path, on top of the version that was read. Whether somebody else was first, or it was this
// very write whose answer got lost, is for the check afterwards to see.
func (s Services) write(ctx context.Context, t Tenant, c credential, version int) error {
	if err := s.checkMount(ctx); err != nil {
		return err
	}
	_, err := s.Vault.Write(ctx, t.VaultPath, c.data(), version)
	if errors.Is(err, vault.ErrConflict) {
		return nil
	}
	return err
}

// inVault fails unless Vault has c, which was put there: a leak that is answered meanwhile, or who else works on the team, put another.
func (s Services) inVault(ctx context.Context, t Tenant, c credential) error {
	found, err := s.read(ctx, t)
	if err == nil && (!found.exists || !found.equal(c)) {
		err = &Error{Reason: ReasonConflict, Problem: fmt.Sprintf("Vault has another credential than that of %q, which was put there", c.username), Next: nextConflict}
	}
	return err
}

// carried returns the credential in a Secret for the tenant's organization, with the whole value that goes over the wire.
func (t Tenant) carried(secret Secret) (dockerconfig.Credential, error) {
	match, _, err := t.entry(secret)
	return match.Credential, err
}

// entry returns the entry in a Secret for the tenant's organization, and the registries of all others.
func (t Tenant) entry(secret Secret) (match dockerconfig.Match, others []string, err error) {
	config, err := dockerconfig.Parse([]byte(secret.Dockerconfig.Reveal()))
	if err == nil {
		match, err = config.For(t.Registry, t.Organization)
	}
	if err != nil {
		return dockerconfig.Match{}, nil, err
	}
	return match, config.Besides(match.Key), nil
}

// same reports whether the credential of a Secret is c. It compares in constant time.
func (c credential) same(inSecret dockerconfig.Credential) bool {
	return !c.token.IsZero() && c.token.Basic(c.username).Equal(inSecret.Authorization())
}

// inSecret looks whether the Secret carries c, in every cluster, and says where one has something else.
func (s Services) inSecret(ctx context.Context, t Tenant, c credential) (bool, string, error) {
	details := []string{}
	for _, x := range s.sites(t) {
		ok, detail, err := x.has(ctx, t, c)
		if !ok || err != nil {
			return false, detail, err
		}
		details = append(details, detail)
	}
	return true, strings.Join(details, "; "), nil
}
