package pushlog

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

// together is how far apart the tags of one push are set at most: it sets all at once, at the end.
const together = time.Minute

// Quay is what is asked of Quay; *quay.Client is one.
type Quay interface {
	Pushes(ctx context.Context, organization, robot string, since, until time.Time) ([]quay.Push, error)
	Tags(ctx context.Context, repository string, since time.Time) ([]quay.Tag, error)
	TagLives(ctx context.Context, repository, tag string) ([]quay.Tag, error)
}

// Reader reads Quay's log.
type Reader struct {
	Quay Quay
	// Host is the registry's name in images.
	Host string
	// Since and Until are the time that is asked for.
	Since, Until time.Time
}

// Read reads the log of a team's organization: it names in runs, which are the team's, who pushed, and adds to the list the pushes that no
// run did. The log has no digests; they are those that the tags had then, where Quay still knows that. What could not be read is a gap, and
// the error that of the log, which is likely to be that of others.
func (r *Reader) Read(ctx context.Context, team, organization string, runs []*Run, list *List) error {
	// Entries of runs at the edges are a little outside.
	found, err := r.Quay.Pushes(ctx, organization, "", r.Since.Add(-clocks), r.Until.Add(clocks))
	if err != nil {
		list.Miss(fmt.Sprintf("Quay's log of %q", organization), err)
	}
	byRepository, past := map[string][]*entry{}, history{quay: r.Quay}
	for _, p := range found {
		byRepository[p.Repository] = append(byRepository[p.Repository], &entry{Push: p})
	}
	repositories, all := slices.Sorted(maps.Keys(byRepository)), []*entry{}
	for _, repository := range repositories {
		entries := byRepository[repository]
		all = append(all, entries...)
		if err := past.find(ctx, repository, entries); err != nil && !quay.IsNotFound(err) { // One that was deleted has no tags.
			list.Miss(fmt.Sprintf("the digests of pushes to %q", repository), err)
		}
	}
	if gap := past.gap(); gap != nil {
		list.Miss(fmt.Sprintf("the digests of pushes to %q", organization), gap)
	}
	match(runs, all, r.Host)
	for _, repository := range repositories {
		list.Pushes = append(list.Pushes, r.pushes(team, byRepository[repository])...)
	}
	return err
}

// pushes makes one push of the entries that it left, each for another tag. They are those of one repository, the newest first; those of
// runs, and what is before the time that is asked for, are left out.
func (r *Reader) pushes(team string, entries []*entry) (found []Push) {
	type what struct{ who, digest string }
	type group struct {
		at   time.Time
		tags []string
	}
	last := map[what]*group{}
	for _, e := range entries {
		if e.taken || e.Time.Before(r.Since.Truncate(time.Second)) {
			continue
		}
		key := what{e.Robot, e.digest}
		if g := last[key]; g != nil && key.digest != "" && g.at.Sub(e.Time) <= together && !slices.Contains(g.tags, e.Tag) {
			g.tags = append(g.tags, e.Tag)
			continue
		}
		last[key] = &group{e.Time, []string{e.Tag}}
		found = append(found, Push{Time: e.Time.UTC(), Team: team, Who: e.Robot, Repository: r.Host + "/" + e.Repository, Digest: e.digest,
			Bytes: UnknownBytes, Source: SourceQuay})
	}
	return found
}
