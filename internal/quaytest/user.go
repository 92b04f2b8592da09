package quaytest

import (
	"slices"
	"strconv"
)

// defaultUser is the user whom an OAuth token acts for unless it names another.
const defaultUser = "platform"

// founder owns the organizations that no user made.
const founder = "founder"

// user is a person with an account. A user has a namespace of the same name.
type user struct {
	name string
	// unnamed is set if the name is made up.
	unnamed bool
	// organizations are those that the user owns; empty means all.
	organizations []string
}

// addUser returns the user with the name who owns the organizations. Without a
// name it is the default one, or another one if that one owns others. The
// caller holds mu.
func (q *Quay) addUser(name string, organizations []string) *user {
	named := name != ""
	for _, u := range q.users {
		if (u.name == name || !named && u.unnamed) && slices.Equal(u.organizations, organizations) {
			return u
		}
	}
	for n := 1; !named && (name == "" || q.isUser(name)); n++ {
		name = defaultUser
		if n > 1 {
			name += "-" + strconv.Itoa(n)
		}
	}
	u := &user{name: name, unnamed: !named, organizations: slices.Clone(organizations)}
	q.users = append(q.users, u)
	if q.organizations[name] == nil {
		q.organizations[name] = &organization{ofUser: true, teams: map[string]*team{}, removed: TimeMachine}
	}
	return u
}

// exists reports whether name is that of a user or a robot; the caller holds mu.
func (q *Quay) exists(name string) bool {
	return q.robots[name] != nil || q.isUser(name)
}

// isUser reports whether name is that of a user; the caller holds mu.
func (q *Quay) isUser(name string) bool {
	return slices.ContainsFunc(q.users, func(u *user) bool { return u.name == name })
}

// owns reports whether the user is an owner of org, which exists.
func (u *user) owns(org string, o *organization) bool {
	if o.ofUser {
		return u.name == org
	}
	return len(u.organizations) == 0 || slices.Contains(u.organizations, org)
}

// isMember reports whether name is somebody in org, as every robot is anywhere; the caller holds mu.
func (q *Quay) isMember(org, name string) bool {
	o := q.organizations[org]
	return isRobot(name) || o.role(name) != "" || slices.ContainsFunc(q.users, func(u *user) bool {
		return u.name == name && u.owns(org, o)
	})
}
