package robot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

// managed ends the description of every robot that is made here.
const managed = "; managed by quay-push"

// account is a robot that has the name of one of the team's, with everything that it holds.
type account struct {
	quay.Grants
	generation int
	// defaults are the default permissions by which it gets a role on repositories that are made later.
	defaults []quay.Prototype
	// elsewhere are the names of its teams that the organization does not have: they are another's, and end with the robot alone.
	elsewhere []string
}

// accounts lists the robots in Quay that have a name of the team's, the latest generation first.
func (s Services) accounts(ctx context.Context, t Tenant) ([]account, error) {
	robots, err := s.Quay.Robots(ctx, t.Organization)
	if err != nil {
		return nil, err
	}
	prototypes, err := s.Quay.Prototypes(ctx, t.Organization)
	if err != nil {
		return nil, err
	}
	found := []account{}
	for _, r := range robots {
		a := account{Grants: r, generation: t.Generation(r.Name)}
		if a.generation == 0 {
			continue
		}
		for _, p := range prototypes {
			if p.Delegate == r.Name {
				a.defaults = append(a.defaults, p)
			}
		}
		found = append(found, a)
	}
	if slices.ContainsFunc(found, func(a account) bool { return len(a.Teams) > 0 }) {
		o, err := s.Quay.Organization(ctx, t.Organization)
		if err != nil {
			return nil, err
		}
		for i := range found {
			found[i].elsewhere = slices.DeleteFunc(slices.Clone(found[i].Teams), func(team string) bool { _, own := o.Teams[team]; return own })
			found[i].Teams = slices.DeleteFunc(found[i].Teams, func(team string) bool { _, own := o.Teams[team]; return !own })
		}
	}
	slices.SortFunc(found, func(a, b account) int {
		if a.generation != b.generation {
			return b.generation - a.generation
		}
		return strings.Compare(a.Name, b.Name)
	})
	return found, nil
}

// own reports whether a is the team's robot, and not somebody's own work that happens to have the name of a later generation.
func (t Tenant) own(a account) bool {
	return a.generation == 1 || strings.HasSuffix(a.Description, managed)
}

// holds says what the robot holds; empty if that is nothing.
func (a account) holds() string {
	held := []string{}
	if n := len(a.Repositories); n > 0 {
		held = append(held, fmt.Sprintf("a role on %d repositories", n))
	}
	if len(a.Teams) > 0 {
		held = append(held, "teams "+strings.Join(a.Teams, ", "))
	}
	if n := len(a.defaults); n > 0 {
		held = append(held, fmt.Sprintf("%d default permissions", n))
	}
	return strings.Join(held, ", ")
}

// named returns the account of that name, nil if there is none.
func named(accounts []account, name string) *account {
	if i := slices.IndexFunc(accounts, func(a account) bool { return a.Name == name }); i >= 0 {
		return &accounts[i]
	}
	return nil
}

// successor is the name of a robot that comes after every one of accounts and of usernames, which Vault has or had.
func (t Tenant) successor(accounts []account, usernames ...string) string {
	highest := 0
	for _, a := range accounts {
		highest = max(highest, a.generation)
	}
	for _, name := range usernames {
		highest = max(highest, t.Generation(name))
	}
	return t.Robot(highest + 1)
}

// createRobot makes a robot unless it exists, which one of a later generation does only where somebody made it just now: unless that
// is one of ours, it is not taken. Nor is one made that would have a number beyond all: it could be no robot of the team's.
func (s Services) createRobot(ctx context.Context, t Tenant, name, description string) error {
	if !t.OwnsRobot(name) {
		return &Error{Reason: ReasonRefused, Problem: fmt.Sprintf("no robot is made, as one of organization %q has the last number that there is, and %q would be none of team %q", t.Organization, name, t.Team),
			Next: "delete that one in Quay's own pages if the team does not push with it, then run this again"}
	}
	_, err := s.Quay.CreateRobot(ctx, name, description+managed)
	if !quay.IsExists(err) {
		return err
	}
	found, err := s.Quay.Robot(ctx, name)
	if err == nil {
		err = t.checkOurs(found)
	}
	return err
}

// checkOurs fails for a robot that was to be made, and that somebody else made meanwhile.
func (t Tenant) checkOurs(found quay.Robot) error {
	if t.own(account{Grants: quay.Grants{Robot: found}, generation: t.Generation(found.Name)}) {
		return nil
	}
	return &Error{Reason: ReasonConflict, Problem: fmt.Sprintf("somebody made robot %q at the same time, and not with this tool", found.Name),
		Next: "run it again: it leaves that one alone, and takes a later name"}
}

// pushing is the description of a robot that pushes for the team.
func (t Tenant) pushing() string { return "pushes images of team " + t.Team }
