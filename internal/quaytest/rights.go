package quaytest

import (
	"slices"
	"strings"
)

// teamRoles are what a team may do in its organization, in ascending order.
var teamRoles = []string{"", "member", "creator", "admin"}

// orgRole is what the user of the token is in org, and no more than the scopes
// allow (quay/quay:auth/permissions.py): empty is nothing. The caller holds mu.
func (t *oauthToken) orgRole(q *Quay, org string) string {
	o := q.organizations[org]
	if t == nil || o == nil {
		return ""
	}
	role, most := o.role(t.user.name), ""
	if t.user.owns(org, o) {
		role = "admin"
	}
	switch {
	case t.has(OrgAdmin):
		most = "admin"
	case t.has(RepoCreate):
		most = "creator"
	}
	return teamRoles[min(slices.Index(teamRoles, role), slices.Index(teamRoles, most))]
}

// administers reports whether the token may change org; the caller holds mu.
func (t *oauthToken) administers(q *Quay, org string) bool { return t.orgRole(q, org) == "admin" }

// creates reports whether the token may make repositories in org; the caller holds mu.
func (t *oauthToken) creates(q *Quay, org string) bool {
	return slices.Contains([]string{"creator", "admin"}, t.orgRole(q, org))
}

// repoRole is what the token may do with the repository name, which need not
// exist: empty is nothing. The caller holds mu.
func (t *oauthToken) repoRole(q *Quay, name string) Role {
	role := t.ownRole(q, name)
	switch {
	case t.has(RepoAdmin):
		return role
	case t.has(RepoRead) && role != "":
		return Read
	}
	return ""
}

// ownRole is what the user of the token may do with the repository name, whatever the scopes.
func (t *oauthToken) ownRole(q *Quay, name string) Role {
	org, _, _ := strings.Cut(name, "/")
	o, r := q.organizations[org], q.repositories[name]
	switch {
	case t == nil || o == nil:
		return ""
	case t.user.owns(org, o):
		return Admin
	case r == nil && o.role(t.user.name) == "admin":
		return Admin
	case r == nil:
		return ""
	}
	return o.effective(r, t.user.name)
}
