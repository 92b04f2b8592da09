package quaytest

import (
	"fmt"
	"regexp"
)

// namePattern is Quay's rule for organizations and robots, 2 to 255 characters
// (quay/quay:util/validation.py).
var namePattern = regexp.MustCompile(`^[a-z0-9]+(?:[._-][a-z0-9]+)*$`)

// organization is a namespace with its robots' rights on what is made in it.
type organization struct {
	email string
	teams map[string]*team
	// prototypes are the default permissions, in the order in which they were made.
	prototypes []*prototype
	// immutable keeps every tag of the organization where it is.
	immutable bool
	// quota is the limit in bytes; 0 means none.
	quota int64
}

// AddOrganization makes the organization org. It panics if the name is not
// one Quay accepts or is taken.
func (q *Quay) AddOrganization(org string) { q.must(q.addOrganization(org)) }

func (q *Quay) addOrganization(org string) error {
	if len(org) < 2 || len(org) > 255 || !namePattern.MatchString(org) {
		return fmt.Errorf("adding organization %q: not a name that Quay accepts", org)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.organizations[org] != nil {
		return fmt.Errorf("adding organization %q: A user or organization with this name already exists", org)
	}
	q.organizations[org] = &organization{teams: map[string]*team{}}
	return nil
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

// SetImmutable makes the tags of org immutable, or movable again. It panics if
// the organization does not exist.
func (q *Quay) SetImmutable(org string, immutable bool) {
	q.must(q.editOrganization(org, func(o *organization) { o.immutable = immutable }))
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

// must panics on the error of a test that asks for something impossible.
func (q *Quay) must(err error) {
	if err != nil {
		panic("quaytest: " + err.Error())
	}
}
