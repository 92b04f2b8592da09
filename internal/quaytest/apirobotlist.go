package quaytest

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// listRobots shows every robot whose name matches "<org>+%" in the sense of
// SQL's ILIKE: an underscore in the organization matches any character
// (quay/quay:data/model/user.py, list_entity_robots). It shows tokens unless
// asked not to; a member who is no administrator gets names.
func (c apiCall) listRobots() (int, any, *apiError) {
	like := "(?i)^" + strings.ReplaceAll(regexp.QuoteMeta(c.args[0]), "_", ".") + `\+`
	pattern := regexp.MustCompile(like)
	names := []string{}
	for name := range c.q.robots {
		if pattern.MatchString(name) {
			names = append(names, name)
		}
	}
	// Those that never logged in come first. Among them PostgreSQL begins at the
	// end when it has to join or to stop early, and at the beginning else.
	newest := 1
	if c.flag("permissions", false) || c.query("limit") != "" {
		newest = -1
	}
	slices.SortFunc(names, func(a, b string) int {
		x, y := c.q.robots[a], c.q.robots[b]
		return cmp.Or(compareBool(x.accessed.IsZero(), y.accessed.IsZero()), y.accessed.Compare(x.accessed), newest*(x.serial-y.serial))
	})
	names = names[:min(max(c.number("limit", len(names)), 0), len(names))]
	admin := c.token.administers(c.q, c.args[0])
	list := []any{}
	for _, name := range names {
		v := c.q.robots[name].view(name)
		if admin && c.flag("token", true) {
			v["token"] = c.q.robots[name].token
		}
		if admin && c.flag("permissions", false) {
			v["teams"], v["repositories"] = c.q.memberships(name)
		}
		list = append(list, v)
	}
	return http.StatusOK, map[string]any{"robots": list}, nil
}

// compareBool orders true before false.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// memberships are the teams of a robot and the repositories that it has a direct grant on, without the roles.
func (q *Quay) memberships(robot string) (teams, repositories []any) {
	teams, repositories = []any{}, []any{}
	for _, o := range q.organizations {
		for name, t := range o.teams {
			if t.members[robot] {
				teams = append(teams, map[string]any{"name": name})
			}
		}
	}
	for _, r := range q.repositories {
		if r.roles[robot] != "" {
			repositories = append(repositories, strings.TrimPrefix(r.name, r.org+"/"))
		}
	}
	return teams, repositories
}
