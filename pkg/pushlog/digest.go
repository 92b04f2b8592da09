package pushlog

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

// mostAsked is of how many tags of an organization Quay is asked for the earlier lives, one by one: whoever pushes could else have it
// asked for thousands.
const mostAsked = 500

// history finds what the entries of an organization's log set their tags to. The log has no digests; the tags have, where Quay still knows
// them.
type history struct {
	quay Quay
	// asked is of how many tags the earlier lives were asked for, unasked of how many they were not, since that was enough.
	asked, unasked int
}

// gap is what was not asked for; nil where all was.
func (h *history) gap() error {
	if h.unasked == 0 {
		return nil
	}
	return fmt.Errorf("there are more than %d tags to be asked for one by one: %d were not; ask for a shorter time", mostAsked, h.unasked)
}

// second is one of a tag, in Unix time.
type second struct {
	tag string
	at  int64
}

// find sets the digests of entries, of one repository; one that is not known stays empty, also with an error.
func (h *history) find(ctx context.Context, repository string, entries []*entry) error {
	oldest := slices.MinFunc(entries, func(a, b *entry) int { return a.Time.Compare(b.Time) })
	tags, err := h.quay.Tags(ctx, repository, oldest.Time.Add(-time.Second))
	lives, earlier, logged := map[string][]quay.Tag{}, map[string][]quay.Tag{}, map[second]int{}
	for _, tag := range tags {
		lives[tag.Name] = append(lives[tag.Name], tag)
	}
	for _, e := range entries {
		logged[second{e.Tag, e.Time.Unix()}]++
	}
	for _, e := range entries {
		digests, more := fits(lives[e.Tag], e.Push, logged)
		if more {
			if _, known := earlier[e.Tag]; !known && err == nil {
				earlier[e.Tag], err = h.lives(ctx, repository, e.Tag)
			}
			digests, _ = fits(earlier[e.Tag], e.Push, logged)
		}
		if len(digests) == 1 {
			e.digest = digests[0]
		}
	}
	return err
}

// lives are all that a tag had; none where enough were asked for.
func (h *history) lives(ctx context.Context, repository, tag string) ([]quay.Tag, error) {
	if h.asked == mostAsked {
		h.unasked++
		return nil, nil
	}
	h.asked++
	return h.quay.TagLives(ctx, repository, tag)
}

// fits are the digests, each once, to which an entry may have set its tag, and more says that an earlier life than these may have another.
// A tag is set before that is logged, in the same second or the one before: to the digest of a life that began then, else to what it had
// already. It may have had it, too, where another entry may be that of the life.
func fits(lives []quay.Tag, e quay.Push, logged map[second]int) (digests []string, more bool) {
	begun, kept, others := []string{}, []string{}, false
	earliest := e.Time.Truncate(time.Second).Add(-time.Second)
	for _, life := range lives {
		switch {
		case life.Start.After(e.Time) || !life.End.IsZero() && life.End.Before(earliest):
		case life.Start.Before(earliest):
			kept = append(kept, life.Digest)
		default:
			begun = append(begun, life.Digest)
			start := life.Start.Unix()
			others = others || logged[second{e.Tag, start}]+logged[second{e.Tag, start + 1}] > 1
		}
	}
	digests = begun
	if others || len(begun) == 0 {
		digests = append(begun, kept...)
	}
	slices.Sort(digests)
	digests = slices.Compact(digests)
	return digests, len(digests) == 0 || others && len(digests) == 1
}
