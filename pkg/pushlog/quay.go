package pushlog

import (
	"context"
	"fmt"
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
	byRepository := map[string][]quay.Push{}
	for _, p := range match(runs, found, r.Host) {
		if !p.Time.Before(r.Since.Truncate(time.Second)) {
			byRepository[p.Repository] = append(byRepository[p.Repository], p)
		}
	}
	for repository, entries := range byRepository {
		digests, err := r.digests(ctx, repository, entries)
		if err != nil && !quay.IsNotFound(err) { // One that was deleted has no tags.
			list.Miss(fmt.Sprintf("the digests of pushes to %q", repository), err)
		}
		list.Pushes = append(list.Pushes, r.pushes(team, entries, digests)...)
	}
	return err
}

// pushes makes one push of the entries that it left, each for another tag. They are those of one repository, the newest first.
func (r *Reader) pushes(team string, entries []quay.Push, digests []string) (found []Push) {
	type what struct{ who, digest string }
	type group struct {
		at   time.Time
		tags []string
	}
	last := map[what]*group{}
	for i, e := range entries {
		key := what{e.Robot, digests[i]}
		if g := last[key]; g != nil && key.digest != "" && g.at.Sub(e.Time) <= together && !slices.Contains(g.tags, e.Tag) {
			g.tags = append(g.tags, e.Tag)
			continue
		}
		last[key] = &group{e.Time, []string{e.Tag}}
		found = append(found, Push{Time: e.Time.UTC(), Team: team, Who: e.Robot, Repository: r.Host + "/" + e.Repository, Digest: digests[i],
			Bytes: UnknownBytes, Source: SourceQuay})
	}
	return found
}

// digests are what the entries, of one repository, set their tags to; empty where that is not known, also with an error.
func (r *Reader) digests(ctx context.Context, repository string, entries []quay.Push) ([]string, error) {
	digests := make([]string, len(entries))
	oldest := slices.MinFunc(entries, func(a, b quay.Push) int { return a.Time.Compare(b.Time) })
	tags, err := r.Quay.Tags(ctx, repository, oldest.Time.Add(-time.Second))
	earlier := map[string][]quay.Tag{}
	for i, e := range entries {
		if digests[i] = digestAt(tags, e); digests[i] != "" || err != nil {
			continue
		}
		// It had the digest already before the time that is asked for, and was set to it again.
		lives, asked := earlier[e.Tag]
		if !asked {
			if lives, err = r.Quay.TagLives(ctx, repository, e.Tag); err != nil {
				continue
			}
			earlier[e.Tag] = lives
		}
		digests[i] = digestAt(lives, e)
	}
	return digests, err
}

// digestAt is what the tag of an entry named when the entry was made; empty if that is not among the tags, the newest of which come first.
func digestAt(tags []quay.Tag, e quay.Push) string {
	for _, tag := range tags {
		// A tag is set before that is logged, in the same second or the one before.
		if tag.Name == e.Tag && !tag.Start.After(e.Time) && (tag.End.IsZero() || !tag.End.Before(e.Time.Truncate(time.Second))) {
			return tag.Digest
		}
	}
	return ""
}
