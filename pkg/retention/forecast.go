package retention

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/comptech-lab/quay-push/pkg/overlay"
	"github.com/comptech-lab/quay-push/pkg/quay"
)

// House is what Quay does with tags of a repository by itself.
type House struct {
	// TimeMachine is how long it keeps what lost its last tag; 0: not known.
	TimeMachine time.Duration
	// Prunes are the auto-prune policies of the repository, of its organization and of all.
	Prunes []quay.PrunePolicy
}

// Forecast tells what becomes of a digest in a repository with these tags, dead ones too.
func Forecast(tags []quay.Tag, digest string, house House, now time.Time) overlay.Fate {
	var lasting, ending []quay.Tag
	var left time.Time // when the last tag that is dead by now left it
	for _, t := range tags {
		switch {
		case t.Digest != digest:
		case !t.Lives(now):
			if t.End.After(left) {
				left = t.End
			}
		case t.End.IsZero():
			lasting = append(lasting, t)
		default:
			ending = append(ending, t)
		}
	}
	switch {
	case len(lasting) > 0:
		return house.lasting(lasting, tags)
	case len(ending) > 0:
		last := slices.MaxFunc(ending, func(a, b quay.Tag) int { return a.End.Compare(b.End) })
		return overlay.Fate{How: fmt.Sprintf("its last tag %q expires at %s", last.Name, last.End.Format(time.RFC3339)), Dies: last.End}
	case !left.IsZero():
		how := fmt.Sprintf("no tag has named it since %s: it can be pulled for at most an hour after its push, and Quay drops it", left.Format(time.RFC3339))
		if house.TimeMachine == 0 {
			return overlay.Fate{How: how + " when its time machine does"}
		}
		end := left.Add(house.TimeMachine)
		return overlay.Fate{How: how + " at " + end.Format(time.RFC3339), Dies: end}
	}
	return overlay.Fate{How: "no tag names it, and none did recently"}
}

// lasting is the fate of a digest with tags that do not expire: they may be taken, or moved.
func (h House) lasting(tags, all []quay.Tag) overlay.Fate {
	var fate overlay.Fate
	var pruned, moving []string
	for _, t := range tags {
		policy, when := h.prune(t)
		switch {
		case t.Immutable:
			fate.Tags = append(fate.Tags, t.Name)
		case policy != "":
			pruned = append(pruned, fmt.Sprintf("auto-prune, which %s, takes tag %q%s", policy, t.Name, at(when)))
			if when.After(fate.Dies) {
				fate.Dies = when
			}
		case moves(t, all):
			moving = append(moving, fmt.Sprintf("tag %q moves on with the next push to it", t.Name))
		default:
			fate.Tags = append(fate.Tags, t.Name)
		}
	}
	if len(fate.Tags) > 0 {
		return overlay.Fate{Tags: fate.Tags}
	}
	if len(moving) > 0 {
		fate.Dies = time.Time{}
	}
	fate.How = strings.Join(append(pruned, moving...), ", and ")
	return fate
}

// moves reports whether a tag has named something else before.
func moves(t quay.Tag, all []quay.Tag) bool {
	return slices.ContainsFunc(all, func(before quay.Tag) bool { return before.Name == t.Name && before.Digest != t.Digest })
}

func at(when time.Time) string {
	if when.IsZero() {
		return ""
	}
	return " at " + when.Format(time.RFC3339)
}

// prune is the policy that takes a tag first, and when; where that depends on other tags, when is zero. None is empty.
func (h House) prune(t quay.Tag) (policy string, when time.Time) {
	for _, p := range h.Prunes {
		if !p.Takes(t.Name) {
			continue
		}
		end := time.Time{}
		if age, ok := ageOf(p.Value); ok && p.Method == "creation_date" {
			end = t.Start.Add(age)
		}
		if policy == "" || when.IsZero() || !end.IsZero() && end.Before(when) {
			policy, when = p.String(), end
		}
	}
	return policy, when
}

var agePattern = regexp.MustCompile(`^([0-9]{1,6})([smhdwy])$`)

// ageOf reads how a policy writes an age, such as 7d (quay/quay util/timedeltastring.py).
func ageOf(text string) (time.Duration, bool) {
	parts := agePattern.FindStringSubmatch(text)
	if parts == nil {
		return 0, false
	}
	n, err := strconv.Atoi(parts[1])
	unit := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour, "y": 365 * 24 * time.Hour}[parts[2]]
	return time.Duration(n) * unit, err == nil
}
