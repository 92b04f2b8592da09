package quaytest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Role is what a robot may do with one repository.
type Role string

// The roles of Quay, each with the rights of the ones before it.
const (
	Read  Role = "read"
	Write Role = "write"
	Admin Role = "admin"
)

// roles are all roles in ascending order.
var roles = []Role{Read, Write, Admin}

// includes reports whether r allows what need allows; no role allows anything.
func (r Role) includes(need Role) bool {
	return r.valid() && slices.Index(roles, r) >= slices.Index(roles, need)
}

func (r Role) valid() bool { return slices.Contains(roles, r) }

// State is whether a repository takes pushes.
type State string

// The states of a repository; only a normal one takes the push of a robot
// (quay/quay:endpoints/v2/v2auth.py).
const (
	Normal   State = "NORMAL"
	ReadOnly State = "READ_ONLY"
	Mirror   State = "MIRROR"
)

// repositoryPattern is Quay's rule with FEATURE_EXTENDED_REPOSITORY_NAMES, its
// default (quay/quay:util/names.py).
var repositoryPattern = regexp.MustCompile(`^[a-z0-9][.a-z0-9_-]*(?:/[a-z0-9][.a-z0-9_-]*)*$`)

// repository is one repository of an organization.
type repository struct {
	name  string
	org   string
	state State
	// roles are the direct permissions by robot, teamRoles those of teams.
	roles, teamRoles map[string]Role
	description      string
	public           bool
	// byPush is set for one that a robot made by pushing, which has no description.
	byPush bool
	// badge is a secret of the address of its badge, serial its place among the repositories.
	badge  string
	serial int
	rules
	tags map[string]*tag
	// past are the tags that were moved or deleted, the oldest first.
	past      []*tag
	manifests map[string]*manifest
	// blobs has the end of the lease of every blob that was committed or mounted.
	blobs map[string]*blob
}

// blob is what the registry knows of one blob in one repository.
type blob struct {
	size  int64
	lease time.Time
}

// AddRepository makes the repository org/repo with the default permissions of
// org. It panics if org does not exist or the name is taken or not one Quay accepts.
func (q *Quay) AddRepository(org, repo string) { q.must(q.addRepository(org, repo)) }

func (q *Quay) addRepository(org, repo string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	_, err := q.createRepository(org, repo, "")
	return err
}

// createRepository makes org/repo for creator, who becomes its admin; the caller holds mu.
func (q *Quay) createRepository(org, repo, creator string) (*repository, error) {
	name := org + "/" + repo
	o := q.organizations[org]
	switch {
	case o == nil:
		return nil, fmt.Errorf("adding repository %q: organization %q does not exist", name, org)
	case len(repo) > 255 || !repositoryPattern.MatchString(repo):
		return nil, fmt.Errorf("adding repository %q: Invalid repository name", name)
	case q.repositories[name] != nil:
		return nil, fmt.Errorf("adding repository %q: Repository already exists", name)
	}
	q.made++
	r := &repository{name: name, org: org, state: Normal, badge: newID(), serial: q.made, roles: map[string]Role{}, teamRoles: map[string]Role{},
		tags: map[string]*tag{}, manifests: map[string]*manifest{}, blobs: map[string]*blob{}}
	for _, p := range o.prototypes {
		if p.activating == "" || p.activating == creator {
			p.apply(r)
		}
	}
	if creator != "" {
		r.roles[creator] = Admin
	}
	q.repositories[name] = r
	return r, nil
}

// Grant gives robot, which must be of the repository's organization, the role
// on "org/repo" in place of any it had. It panics where Quay answers with an error.
func (q *Quay) Grant(repo, robot string, role Role) { q.must(q.grant(repo, robot, role)) }

func (q *Quay) grant(repo, robot string, role Role) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := q.repositories[repo]
	switch {
	case !role.valid():
		return fmt.Errorf("granting %q on %q: unknown role %q", robot, repo, role)
	case r == nil:
		return fmt.Errorf("granting %q on %q: there is no such repository", robot, repo)
	case q.robots[robot] == nil:
		return fmt.Errorf("granting %q on %q: Invalid username: %s", robot, repo, robot)
	case !strings.HasPrefix(robot, r.org+"+"):
		return fmt.Errorf("granting %q on %q: Cannot add robot %s under namespace %s", robot, repo, robot, r.org)
	}
	r.roles[robot] = role
	return nil
}

// Role returns what robot may do with "org/repo", directly or through a team; empty if that is nothing.
func (q *Quay) Role(repo, robot string) Role {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := q.repositories[repo]
	if r == nil || q.robots[robot] == nil {
		return ""
	}
	return q.organizations[r.org].effective(r, robot)
}

// Revoke takes the role of robot on "org/repo" away. Bearer tokens issued
// before stay good until they expire. It panics if there is no such repository.
func (q *Quay) Revoke(repo, robot string) {
	q.must(q.editRepository(repo, func(r *repository) { delete(r.roles, robot) }))
}

// SetState sets whether "org/repo" takes pushes. It panics if there is no such repository.
func (q *Quay) SetState(repo string, state State) {
	q.must(q.editRepository(repo, func(r *repository) { r.state = state }))
}

func (q *Quay) editRepository(repo string, edit func(*repository)) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := q.repositories[repo]
	if r == nil {
		return fmt.Errorf("changing repository %q: it does not exist", repo)
	}
	edit(r)
	return nil
}

// HasRepository reports whether "org/repo" exists.
func (q *Quay) HasRepository(repo string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.repositories[repo] != nil
}
