package tenant

import (
	"fmt"
	"regexp"
	"strings"
)

// namePattern is what Quay's organization names (quay/quay util/validation.py) and Kubernetes' label names (RFC 1123)
// have in common. An underscore, legal in Quay, is out: Kubernetes refuses it in a Secret's name, and Quay lists the
// robots of an organization with an unescaped SQL LIKE, in which it matches any character.
var namePattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// maxTeam keeps quay-robot-team-<team> a legal label value, 63 characters.
const maxTeam = 47

// ParseTeam returns the team that a label value names, without the convention's prefix. A value that is no team name,
// or whose team itself starts with the prefix ("team-team-x"), is an error.
func (c Convention) ParseTeam(value string) (string, error) {
	team := strings.TrimPrefix(value, c.TeamPrefix)
	switch {
	case len(team) > maxTeam:
		return "", fmt.Errorf("team %.60q has %d characters, at most %d are allowed", team, len(team), maxTeam)
	case !namePattern.MatchString(team):
		return "", fmt.Errorf("team %q is not made of lower case letters, digits and single hyphens", team)
	case c.TeamPrefix != "" && strings.HasPrefix(team, c.TeamPrefix):
		return "", fmt.Errorf("team %q carries the prefix %q twice", value, c.TeamPrefix)
	}
	return team, nil
}

// TeamOf returns the team in whose organization image, host/organization/name, is. Whether it may be pushed there is for Decide.
func (c Convention) TeamOf(image string) (string, bool) {
	elements := strings.Split(image, "/")
	before, after, _ := strings.Cut(c.Organization, "<team>")
	if len(elements) < 3 || elements[0] != c.Registry || len(elements[1]) <= len(before)+len(after) {
		return "", false
	}
	team, err := c.ParseTeam(c.TeamPrefix + elements[1][len(before):len(elements[1])-len(after)])
	return team, err == nil && c.Names(team).Organization == elements[1]
}
