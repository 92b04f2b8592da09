package robot

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/secret"
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
	// Pushes are the pushes to tags from Since until Burnt, by either robot, the newest first. PushesComplete says that those
	// are all; where nothing is known, Pushes is nil. What is missing is in Unknown.
	Pushes         []quay.Push `json:"pushes"`
	PushesComplete bool        `json:"pushesComplete"`
	// Tags are the tags that were set in that time, TagsComplete is as with pushes.
	Tags         []LeakTag `json:"tags"`
	TagsComplete bool      `json:"tagsComplete"`
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

// newReport is a report in which nothing was looked at yet.
func newReport(t Tenant, since time.Time) LeakReport {
	return LeakReport{Tenant: t.Team, Since: since.UTC(), Pushes: []quay.Push{}, Tags: []LeakTag{}, Unknown: []string{
		"pushes by digest alone: Quay writes no log of them, and keeps them for an hour unless something names them",
		"pulls: whoever had the token could read what its robot can read"}}
}

// Leak answers a leaked token. The tokens of both robots are burnt first, before anything is looked at. Then the team gets
// a new credential, while pushes and tags since the given time are listed, and the chain is verified. It can be run again: it
// burns again, and gives the team the token of then. What could not be found out is named in the report, which is returned with
// the error.
func Leak(ctx context.Context, s Services, t Tenant, since time.Time) (LeakReport, error) {
	report := newReport(t, since)
	tokens, err := s.burnBoth(ctx, t)
	if err != nil {
		return report, err
	}
	report.Burnt = s.now().UTC()
	report.BearersUntil = report.Burnt.Add(bearerLifetime)
	var looked error
	var looking sync.WaitGroup
	// At the same time, since the Secret may not come for as long as there is time.
	looking.Go(func() { looked = s.expose(ctx, t, slices.Collect(maps.Keys(tokens)), report.Burnt, &report) })
	steps, err := s.restore(ctx, t, tokens)
	looking.Wait()
	report.Steps = steps
	if err != nil {
		err = report.miss("whether the team can push again", err)
	}
	return report, cmp.Or(err, looked, s.verifyAfter(ctx, t, &report))
}

// verifyAfter adds to the report how the chain is.
func (s Services) verifyAfter(ctx context.Context, t Tenant, report *LeakReport) (err error) {
	if report.Verification, err = Verify(ctx, s, t, nil, nil); err != nil {
		return report.miss("how the chain is now", err)
	}
	return nil
}

// PlanLeak says what was pushed since the given time and what Leak would do, and changes nothing: Burnt stays zero.
func PlanLeak(ctx context.Context, s Services, t Tenant, since time.Time) (LeakReport, error) {
	report, robots := newReport(t, since), []string{}
	for _, name := range []string{t.Robot, t.StandbyRobot} {
		_, err := s.Quay.Robot(ctx, name)
		switch {
		case err == nil:
			robots = append(robots, name)
		case !quay.IsNotFound(err):
			return report, err
		}
	}
	if len(robots) == 0 {
		return report, noRobot(t)
	}
	for _, name := range robots {
		report.Steps = append(report.Steps, Step{"burn", fmt.Sprintf("burn the token of %q", name), Pending, "it exists"})
	}
	return report, cmp.Or(s.expose(ctx, t, robots, s.now().UTC(), &report), s.verifyAfter(ctx, t, &report))
}

func noRobot(t Tenant) error {
	return &Error{Reason: ReasonMissing, Problem: fmt.Sprintf("team %q has no robot in Quay", t.Team), Next: "check the name of the team"}
}

// restore gives the team the new token of the robot in use: Vault, Secret, older versions.
func (s Services) restore(ctx context.Context, t Tenant, tokens map[string]secret.Value) ([]Step, error) {
	r := &rotation{Services: s, Tenant: t}
	found, err := s.read(ctx, t)
	if err != nil {
		return nil, err
	}
	r.version, r.to = found.version, credential{t.Robot, tokens[t.Robot]}
	if token, ok := tokens[found.username]; ok {
		r.to = credential{found.username, token}
	} else if r.to.token.IsZero() {
		r.to = credential{t.StandbyRobot, tokens[t.StandbyRobot]}
	}
	return s.run(ctx, []task{
		{id: "vault", title: "put the new token into Vault", reason: ReasonConflict, next: nextConflict, check: r.checkVault,
			do: func(ctx context.Context) error { return r.write(ctx, t, r.to, r.version) }},
		r.secretTask("secret", "have the Secret take it over", func() credential { return r.to }),
		r.destroyTask(),
	})
}
