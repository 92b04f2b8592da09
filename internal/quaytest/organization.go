package quaytest

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// namePattern is Quay's rule for the characters of organizations, robots and teams.
var namePattern = regexp.MustCompile(`^[a-z0-9]+(?:[._-][a-z0-9]+)*$`)

// nameProblem returns what Quay has against the name of an organization or a
// robot, a "Namespace", or of a "Team" (quay/quay:util/validation.py).
func nameProblem(kind, name string) string {
	switch {
	case !namePattern.MatchString(name):
		return "Namespace must match expression ^([a-z0-9]+(?:[._-][a-z0-9]+)*)$"
	case len(name) < 2 || len(name) > 255:
		return kind + " must be between 2 and 255 characters in length"
	}
	return ""
}

// organization is a namespace with its robots' rights on what is made in it.
type organization struct {
	// ofUser is set for a namespace that is a user's own; it is no organization for the management API.
	ofUser bool
	email  string
	teams  map[string]*team
	// nextTeam counts the teams that were ever made.
	nextTeam int
	// prototypes are the default permissions, in the order in which they were made.
	prototypes []*prototype
	rules
	// removed is how long a tag that ended can be brought back.
	removed time.Duration
	// quota is the limit in bytes; 0 means none.
	quota int64
	// mirror is nil for an organization that is none.
	mirror *mirror
}

// AddOrganization makes the organization org. It panics if the name is not
// one Quay accepts or is taken.
func (q *Quay) AddOrganization(org string) { q.must(q.addOrganization(org)) }

func (q *Quay) addOrganization(org string) error {
	if nameProblem("Namespace", org) != "" {
		return fmt.Errorf("adding organization %q: not a name that Quay accepts", org)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.organizations[org] != nil {
		return fmt.Errorf("adding organization %q: A user or organization with this name already exists", org)
	}
	q.organizations[org] = newOrganization("", founder)
	return nil
}

// newOrganization returns an organization that owner made.
func newOrganization(email, owner string) *organization {
	o := &organization{email: email, teams: map[string]*team{}, removed: TimeMachine}
	o.team("owners", "admin").members[owner] = true
	return o
}

// SetCreator makes robot a member of the team "creators" of org, which has the
// role "creator": a token request with push scope makes a missing repository
// and the robot its admin. It panics if either does not exist.
func (q *Quay) SetCreator(org, robot string) { q.must(q.setCreator(org, robot)) }

func (q *Quay) setCreator(org, robot string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	o, err := q.member(org, robot)
	if err != nil {
		return fmt.Errorf("making %q creator of %q: %w", robot, org, err)
	}
	o.team("creators", "creator").members[robot] = true
	return nil
}

// SetDefaultPermission gives robot the role on every repository that is made
// in org from now on; existing ones stay as they are. It panics if the
// organization or the robot does not exist.
func (q *Quay) SetDefaultPermission(org, robot string, role Role) {
	q.must(q.setDefaultPermission(org, robot, role))
}

func (q *Quay) setDefaultPermission(org, robot string, role Role) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	o, err := q.member(org, robot)
	if err != nil {
		return fmt.Errorf("setting default permission of %q in %q: %w", robot, org, err)
	}
	if !role.valid() {
		return fmt.Errorf("setting default permission of %q in %q: unknown role %q", robot, org, role)
	}
	for _, p := range o.prototypes {
		if p.delegate == robot && p.activating == "" {
			p.role = role
			return nil
		}
	}
	o.prototypes = append(o.prototypes, &prototype{id: newID(), role: role, kind: "user", delegate: robot})
	return nil
}

// SetQuota limits org to the given number of bytes; 0 lifts the limit. It
// panics if the organization does not exist.
func (q *Quay) SetQuota(org string, bytes int64) {
	q.must(q.editOrganization(org, func(o *organization) { o.quota = bytes }))
}

func (q *Quay) editOrganization(org string, edit func(*organization)) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	o := q.organizations[org]
	if o == nil {
		return fmt.Errorf("changing organization %q: it does not exist", org)
	}
	edit(o)
	return nil
}

// member looks up org and checks that robot exists; the caller holds mu.
func (q *Quay) member(org, robot string) (*organization, error) {
	o := q.organizations[org]
	if o == nil {
		return nil, fmt.Errorf("organization %q does not exist", org)
	}
	if q.robots[robot] == nil {
		return nil, fmt.Errorf("robot %q does not exist", robot)
	}
	return o, nil
}

// mustBe panics on a problem that Quay would have.
func (q *Quay) mustBe(problem string) {
	if problem != "" {
		q.must(errors.New(problem))
	}
}

// must panics on the error of a test that asks for something impossible.
func (q *Quay) must(err error) {
	if err != nil {
		panic("quaytest: " + err.Error())
	}
}
