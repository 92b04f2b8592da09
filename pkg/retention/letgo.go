package retention

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

var (
	errNoSources = errors.New("neither a GitOps repository nor a cluster was given")
	errNoAdmin   = errors.New("the OAuth token does not administer it: give one of an owner, with org:admin and repo:admin")
)

const (
	// atOnce is how many anchors are let go between two looks at what needs them.
	atOnce = 50
	// undoTimeout is how long it may take to set back what was begun, whatever else ended.
	undoTimeout = 20 * time.Second
)

// letGoAll lets go of the anchors that are to be, and notes what became of each. It returns what could not be looked up again.
func (c *collector) letGoAll(ctx context.Context, anchors []Anchor) []Gap {
	var list []*Anchor
	for i := range anchors {
		if anchors[i].Outcome == LetGo {
			list = append(list, &anchors[i])
		}
	}
	if len(list) == 0 {
		return nil
	}
	c.Report(fmt.Sprintf("looking again at what needs images, before %d anchors are let go", len(list)))
	demand := c.look(ctx)
	gaps := demand.gaps
	for begin := 0; begin < len(list); begin += atOnce {
		some := list[begin:min(begin+atOnce, len(list))]
		c.Report(fmt.Sprintf("letting go of anchors (%d of %d)", begin, len(list)))
		for _, a := range some {
			if c.keep(a, &demand); a.Outcome == LetGo {
				c.letGo(ctx, a)
			}
		}
		demand = c.look(ctx)
		gaps = append(gaps, demand.gaps...)
		for _, a := range some {
			if a.Outcome != LetGo {
				continue
			}
			if c.keep(a, &demand); a.Outcome != LetGo {
				c.restore(ctx, a)
			}
		}
	}
	return gaps
}

// keep keeps an anchor that something needs by now, or of which that is not known.
func (c *collector) keep(a *Anchor, demand *Demand) {
	organization, _, _ := strings.Cut(a.Repository, "/")
	if gap := demand.gap(organization); gap != nil {
		a.Outcome, a.Why = Unknown, gap.What+" could not be looked up again"
		return
	}
	for _, digest := range append([]string{a.Digest}, a.children...) {
		if who := demand.By(digest); who != "" {
			a.Outcome, a.Why = Kept, who+", since a moment ago"
			return
		}
	}
}

// letGo deletes one anchor, if it is still as it was.
func (c *collector) letGo(ctx context.Context, a *Anchor) {
	pushed, err := c.pushed(ctx, a)
	if err != nil {
		a.fail(err)
		return
	}
	if pushed {
		a.Outcome, a.Why = Kept, "it was pushed a moment ago"
		return
	}
	if a.immutable {
		if err := c.q.SetImmutable(ctx, a.Repository, a.Tag, false); err != nil {
			a.fail(err)
			c.undo(ctx, a)
			return
		}
	}
	if err := c.q.DeleteTag(ctx, a.Repository, a.Tag); err != nil && !quay.IsNotFound(err) {
		a.fail(err)
		c.undo(ctx, a)
		return
	}
	// A push between that look and the end found the anchor, and believes that it keeps the digest.
	ctx, cancel := unstopped(ctx)
	defer cancel()
	if pushed, err := c.pushed(ctx, a); pushed || err != nil {
		a.Outcome, a.Why = Kept, "it was pushed a moment ago"
		c.restore(ctx, a)
	}
}

// clocks is by how much the beginning of a tag may seem to be before the look that it came after.
const clocks = time.Minute

// pushed reports whether any tag was set to the digest since it was looked at.
func (c *collector) pushed(ctx context.Context, a *Anchor) (bool, error) {
	lately, err := c.q.Tags(ctx, a.Repository, c.now.Add(-clocks))
	return slices.ContainsFunc(lately, func(t quay.Tag) bool { return t.Digest == a.Digest }), err
}

// newest is the anchor's tag in its newest life.
func (c *collector) newest(ctx context.Context, a *Anchor) (found quay.Tag, err error) {
	lives, err := c.q.TagLives(ctx, a.Repository, a.Tag)
	for _, t := range lives {
		if t.Name == a.Tag && (found.Name == "" || t.Start.After(found.Start)) {
			found = t
		}
	}
	return found, err
}

// fail notes that an anchor could not be let go.
func (a *Anchor) fail(err error) { a.Outcome, a.Why = Failed, err.Error() }

// undo has an anchor as it was after an attempt that failed. An answer that got lost may have been a success.
func (c *collector) undo(ctx context.Context, a *Anchor) {
	ctx, cancel := unstopped(ctx)
	defer cancel()
	now, err := c.newest(ctx, a)
	switch {
	case err == nil && !now.End.IsZero() && now.Start.Equal(a.Set) && a.end.IsZero():
		a.Outcome, a.Why = LetGo, "nothing needs it; Quay deleted it, and the answer got lost"
		return
	case err == nil && now.Immutable == a.immutable || !a.immutable:
		return
	}
	if err := c.q.SetImmutable(ctx, a.Repository, a.Tag, true); err != nil {
		a.Why += "; and it is not immutable any more, since that could not be set back: " + err.Error()
	}
}

// restore sets an anchor that was let go again.
func (c *collector) restore(ctx context.Context, a *Anchor) {
	ctx, cancel := unstopped(ctx)
	defer cancel()
	err := c.q.RestoreTag(ctx, a.Repository, a.Tag, a.Digest)
	if now, lookErr := c.newest(ctx, a); err != nil && (lookErr != nil || !now.End.IsZero() || now.Digest != a.Digest) {
		a.fail(fmt.Errorf("it was let go, then kept (%s), and could not be set again: %w", a.Why, err))
		return
	}
	a.Why += "; it had been let go, and was set again" // By a push, where Quay refused.
	if now, err := c.newest(ctx, a); a.immutable && (err != nil || !now.Immutable) {
		if err := c.q.SetImmutable(ctx, a.Repository, a.Tag, true); err != nil {
			a.fail(fmt.Errorf("it is kept (%s), and not immutable any more: %w", a.Why, err))
		}
	}
}

// unstopped is a context for what must not be left half done when ctx ends.
func unstopped(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
}
