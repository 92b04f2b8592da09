package config

import (
	"fmt"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/push/verdict"
)

// GateOf is the floor of a team's gate: what no image that PushImage pushes for it may have.
func (c *Config) GateOf(team string) verdict.Policy {
	text := c.Gate
	for _, one := range c.TeamGates {
		if name, of, _ := strings.Cut(one, "="); name == team {
			text = of
		}
	}
	p, err := verdict.ParsePolicy(text)
	if err != nil { // FromConfigMap refuses it. Whoever made the Config otherwise gets what lets nothing worse through.
		return verdict.Policy{Threshold: verdict.Negligible}
	}
	return p
}

// checkGates checks gate and team-gates.
func (c *Config) checkGates() error {
	if _, err := verdict.ParsePolicy(c.Gate); err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	teams := map[string]bool{}
	for _, one := range c.TeamGates {
		team, text, given := strings.Cut(one, "=")
		if _, err := verdict.ParsePolicy(text); err != nil {
			return fmt.Errorf("team-gates: %q: %w", one, err)
		}
		switch {
		case !given || team == "" || text == "":
			return fmt.Errorf("team-gates: %q is not <team>=<gate>, such as payments=high or kiosk=none", one)
		case c.unprefixed(team) != team:
			return fmt.Errorf("team-gates: %q does not name a team as results do, such as payments", one)
		case teams[team]:
			return fmt.Errorf("team-gates: team %q is there twice", team)
		}
		teams[team] = true
	}
	return nil
}

// unprefixed is the team that a label's value names; empty if it names none.
func (c *Config) unprefixed(value string) string {
	team, err := c.ParseTeam(value)
	if err != nil {
		return ""
	}
	return team
}
