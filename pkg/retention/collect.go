package retention

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

// Quay is what is asked of Quay's management API, as package quay answers it.
type Quay interface {
	Organization(ctx context.Context, organization string) (quay.Organization, error)
	Repositories(ctx context.Context, organization string) ([]quay.Repository, error)
	Tags(ctx context.Context, repository string, since time.Time) ([]quay.Tag, error)
	TagLives(ctx context.Context, repository, tag string) ([]quay.Tag, error)
	Children(ctx context.Context, repository, digest string) ([]quay.Child, error)
	SetImmutable(ctx context.Context, repository, tag string, immutable bool) error
	DeleteTag(ctx context.Context, repository, tag string) error
	RestoreTag(ctx context.Context, repository, tag, digest string) error
	// Date is what Quay's clock showed when it answered last; zero where it did not say.
	Date() time.Time
}

// Options say how anchors are collected.
type Options struct {
	// Organizations are those whose anchors are looked at.
	Organizations []string
	// Sources are all that may need an image. Without any, nothing is let go.
	Sources []Source
	// Grace is how long an anchor stays after it was set, after another tag left its digest, and after a branch had it.
	Grace time.Duration
	// Parallel is how many repositories and sources are looked at at once.
	Parallel int
	// AllowUnrelated has anchors let go though a GitOps repository names no digest of any tag that is looked at.
	AllowUnrelated bool
	// DryRun has nothing deleted.
	DryRun bool
	// Now tells the time; nil: time.Now. Where Quay's clock is behind it, Quay's counts.
	Now func() time.Time
	// Report is called with what is being done, such as "looking at 12 repositories"; nil: nothing is.
	Report func(what string)
}

// Result is what became of the anchors.
type Result struct {
	// Anchors are all that were found, by repository and tag.
	Anchors []Anchor
	// Gaps are what could not be looked up.
	Gaps []Gap
	// Forgets are the organizations of which Quay forgets within the grace period when a tag left a digest, with how long it remembers:
	// their time machine.
	Forgets map[string]time.Duration
	// Strangers are the organizations of teams that have overlays, and whose anchors were not looked at.
	Strangers []string
}

// Count is how many anchors have an outcome.
func (r Result) Count(outcome Outcome) (n int) {
	for _, a := range r.Anchors {
		if a.Outcome == outcome {
			n++
		}
	}
	return n
}

// collector is one run.
type collector struct {
	Options
	q     Quay
	now   time.Time
	since time.Time
	// forgets is the result's.
	forgets map[string]time.Duration
}

// Collect decides on every anchor of the organizations, and lets go of those that nothing needs. What could not be looked up is in the
// result, and no anchor that may be needed there is let go. Before it lets go of some it looks again at who needs them, and afterwards
// once more: what came to be needed meanwhile is set again.
func Collect(ctx context.Context, q Quay, opts Options) Result {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Report == nil {
		opts.Report = func(string) {}
	}
	c := &collector{Options: opts, q: q, forgets: map[string]time.Duration{}}
	c.Report("listing repositories")
	repositories, gaps := c.repositories(ctx)
	c.now = opts.Now()
	if date := q.Date(); !date.IsZero() && date.Before(c.now) {
		c.now = date
	}
	c.since = c.now.Add(-opts.Grace)
	c.Report("looking at what needs images")
	demand := c.look(ctx)
	result := Result{Gaps: append(gaps, demand.gaps...), Forgets: c.forgets}
	for _, organization := range slices.Sorted(maps.Keys(demand.owners)) {
		if !slices.Contains(opts.Organizations, organization) {
			result.Strangers = append(result.Strangers, organization)
		}
	}
	c.Report("looking at anchors")
	judged := make([][]Anchor, len(repositories))
	tags, errs := make([][]quay.Tag, len(repositories)), make([]error, len(repositories))
	eachOf(c.Parallel, len(repositories), func(i int) {
		r := repository{Repository: repositories[i], q: q, demand: &demand, now: c.now, grace: c.Grace}
		judged[i], errs[i] = r.judge(ctx)
		tags[i] = r.tags
	})
	for i, r := range repositories {
		if result.Anchors = append(result.Anchors, judged[i]...); errs[i] != nil {
			result.Gaps = append(result.Gaps, Gap{Organization: r.Organization, Repository: r.Path(), What: "repository " + r.Path(), Err: errs[i]})
		}
	}
	slices.SortStableFunc(result.Anchors, func(a, b Anchor) int {
		return cmp.Or(cmp.Compare(a.Repository, b.Repository), cmp.Compare(a.Tag, b.Tag))
	})
	if !opts.AllowUnrelated && result.Count(LetGo) > 0 {
		gaps := unrelated(&demand, tags)
		stay(result.Anchors, gaps)
		result.Gaps = append(result.Gaps, gaps...)
	}
	if !opts.DryRun {
		for _, gap := range c.letGoAll(ctx, result.Anchors) {
			if !slices.ContainsFunc(result.Gaps, func(g Gap) bool { return g.What == gap.What }) {
				result.Gaps = append(result.Gaps, gap)
			}
		}
	}
	return result
}

// look is what needs images. Where nobody was asked, nobody knows.
func (c *collector) look(ctx context.Context) Demand {
	d := look(ctx, c.Sources, c.since, c.Parallel)
	if len(c.Sources) == 0 {
		d.Miss("", "what needs images", errNoSources)
	}
	return d
}

// repositories lists the repositories of the organizations, each once.
func (c *collector) repositories(ctx context.Context) (found []quay.Repository, gaps []Gap) {
	lists, errs := make([][]quay.Repository, len(c.Organizations)), make([]error, len(c.Organizations))
	remembers := make([]time.Duration, len(c.Organizations))
	eachOf(c.Parallel, len(c.Organizations), func(i int) {
		of, err := c.q.Organization(ctx, c.Organizations[i])
		if err == nil && !of.Admin {
			err = errNoAdmin // What it may not see it would take for not there.
		}
		if err == nil {
			lists[i], err = c.q.Repositories(ctx, c.Organizations[i])
		}
		errs[i], remembers[i] = err, time.Duration(of.TimeMachine)*time.Second
	})
	seen := map[string]bool{}
	for i, list := range lists {
		if errs[i] != nil {
			gaps = append(gaps, Gap{Organization: c.Organizations[i], What: "organization " + c.Organizations[i], Err: errs[i]})
		}
		if errs[i] == nil && remembers[i] < c.Grace {
			c.forgets[c.Organizations[i]] = remembers[i]
		}
		for _, r := range list {
			if !seen[r.Path()] {
				seen[r.Path()] = true
				found = append(found, r)
			}
		}
	}
	return found, gaps
}
