package robot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// Place is a Secret in the cluster, by its namespace and its name.
type Place struct{ Namespace, Name string }

// AdoptOptions say with what a team pushes already, and who else there is.
type AdoptOptions struct {
	// VaultPath is where the credential is in Vault, without the mount; empty: at the tenant's own path, or nowhere.
	VaultPath string
	// Secret is the one that has the credential, which is to come into Vault; nil: Vault has it.
	Secret *Place
	// Robot is the full name of the robot, where it is none of the convention's; it is the team's then, too.
	Robot string
	// FixPermissions gives the robot what Bootstrap would give it, and takes from it what it has beyond that.
	FixPermissions bool
	// Others are all other teams; Foreign are repositories of theirs, "organization/name", to prove that the robot may not push there. They
	// must exist.
	Others  []Tenant
	Foreign []string
}

// AdoptResult is what Adopt found and did.
type AdoptResult struct {
	Steps []Step
	// Robot is the robot in use; empty where none was found.
	Robot string
}

// adoption is one run of Adopt.
type adoption struct {
	Services
	Tenant
	opts AdoptOptions
	// active is what the team pushes with, and where says where that was found.
	active credential
	where  string
	// version is the one in Vault to write on.
	version int
	// repositories are those of the organization that take pushes, accounts are the team's robots.
	repositories []string
	accounts     []account
}

// Adopt takes over the credential with which a team pushes already: it looks at all of it, and writes it to the tenant's path in Vault if
// it is not there. It makes no token and deletes nothing, and where anything is not as Bootstrap would have it, or could be somebody
// else's, it changes nothing and says in its steps what all of that is; FixPermissions alone has it set rights. It can be run again after
// any failure. The steps until an error are returned with it.
func Adopt(ctx context.Context, s Services, t Tenant, opts AdoptOptions) (AdoptResult, error) {
	a := newAdoption(s, t, opts)
	steps, err := a.look(ctx)
	if err != nil {
		for _, step := range steps {
			s.report(step)
		}
		return AdoptResult{steps, a.active.username}, err
	}
	steps, err = s.run(ctx, a.tasks())
	return AdoptResult{steps, a.active.username}, err
}

// PlanAdopt says what Adopt would do, and changes nothing.
func PlanAdopt(ctx context.Context, s Services, t Tenant, opts AdoptOptions) (AdoptResult, error) {
	a := newAdoption(s, t, opts)
	steps, err := a.look(ctx)
	return AdoptResult{steps, a.active.username}, err
}

func newAdoption(s Services, t Tenant, opts AdoptOptions) *adoption {
	if opts.Robot != "" && !t.OwnsRobot(opts.Robot) {
		t.RobotNames = append(slices.Clone(t.RobotNames), opts.Robot)
	}
	return &adoption{Services: s, Tenant: t, opts: opts}
}

// tasks are the steps of an adoption. What comes after the robot is asked about each other independently of what is wrong.
func (a *adoption) tasks() []task {
	robot := func() string { return a.active.username }
	own := func() []string { return a.repositories }
	tasks := []task{
		{id: organizationStep, title: fmt.Sprintf("see the organization %q", a.Organization), check: a.checkOrganization},
		{id: "credential", title: "find what the team pushes with", check: a.checkCredential},
		{id: "robot", title: "see whose robot it is, and that Quay takes its token", check: a.checkRobot},
		a.permissionTask(robot, own),
		a.defaultPermissionTask(a.Organization, robot),
		a.surplusTask(),
		a.rightTask(func() credential { return a.active }, own, func() []string { return a.opts.Foreign }),
		{id: "not-shared", title: "see that no other team has the same robot, token, or path", check: a.checkShared},
		{id: "others", title: "see which other robots of the team have a right", check: a.checkOthers},
		{id: "settings", title: "see that Vault keeps what is written for long enough", check: a.checkSettings},
		{id: "secret", title: fmt.Sprintf("see what Secret %q has, which External Secrets will render", a.Namespace+"/"+a.Secret), check: a.checkSecret},
		{id: "external-secret", title: fmt.Sprintf("see what ExternalSecret %q reads", a.Namespace+"/"+a.Secret), check: a.checkExternalSecret},
		{id: "vault", title: fmt.Sprintf("have the credential at %q in Vault", a.VaultPath), reason: ReasonConflict, next: nextConflict,
			check: a.checkVault, do: a.writeVault},
		{id: "old-tokens", title: "see whether older versions in Vault can be read", check: a.checkOld},
	}
	if a.opts.FixPermissions {
		return append(tasks, a.anchorTask(a.Organization))
	}
	for i := range tasks {
		if id := tasks[i].id; id == "permission" || id == "default-permission" || id == "surplus" {
			tasks[i].do, tasks[i].next = nil, "run it again with --fix-permissions, which does that; or do it in Quay"
		}
	}
	return tasks
}

// look does every check and changes nothing: however much is wrong, all of it is told at once. The error is the first that keeps the
// adoption from being begun.
func (a *adoption) look(ctx context.Context) ([]Step, error) {
	if err := a.checkStores("adopt"); err != nil {
		return nil, err
	}
	steps, refused, pending := []Step{}, []*Error{}, false
	for i, t := range a.tasks() {
		done, detail, err := t.check(ctx)
		step, refusal := Step{t.id, t.title, Kept, detail}, (*Error)(nil)
		switch warning := (*warned)(nil); {
		case errors.As(err, &warning):
			step = warning.as(t)
		case errors.As(err, &refusal):
		case err != nil:
			return steps, err
		case !done && t.do == nil && !pending:
			refusal = &Error{Reason: t.reason, Problem: detail, Next: t.next}
		case !done:
			step.State, pending = Pending, true
		}
		if refusal != nil {
			refused, step.State, step.Detail = append(refused, refusal), Refused, refusal.Error()
		}
		steps = append(steps, step)
		if refusal != nil && i < stepsToTheRobot {
			break // There is no robot to ask about.
		}
	}
	switch len(refused) {
	case 0:
		return steps, nil
	case 1:
		return steps, refused[0]
	}
	first := *refused[0]
	first.Problem = fmt.Sprintf("%d things stand against it, the first: %s", len(refused), first.Problem)
	return steps, &first
}

// stepsToTheRobot are the first of tasks, on which the others stand.
const stepsToTheRobot = 3

func (a *adoption) checkOrganization(ctx context.Context) (bool, string, error) {
	if err := a.checkOwner(ctx, a.Tenant); quay.IsNotFound(err) {
		return false, "", &Error{Reason: ReasonMissing, Problem: fmt.Sprintf("there is no organization %q", a.Organization),
			Next: "if team's organizations have other names, set organization in ConfigMap config-tenancy; else there is nothing to adopt: run onboard"}
	} else if err != nil {
		return false, "", err
	}
	var err error
	a.repositories, err = a.Services.repositories(ctx, a.Organization)
	return true, fmt.Sprintf("it has %d repositories that take pushes", len(a.repositories)), err
}

// checkRobot proves that the credential is that of a robot of the team's.
func (a *adoption) checkRobot(ctx context.Context) (bool, string, error) {
	if err := a.checkName(); err != nil {
		return false, "", err
	}
	name := a.active.username
	_, err := a.Quay.Rights(ctx, name, a.active.token)
	if err != nil && !quay.IsUnauthorized(err) {
		return false, "", err
	}
	found, missing := a.Quay.Robot(ctx, name)
	switch {
	case quay.IsNotFound(missing):
		return false, "", &Error{Reason: ReasonDrift, Problem: fmt.Sprintf("%s has a token of robot %q, and Quay has no such robot", a.where, name),
			Next: "there is nothing to adopt: run onboard, which makes the team another robot"}
	case missing != nil:
		return false, "", missing
	case err != nil || !found.Token.Equal(a.active.token):
		return false, "", &Error{Reason: ReasonDrift, Problem: fmt.Sprintf("%s has a token of robot %q that Quay does not take: it is another robot's, or was replaced", a.where, name),
			Next: "put the token there that the robot's page in Quay shows, then run it again; or run onboard, which makes the team another robot"}
	}
	a.accounts, err = a.Services.accounts(ctx, a.Tenant)
	return true, fmt.Sprintf("Quay takes the token of %q", name), err
}

// checkName refuses a robot that is none of the team's.
func (a *adoption) checkName() error {
	name := a.active.username
	organization, _, _ := strings.Cut(name, "+")
	problem := fmt.Sprintf("%s has the credential of %s", a.where, shown.QuotedRobot(name))
	switch {
	case !shown.IsRobot(name):
		return &Error{Reason: ReasonRefused, Problem: problem + ": user name and token are swapped, or it is a person's, who may do more than push",
			Next: "put each in its place, if they are swapped; else run onboard, which makes the team a robot of its own"}
	case a.opts.Robot != "" && a.opts.Robot != name:
		return &Error{Reason: ReasonRefused, Problem: problem + fmt.Sprintf(", and not of %q", a.opts.Robot), Next: "see which robot the team pushes with, and give that with --robot, or leave it out"}
	case organization != a.Organization:
		return &Error{Reason: ReasonRefused, Problem: problem + fmt.Sprintf(", a robot of another organization than the team's, which is %q", a.Organization),
			Next: "run onboard, which makes the team a robot in its own organization; if teams' organizations have other names, set organization in ConfigMap config-tenancy"}
	case !a.OwnsRobot(name):
		return &Error{Reason: ReasonRefused, Problem: problem + ", which is no name that a robot of the team's has here",
			Next: fmt.Sprintf("if it is the team's alone run it again with --robot %s", name)}
	}
	return nil
}

func (a *adoption) checkVault(ctx context.Context) (bool, string, error) {
	found, err := a.read(ctx, a.Tenant)
	a.version = found.version
	switch {
	case err != nil:
		return false, "", err
	case !found.exists:
		return false, "it has none", nil
	case !found.equal(a.active):
		return false, "", a.differs()
	}
	return true, fmt.Sprintf("version %d has it", found.version), nil
}

// differs is the error for a path in Vault that has another credential, which is never overwritten.
func (a *adoption) differs() error {
	return &Error{Reason: ReasonRefused, Problem: fmt.Sprintf("%q in Vault has another credential than %s, and none is overwritten", a.VaultPath, a.where),
		Next: "see which of them the team pushes with; give that place alone, or free the other with vault kv delete, by which its version stays to be undeleted"}
}

func (a *adoption) writeVault(ctx context.Context) error {
	return a.write(ctx, a.Tenant, a.active, a.version)
}
