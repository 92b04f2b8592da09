package retention

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Demand is who needs which digests, as far as that could be looked up.
type Demand struct {
	needed map[string]string
	// all are the digests that are asked for, with everybody who needs one; nil: all are.
	all  map[string][]string
	gaps []Gap
	// repository is the URL of the GitOps repository that this is of, alone; named are those of a sum.
	repository string
	named      []Demand
	// owners are the organizations of teams that have overlays.
	owners map[string]bool
}

// Gap is something that could not be looked up. What it needs is not known, so that nothing it may need is let go.
type Gap struct {
	// Organization is the one whose anchors stay; empty: those of all.
	Organization string
	// Repository is the one of it whose anchors stay, "organization/name"; empty: all.
	Repository string
	// What was looked at, such as a branch or a cluster, and why that failed.
	What string
	Err  error
	// Ignored has nothing stay for it: it is on a branch or a tag that is not protected.
	Ignored bool
}

// Source is something that needs digests, such as a GitOps repository or a cluster.
type Source interface {
	// Look finds what is needed now, or was at any time since a time where the source knows that. What fails is a Gap.
	Look(ctx context.Context, since time.Time) Demand
}

// Need notes who needs a digest, sha256:<64 hex>; the first one is shown. Where some are asked for, others are not noted.
func (d *Demand) Need(digest, who string) {
	told, asked := d.all[digest]
	if d.all != nil && !asked {
		return
	}
	if d.needed == nil {
		d.needed = map[string]string{}
	}
	if d.needed[digest] == "" {
		d.needed[digest] = who
	}
	if asked && !slices.Contains(told, who) {
		d.all[digest] = append(told, who)
	}
}

// Miss notes a gap that concerns the anchors of an organization, or where that is empty those of all.
func (d *Demand) Miss(organization, what string, err error) {
	d.gaps = append(d.gaps, Gap{Organization: organization, What: what, Err: err})
}

// Ignore notes what Miss does, and that nothing stays for it.
func (d *Demand) Ignore(organization, what string, err error) {
	d.gaps = append(d.gaps, Gap{Organization: organization, What: what, Err: err, Ignored: true})
}

// own notes that a team with that organization has overlays; empty for none.
func (d *Demand) own(organization string) {
	if d.owners == nil {
		d.owners = map[string]bool{}
	}
	if organization != "" {
		d.owners[organization] = true
	}
}

// By is who needs a digest; empty for nobody that is known.
func (d *Demand) By(digest string) string { return d.needed[digest] }

// size is how many digests are needed.
func (d *Demand) size() int { return len(d.needed) }

// Gaps are what could not be looked up.
func (d *Demand) Gaps() []Gap { return d.gaps }

// gap is what could not be looked up and may need images of an organization; nil where all could.
func (d *Demand) gap(organization string) *Gap {
	for i, g := range d.gaps {
		if !g.Ignored && (g.Organization == "" || g.Organization == organization) {
			return &d.gaps[i]
		}
	}
	return nil
}

// look asks all sources at once, a bounded number of them, and adds up what they need, in their order.
func look(ctx context.Context, sources []Source, since time.Time, parallel int) Demand {
	found := make([]Demand, len(sources))
	eachOf(parallel, len(sources), func(i int) { found[i] = sources[i].Look(ctx, since) })
	var sum Demand
	for _, d := range found {
		for digest, who := range d.needed {
			sum.Need(digest, who)
		}
		sum.gaps = append(sum.gaps, d.gaps...)
		if d.repository != "" {
			sum.named = append(sum.named, d)
		}
		for organization := range d.owners {
			sum.own(organization)
		}
	}
	if err := ctx.Err(); err != nil {
		sum.Miss("", "what is needed", context.Cause(ctx))
	}
	return sum
}

// eachOf calls do for each number below n, at most parallel of them at once, and returns when all have returned.
func eachOf(parallel, n int, do func(i int)) {
	var wait sync.WaitGroup
	room := make(chan struct{}, max(1, parallel))
	for i := range n {
		room <- struct{}{}
		wait.Go(func() {
			defer func() { <-room }()
			do(i)
		})
	}
	wait.Wait()
}
