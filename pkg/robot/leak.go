package robot

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

// First says what comes first where a token leaked.
type First string

// The two ways.
const (
	// FirstBurn ends the leaked robots at once: pushes of the team fail until its Secret has the new token.
	FirstBurn First = "burn"
	// FirstReplace makes the new robot first, and ends the leaked ones when the Secret has it: whoever has the token can push until then.
	FirstReplace First = "replace"
)

// LeakOptions say how a leaked token is answered.
type LeakOptions struct {
	// Since is the time from which on the token may have been known.
	Since time.Time
	// First is what comes first.
	First First
	// Runs is for how long, where the new robot comes first, runs are waited for that began with the token of before; then they are
	// ended with it.
	Runs time.Duration
}

// LeakReport says what was done about a leaked token and what could have been done with it.
type LeakReport struct {
	Tenant string `json:"tenant"`
	// First is what came first.
	First First `json:"first"`
	// Since is the time from which on the token may have been known, Burnt when no robot of then had a right or a good token any more.
	Since time.Time `json:"since"`
	Burnt time.Time `json:"burnt"`
	// BearersUntil is when the last bearer token ends that the leaked one can have bought, BearerLifetime after Burnt.
	BearersUntil time.Time `json:"bearersUntil"`
	// Ended are the robots that were taken out of use, Robot is the one that pushes now; empty if there is none.
	Ended []string `json:"ended"`
	Robot string   `json:"robot,omitempty"`
	// Outage is how long the team had no credential that was good, in JSON in nanoseconds; 0 where it had one all the time, and
	// where it has none yet.
	Outage time.Duration `json:"outage"`
	// Pushes are the pushes to tags from Since until Burnt, by the robots that were ended, the newest first. PushesComplete says
	// that those are all; where nothing is known, Pushes is nil. What is missing is in Unknown.
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
func newReport(t Tenant, opts LeakOptions) LeakReport {
	return LeakReport{Tenant: t.Team, First: opts.First, Since: opts.Since.UTC(), Ended: []string{}, Pushes: []quay.Push{}, Tags: []LeakTag{}, Unknown: []string{
		"pushes by digest alone: Quay writes no log of them, and keeps them for an hour unless something names them",
		"pulls: whoever had the token could read what its robot can read"}}
}

// leaking is one run of Leak.
type leaking struct {
	*rotation
	opts   LeakOptions
	report LeakReport
	// before is the robot that Vault named when the new one was made first; empty where the robots of then were ended first.
	before string
	// strangers are robots that have a name of the team's, and are not the team's.
	strangers map[string]account
	// looking ends when what the leaked robots pushed was looked up; looked is what failed of that.
	looking sync.WaitGroup
	looked  error
}

// Leak answers a leaked token. Every robot that the team has loses its rights, its token and its name, and a new one of the next
// generation takes over, by Vault and the Secret, or by the ServiceAccount of a keyless team; opts say which of the two is done first.
// Pushes and tags since the given time are listed, and the chain is verified. It can be run again: it ends every robot of then, and
// makes another. What could not be found out is named in the report, which is returned with the error.
func Leak(ctx context.Context, s Services, t Tenant, opts LeakOptions) (LeakReport, error) {
	l := &leaking{rotation: &rotation{Services: s, Tenant: t}, opts: opts, report: newReport(t, opts), strangers: map[string]account{}}
	teams := s.ofTeam(ctx, t)
	l.retired = s.retirement(t, func(a account) bool {
		switch {
		case l.to.username != "" && (a.Name == l.to.username || a.generation > t.Generation(l.to.username)):
			// One of a later generation is somebody's who works on the team now, and came after.
			return false
		case a.Name == l.before || teams(a):
			return true
		}
		l.strangers[a.Name] = a
		return false
	})
	began := s.now()
	var steps []Step
	var failed error
	if opts.First == FirstReplace {
		if steps, failed = l.replace(ctx); failed != nil {
			l.report.Steps = steps
			return l.report, fmt.Errorf("nothing was burnt, as the new robot comes first and failed: %w", failed)
		}
	}
	if err := l.end(ctx); err != nil {
		return l.report, err
	}
	if opts.First != FirstReplace {
		if steps, failed = l.replace(ctx); failed == nil {
			l.report.Outage = s.now().Sub(began)
		}
	}
	l.looking.Wait()
	var last []Step
	var kept error
	if failed == nil {
		failed = l.checkStands(ctx)
	}
	if failed == nil {
		l.report.Robot = l.to.username
		after := []task{l.destroyTask(), l.deleteLeaked()}
		if l.Keyless {
			after = after[1:]
		}
		last, kept = s.run(ctx, after)
	} else {
		failed = l.report.miss("whether the team can push again", failed)
	}
	l.report.Steps = append(steps, last...)
	l.report.BearersUntil = l.retired.powerless.Add(BearerLifetime)
	return l.report, cmp.Or(failed, kept, l.looked, s.verifyAfter(ctx, t, &l.report))
}

// deleteLeaked deletes the robots that leaked, once their log was read: that of a robot which is gone is not shown any more.
func (l *leaking) deleteLeaked() task {
	t := l.retired.deleteTask("delete the robots that leaked")
	check := t.check
	t.check = func(ctx context.Context) (bool, string, error) {
		l.looking.Wait()
		return check(ctx)
	}
	return t
}

// end takes the robots out of use, and begins to look up what they pushed.
func (l *leaking) end(ctx context.Context) (err error) {
	step := Step{"burn", "take the robots' rights and burn their tokens", Running, ""}
	l.Services.report(step)
	if l.report.Ended, err = l.retired.disarm(ctx); err != nil {
		return err
	}
	l.report.Burnt = l.retired.powerless
	l.report.noteClock(l.Services)
	l.report.noteStrangers(l.strangers)
	for _, team := range l.retired.elsewhere {
		l.report.Unknown = append(l.report.Unknown, "what was pushed by "+team+", which ends with the robot alone")
	}
	step.State, step.Detail = Changed, strings.Join(l.report.Ended, ", ")
	l.Services.report(step)
	l.looking.Go(func() { l.looked = l.expose(ctx, l.Tenant, l.report.Ended, l.report.Burnt, &l.report) })
	return nil
}

// replace gives the team a new robot, by Vault and the Secret, or by the ServiceAccount.
func (l *leaking) replace(ctx context.Context) ([]Step, error) {
	if l.report.Burnt.IsZero() {
		// Else each try would leave a robot that nothing comes of.
		if !l.Keyless {
			if err := l.checkRefresh(ctx, l.Tenant); err != nil {
				return nil, err
			}
		}
		if _, err := l.unfinishedRuns(ctx, l.Tenant); err != nil {
			return nil, err
		}
	}
	found, err := l.former(ctx, l.Tenant)
	if err != nil {
		return nil, err
	}
	if l.report.Burnt.IsZero() {
		l.before = found.username
	}
	accounts, err := l.accounts(ctx, l.Tenant)
	if err != nil {
		return nil, err
	}
	if l.repositories, err = l.Services.repositories(ctx, l.Organization); err != nil {
		return nil, err
	}
	if len(accounts)+len(l.report.Ended) == 0 && found.username == "" {
		return nil, noRobot(l.Tenant)
	}
	l.version, l.to = found.version, credential{username: l.successor(accounts, append(l.report.Ended, found.username)...)}
	l.retired.below = l.Generation(l.to.username)
	makes, hand, err := l.handover(ctx, found)
	if err != nil {
		return nil, err
	}
	steps, err := l.run(ctx, makes)
	if err != nil {
		return steps, err
	}
	if !l.report.Burnt.IsZero() {
		// Before the Secret is waited for: as long as they are there, somebody may give them a right. Quay may keep one, which is told
		// where this is done once more, at the end.
		deleted, _ := l.run(ctx, []task{l.deleteLeaked()})
		steps = append(steps, deleted...)
	}
	last := []task{hand}
	if l.report.Burnt.IsZero() {
		last = append(last, l.boundedRunsTask())
	}
	handed, err := l.run(ctx, last)
	return append(steps, handed...), err
}

// boundedRunsTask lets the runs end that began with the old token, for as long as that may take. Those that are left then fail where
// they push, and are told.
func (l *leaking) boundedRunsTask() task {
	t, over := l.runsTask(), false
	check, wait := t.check, t.do
	t.check = func(ctx context.Context) (bool, string, error) {
		done, detail, err := check(ctx)
		if err == nil && !done && over {
			l.report.Unknown = append(l.report.Unknown, fmt.Sprintf("whether runs failed that began with the leaked token and had not ended after %s: %s", l.opts.Runs, detail))
			return true, fmt.Sprintf("they were waited for %s, and not for longer: %s", l.opts.Runs, detail), nil
		}
		return done, detail, err
	}
	t.do = func(all context.Context) error {
		ctx, cancel := context.WithTimeout(all, l.opts.Runs)
		defer cancel()
		err := wait(ctx)
		if over = ctx.Err() != nil && all.Err() == nil; over {
			return nil
		}
		return err
	}
	return t
}

// verifyAfter adds to the report how the chain is.
func (s Services) verifyAfter(ctx context.Context, t Tenant, report *LeakReport) (err error) {
	if report.Verification, err = Verify(ctx, s, t, nil, nil); err != nil {
		return report.miss("how the chain is now", err)
	}
	for _, c := range report.Verification.Checks {
		if c.Status == Failed && !report.Burnt.IsZero() {
			return &Error{Reason: ReasonDrift, Problem: fmt.Sprintf("the robots were ended, and check %q of verify fails: %s", c.ID, c.Detail), Next: c.Next}
		}
	}
	return nil
}

// PlanLeak says what was pushed since the given time and what Leak would do, and changes nothing: Burnt stays zero.
func PlanLeak(ctx context.Context, s Services, t Tenant, opts LeakOptions) (LeakReport, error) {
	report := newReport(t, opts)
	accounts, err := s.accounts(ctx, t)
	switch {
	case err != nil:
		return report, err
	case len(accounts) == 0:
		found, err := s.former(ctx, t)
		if err == nil && found.username == "" {
			err = noRobot(t)
		}
		if err != nil {
			return report, err
		}
	}
	names, teams, strangers := []string{}, s.ofTeam(ctx, t), map[string]account{}
	for _, a := range accounts {
		if !teams(a) {
			strangers[a.Name] = a
			continue
		}
		names = append(names, a.Name)
		report.Steps = append(report.Steps, Step{"burn", fmt.Sprintf("end the robot %q", a.Name), Pending, cmp.Or(a.holds(), "it holds no right")})
	}
	report.Steps = append(report.Steps, Step{"robot", fmt.Sprintf("make the robot %q", t.successor(accounts)), Pending, "Vault or the ServiceAccount may know a later one"})
	report.noteClock(s)
	report.noteStrangers(strangers)
	return report, cmp.Or(s.expose(ctx, t, names, s.quayNow().UTC(), &report), s.verifyAfter(ctx, t, &report))
}

func noRobot(t Tenant) error {
	return &Error{Reason: ReasonMissing, Problem: fmt.Sprintf("team %q has no robot in Quay", t.Team), Next: "check the name of the team"}
}
