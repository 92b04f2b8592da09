package quaytest

import "slices"

// team is a team of an organization.
type team struct {
	// role is member, creator or admin.
	role        string
	description string
	// members are robots and users.
	members map[string]bool
	// serial is its place among the teams, the oldest first.
	serial int
}

// team returns the team of o with the name, made with the role if it is new.
func (o *organization) team(name, role string) *team {
	t := o.teams[name]
	if t == nil {
		t = &team{role: role, members: map[string]bool{}, serial: o.nextTeam}
		o.nextTeam++
		o.teams[name] = t
	}
	return t
}

// role is the highest role that a member of o has through its teams; empty if none.
func (o *organization) role(member string) string {
	highest := 0
	for _, t := range o.teams {
		if t.members[member] {
			highest = max(highest, slices.Index(teamRoles, t.role))
		}
	}
	return teamRoles[highest]
}

// mayCreate reports whether robot may make repositories in o.
func (o *organization) mayCreate(robot string) bool {
	return slices.Index(teamRoles, o.role(robot)) >= slices.Index(teamRoles, "creator")
}

// grants are the roles of robot on r, directly and through teams; the role of
// a team in the organization counts only if it is admin.
func (o *organization) grants(r *repository, robot string) []Role {
	found := []Role{}
	if role, ok := r.roles[robot]; ok {
		found = append(found, role)
	}
	for name, t := range o.teams {
		if role, ok := r.teamRoles[name]; ok && t.members[robot] {
			found = append(found, role)
		}
	}
	return found
}

// effective is the highest role of robot on r; empty if it has none.
func (o *organization) effective(r *repository, robot string) Role {
	if o.role(robot) == "admin" {
		return Admin
	}
	highest := Role("")
	for _, role := range o.grants(r, robot) {
		if role.includes(highest) {
			highest = role
		}
	}
	return highest
}

// GrantTeam gives a team of the repository's organization, which is made if it
// is new, the role on "org/repo". It panics if there is no such repository.
func (q *Quay) GrantTeam(repo, name string, role Role) {
	q.must(q.editRepository(repo, func(r *repository) {
		q.organizations[r.org].team(name, "member")
		r.teamRoles[name] = role
	}))
}

// AddTeamMember makes robot a member of a team of org, made with the role
// member, creator or admin if it is new; robot may be of another organization,
// as with Quay. It panics if either does not exist.
func (q *Quay) AddTeamMember(org, name, role, robot string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	o, err := q.member(org, robot)
	q.must(err)
	o.team(name, role).members[robot] = true
}

// RemoveTeamMember takes robot out of a team of org. It panics if there is no such member.
func (q *Quay) RemoveTeamMember(org, name, robot string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	o := q.organizations[org]
	if o == nil || o.teams[name] == nil || !o.teams[name].members[robot] {
		panic("quaytest: robot " + robot + " is in no team " + name + " of " + org)
	}
	delete(o.teams[name].members, robot)
}
