package robot

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

// bearerLifetime is how long a bearer token stays good that was bought before the robot's token was burnt
// (quay/quay endpoints/v2/v2auth.py): Quay looks at nothing but the bearer token itself.
const bearerLifetime = time.Hour

// LeakReport says what was done about a leaked token and what could have been done with it.
type LeakReport struct {
	Tenant string `json:"tenant"`
	// Since is the time from which on the token may have been known, Burnt when it was made useless.
	Since time.Time `json:"since"`
	Burnt time.Time `json:"burnt"`
	// BearersUntil is when the last bearer token ends that the leaked one can have bought.
	BearersUntil time.Time `json:"bearersUntil"`
	// Pushes are the pushes to tags from Since until Burnt, by either robot, the newest first.
	Pushes []quay.Push `json:"pushes"`
	// Tags are the tags that were set in that time, Moved those among them that pointed elsewhere before.
	Tags []LeakTag `json:"tags"`
	// Steps are what was done to give the team a new credential.
	Steps []Step `json:"steps"`
	// Verification is how the chain is afterwards.
	Verification Report `json:"verification"`
	// Unknown says what could not be found out.
	Unknown []string `json:"unknown,omitempty"`
}

// LeakTag is a tag that was set while the token may have been known.
type LeakTag struct {
	Repository string    `json:"repository"`
	Name       string    `json:"name"`
	Digest     string    `json:"digest"`
	Time       time.Time `json:"time"`
	// Before is the digest that it pointed at before; empty if it is new or that is longer ago.
	Before string `json:"before,omitempty"`
}

// Leak answers a leaked token. The tokens of both robots are burnt first, before anything is looked at. Then the team gets
// a new credential, pushes since the given time are listed, and the chain is verified. It can be run again: it burns again,
// and gives the team the token of then. What was found until an error is returned with it.
func Leak(ctx context.Context, s Services, t Tenant, since time.Time) (LeakReport, error) {
	report := LeakReport{Tenant: t.Team, Since: since.UTC(), Pushes: []quay.Push{}, Tags: []LeakTag{}, Unknown: []string{
		"pushes by digest alone: Quay writes no log of them, and keeps them for an hour unless something names them",
		"pulls: whoever had the token could read what its robot can read"}}
	tokens, err := s.burnBoth(ctx, t)
	if err != nil {
		return report, err
	}
	report.Burnt = s.now().UTC()
	report.BearersUntil = report.Burnt.Add(bearerLifetime)
	if report.Steps, err = s.restore(ctx, t, tokens); err != nil {
		return report, err
	}
	repositories, err := s.repositories(ctx, t.Organization)
	if err != nil {
		return report, err
	}
	if err := s.exposure(ctx, t, repositories, report.Burnt, &report); err != nil {
		return report, err
	}
	report.Verification, err = Verify(ctx, s, t, repositories, nil)
	return report, err
}

// PlanLeak says what was pushed since the given time and what Leak would do, and changes nothing: Burnt stays zero.
func PlanLeak(ctx context.Context, s Services, t Tenant, since time.Time) (LeakReport, error) {
	report := LeakReport{Tenant: t.Team, Since: since.UTC(), Pushes: []quay.Push{}, Tags: []LeakTag{}}
	for _, name := range []string{t.Robot, t.StandbyRobot} {
		_, err := s.Quay.Robot(ctx, name)
		switch {
		case err == nil:
			report.Steps = append(report.Steps, Step{"burn", fmt.Sprintf("burn the token of %q", name), Pending, "it exists"})
		case !quay.IsNotFound(err):
			return report, err
		}
	}
	if len(report.Steps) == 0 {
		return report, noRobot(t)
	}
	repositories, err := s.repositories(ctx, t.Organization)
	if err != nil {
		return report, err
	}
	if err := s.exposure(ctx, t, repositories, s.now().UTC(), &report); err != nil {
		return report, err
	}
	report.Verification, err = Verify(ctx, s, t, repositories, nil)
	return report, err
}

func noRobot(t Tenant) error {
	return &Error{Reason: ReasonMissing, Problem: fmt.Sprintf("team %q has no robot in Quay", t.Team), Next: "check the name of the team"}
}

// burnBoth replaces the tokens of the robots that exist, and returns the new ones by name.
func (s Services) burnBoth(ctx context.Context, t Tenant) (map[string]quay.Token, error) {
	tokens := map[string]quay.Token{}
	for _, name := range []string{t.Robot, t.StandbyRobot} {
		robot, err := s.Quay.RegenerateRobot(ctx, name)
		if quay.IsNotFound(err) {
			continue
		} else if err != nil {
			return nil, &Error{Reason: ReasonNoRight, Problem: fmt.Sprintf("the token of %q was NOT burnt", name), Err: err,
				Next: "regenerate it in Quay's own pages at once, then run this again"}
		}
		tokens[name] = robot.Token
	}
	if len(tokens) == 0 {
		return nil, noRobot(t)
	}
	return tokens, nil
}

// restore gives the team the new token of the robot in use: Vault, Secret, older versions.
func (s Services) restore(ctx context.Context, t Tenant, tokens map[string]quay.Token) ([]Step, error) {
	r := &rotation{Services: s, Tenant: t}
	found, err := s.read(ctx, t)
	if err != nil {
		return nil, err
	}
	r.version, r.to = found.version, credential{t.Robot, tokens[t.Robot]}
	if token, ok := tokens[found.username]; ok {
		r.to = credential{found.username, token}
	} else if !r.to.token.Known() {
		r.to = credential{t.StandbyRobot, tokens[t.StandbyRobot]}
	}
	return s.run(ctx, []task{
		{id: "vault", title: "put the new token into Vault", reason: ReasonConflict, next: nextConflict, check: r.checkVault,
			do: func(ctx context.Context) error { return r.write(ctx, t, r.to, r.version) }},
		r.secretTask("secret", "have the Secret take it over", func() credential { return r.to }),
		r.destroyTask(),
	})
}

// exposure lists what was pushed while the token may have been known, until it was burnt.
func (s Services) exposure(ctx context.Context, t Tenant, repositories []string, until time.Time, report *LeakReport) error {
	for _, robot := range []string{t.Robot, t.StandbyRobot} {
		pushes, err := s.Quay.Pushes(ctx, t.Organization, robot, report.Since, until)
		if err != nil {
			return err
		}
		report.Pushes = append(report.Pushes, pushes...)
	}
	slices.SortStableFunc(report.Pushes, func(a, b quay.Push) int { return b.Time.Compare(a.Time) })
	for _, repository := range repositories {
		// All of its past, since what a tag was before may be older.
		tags, err := s.Quay.Tags(ctx, repository, time.Time{})
		if err != nil {
			return err
		}
		for i, tag := range tags {
			if tag.Start.Before(report.Since.Truncate(time.Second)) || tag.Start.After(until) {
				continue
			}
			set := LeakTag{Repository: repository, Name: tag.Name, Digest: tag.Digest, Time: tag.Start}
			for _, older := range tags[i+1:] {
				if older.Name == tag.Name {
					set.Before = older.Digest
					break
				}
			}
			report.Tags = append(report.Tags, set)
		}
	}
	return nil
}
