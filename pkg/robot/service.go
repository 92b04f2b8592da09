package robot

import (
	"context"
	"errors"
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// Quay is what the credential needs of Quay; *quay.Client is one.
type Quay interface {
	Organization(ctx context.Context, organization string) (quay.Organization, error)
	CreateOrganization(ctx context.Context, organization, email string) error
	Robots(ctx context.Context, organization string) ([]quay.Grants, error)
	Robot(ctx context.Context, robot string) (quay.Robot, error)
	CreateRobot(ctx context.Context, robot, description string) (quay.Robot, error)
	RegenerateRobot(ctx context.Context, robot string) (quay.Robot, error)
	DeleteRobot(ctx context.Context, robot string) error
	Repositories(ctx context.Context, organization string) ([]quay.Repository, error)
	CreateRepository(ctx context.Context, repository string) error
	EffectivePermission(ctx context.Context, repository, robot string) (quay.Role, error)
	SetPermission(ctx context.Context, repository, robot string, role quay.Role) error
	DeletePermission(ctx context.Context, repository, robot string) error
	RemoveMember(ctx context.Context, organization, team, robot string) error
	Prototypes(ctx context.Context, organization string) ([]quay.Prototype, error)
	CreatePrototype(ctx context.Context, organization, robot string, role quay.Role) (quay.Prototype, error)
	SetPrototypeRole(ctx context.Context, organization, id string, role quay.Role) error
	DeletePrototype(ctx context.Context, organization, id string) error
	Federation(ctx context.Context, robot string) ([]quay.Trusted, error)
	SetFederation(ctx context.Context, robot string, trusted ...quay.Trusted) error
	DeleteFederation(ctx context.Context, robot string) error
	AnchorQuay
	Config(ctx context.Context) (quay.Config, error)
	CreateImmutabilityPolicy(ctx context.Context, organization string, p quay.ImmutabilityPolicy) error
	Rights(ctx context.Context, robot string, token secret.Value, repositories ...string) (quay.Rights, error)
	Pushes(ctx context.Context, organization, robot string, since, until time.Time) ([]quay.Push, error)
	Tags(ctx context.Context, repository string, since time.Time) ([]quay.Tag, error)
	// Date is what Quay's clock showed when it answered last; zero where it did not say.
	Date() time.Time
}

// Vault is what the credential needs of Vault; *vault.Client is one.
type Vault interface {
	Read(ctx context.Context, path string) (vault.Secret, error)
	ReadVersion(ctx context.Context, path string, version int) (vault.Secret, error)
	Write(ctx context.Context, path string, data vault.Data, current int) (version int, err error)
	Metadata(ctx context.Context, path string) (vault.Metadata, error)
	Mount(ctx context.Context) (vault.Mount, error)
	Destroy(ctx context.Context, path string, versions []int) error
	Delete(ctx context.Context, path string) error
}

// ErrTokenWithheld is what an error of Cluster wraps when the caller may have no token of a ServiceAccount.
var ErrTokenWithheld = errors.New("you may have no token of it")

// ErrChanged is what an error of Cluster wraps when somebody changed the object after it was read.
var ErrChanged = errors.New("it was changed in the meantime")

// ErrNotFound is what an error of Cluster wraps when there is no such object.
var ErrNotFound = errors.New("not found in the cluster")

// Cluster is what the credential needs of the cluster.
type Cluster interface {
	// Secret returns a Secret.
	Secret(ctx context.Context, namespace, name string) (Secret, error)
	// ExternalSecret returns what External Secrets was told and what came of it.
	ExternalSecret(ctx context.Context, namespace, name string) (ExternalSecret, error)
	// ServiceAccount returns the ServiceAccount of a keyless team.
	ServiceAccount(ctx context.Context, namespace, name string) (ServiceAccount, error)
	// ServiceAccountToken has a token of it made, as the controller does for each run.
	ServiceAccountToken(ctx context.Context, namespace, name string) (secret.Value, error)
	// NameRobot has the ServiceAccount name robot as the successor of the one before, if it still is at version, where that is not empty;
	// dryRun only asks whether that may be.
	NameRobot(ctx context.Context, namespace, name, robot, version string, dryRun bool) error
	// Refresh asks External Secrets to read Vault now; it does not wait.
	Refresh(ctx context.Context, namespace, name string) error
	// Runs lists the unfinished PipelineRuns of team, by a name that no later run has.
	Runs(ctx context.Context, team string) ([]string, error)
}

// Secret is a Secret in the cluster.
type Secret struct {
	Type string
	// Immutable says that nobody can change it any more, only delete it.
	Immutable bool
	// Owner is the kind and the name of the object that controls it, such as another ExternalSecret; empty where that is the ExternalSecret of
	// its own name, or nothing.
	Owner string
	// Dockerconfig is the value of .dockerconfigjson, a Docker config file.
	Dockerconfig secret.Value
	// VaultVersion is the version in Vault that it was rendered from, by its annotation; 0 where that is not rendered.
	VaultVersion int
}

// ExternalSecret is an ExternalSecret in the cluster.
type ExternalSecret struct {
	// Ready is its Ready condition, Reason and Message are that condition's. Warning is the newest in its Events where it is not ready,
	// empty if none is to be seen: External Secrets says why there alone.
	Ready                    bool
	Reason, Message, Warning string
	// RefreshTime is when it last took the value from Vault.
	RefreshTime time.Time
	// Path is the path in Vault that it reads, without the mount. Odd says why it is not one alone; empty if it is.
	Path, Odd string
	// Frozen is the field by which the Secret never follows Vault, and its value; empty if it does.
	Frozen string
}

// ServiceAccount is what a keyless team has in place of its Secret.
type ServiceAccount struct {
	// Robot is the robot that it is at Quay, by its annotations.
	Robot string
	// Version changes with every change of it.
	Version string
	// Mounts says that a Pod that is it gets a token of it.
	Mounts bool
}

// Services are the real things that an operation works on.
type Services struct {
	Quay    Quay
	Vault   Vault
	Cluster Cluster
	// Name is how people call that cluster, where there are others; Clusters are those, by their names.
	Name     string
	Clusters map[string]Cluster
	// Issuer returns the name of the cluster's issuer of tokens, and Exchange what Quay gives for one of them. Keyless teams alone need
	// them.
	Issuer   func(ctx context.Context) (string, error)
	Exchange func(ctx context.Context, robot string, token secret.Value) (secret.Value, error)
	// Report is told every step as it begins and as it ends; nil means nobody.
	Report func(Step)
	// Poll is the time between two looks at something that is waited for; 0 means two seconds.
	Poll time.Duration
	// Now tells the time; nil means time.Now.
	Now func() time.Time
	// settings are Quay's; nil where they were not asked for yet.
	settings *quay.Config
}

func (s Services) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

// wait looks every Poll whether done, until it is or ctx ends. what says in an error what was waited for.
func (s Services) wait(ctx context.Context, what string, done func() (bool, string, error)) error {
	poll := s.Poll
	if poll == 0 {
		poll = 2 * time.Second
	}
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for {
		ok, detail, err := done()
		if ok || err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return &Error{Reason: ReasonTimeout, Problem: "still waiting for " + what + ": " + detail, Err: context.Cause(ctx),
				Next: "run it again with more time: it goes on from here"}
		}
	}
}
