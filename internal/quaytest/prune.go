package quaytest

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// The methods of auto-pruning.
const (
	byNumber = "number_of_tags"
	byAge    = "creation_date"
)

// AutoPrune is a policy that ends tags (quay/quay:data/model/autoprune.py).
type AutoPrune struct {
	UUID string `json:"uuid"`
	// Method is number_of_tags or creation_date.
	Method string `json:"method"`
	// Value is how many tags stay, a number, or how old they may be, such as "7d".
	Value any `json:"value"`
	// TagPattern is found anywhere in the name of a tag that the policy is for;
	// without one it is for all. With Matches false it is for the others.
	TagPattern *string `json:"tagPattern"`
	Matches    bool    `json:"tagPatternMatches"`
}

// age is the value of a policy by age; false if it is none.
func (p AutoPrune) age() (time.Duration, bool) {
	text, _ := p.Value.(string)
	return parseDuration(text)
}

// problem is what Quay has against the policy.
func (p AutoPrune) problem() string {
	number, isNumber := p.Value.(float64)
	_, isAge := p.age()
	switch {
	case p.Method != byNumber && p.Method != byAge:
		return "Invalid method provided"
	case p.Method == byNumber && (!isNumber || number <= 0), p.Method == byAge && !isAge:
		return "Invalid value given for method type"
	case p.TagPattern != nil && *p.TagPattern == "":
		return "tag_pattern cannot be empty"
	}
	return ""
}

// same reports whether two policies differ in nothing but their UUIDs.
func (p AutoPrune) same(other AutoPrune) bool {
	return p.Method == other.Method && p.Value == other.Value && p.Matches == other.Matches &&
		(p.TagPattern == nil) == (other.TagPattern == nil) && (p.TagPattern == nil || *p.TagPattern == *other.TagPattern)
}

// SetAutoPrune has FEATURE_AUTO_PRUNE on, or off as by default.
func (q *Quay) SetAutoPrune(on bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.prunes = on
}

// AddAutoPrune turns auto-pruning on and gives an organization, or a repository
// "org/repo", a policy; pattern may be empty. A value for number_of_tags is a
// number in digits. It returns the UUID, and panics where Quay refuses.
func (q *Quay) AddAutoPrune(where, method, value, pattern string, matches bool) (uuid string) {
	p := AutoPrune{UUID: newID(), Method: method, Value: value, Matches: matches}
	if n, err := strconv.Atoi(value); err == nil {
		p.Value = float64(n)
	}
	if pattern != "" {
		p.TagPattern = &pattern
	}
	q.mustBe(p.problem())
	q.mu.Lock()
	defer q.mu.Unlock()
	q.prunes = true
	_, _, of := q.place(where)
	of.pruning = append(of.pruning, p)
	return p.UUID
}

// AutoPrunes are the policies of an organization or of a repository "org/repo".
func (q *Quay) AutoPrunes(where string) []AutoPrune {
	q.mu.Lock()
	defer q.mu.Unlock()
	_, _, of := q.place(where)
	return slices.Clone(of.pruning)
}

// SetDefaultAutoPrune is DEFAULT_NAMESPACE_AUTOPRUNE_POLICY, which counts for
// every organization besides its own; a nil policy is none.
func (q *Quay) SetDefaultAutoPrune(p *AutoPrune) {
	if p != nil {
		q.mustBe(p.problem())
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.defaultPrune = p
}

// Prune runs Quay's auto-prune worker once over all organizations and returns
// the tags that it ended as "org/repo:tag", sorted.
func (q *Quay) Prune() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	ended := []string{}
	if !q.prunes {
		return ended
	}
	for _, name := range slices.Sorted(maps.Keys(q.repositories)) {
		r := q.repositories[name]
		policies := slices.Concat(q.organizations[r.org].pruning, r.pruning)
		// Those by age come first.
		slices.SortStableFunc(policies, func(a, b AutoPrune) int { return cmp.Compare(a.Method, b.Method) })
		if q.defaultPrune != nil {
			policies = append(policies, *q.defaultPrune)
		}
		for _, p := range policies {
			if r.state == Normal {
				ended = append(ended, q.prune(r, p)...)
			}
		}
	}
	slices.Sort(ended)
	return ended
}

// prune carries one policy out in one repository; immutable tags and those of
// cosign's are neither ended nor counted.
func (q *Quay) prune(r *repository, p AutoPrune) (ended []string) {
	now, found := q.now(), []*tag{}
	for _, t := range r.tags {
		if t.alive(now) && !t.immutable && !signaturePattern.MatchString(t.name) && p.concerns(t.name) {
			found = append(found, t)
		}
	}
	slices.SortFunc(found, func(a, b *tag) int { return cmp.Or(b.start.Compare(a.start), cmp.Compare(a.name, b.name)) })
	if number, ok := p.Value.(float64); ok {
		found = found[min(int(number), len(found)):]
	} else if age, ok := p.age(); ok {
		found = slices.DeleteFunc(found, func(t *tag) bool { return now.Sub(t.start) <= age })
	}
	for _, t := range found {
		r.endTag(t, now)
		ended = append(ended, r.name+":"+t.name)
		q.record(r.org, "autoprune_tag_delete", "", map[string]any{"performer": "autoprune worker", "namespace": r.org, "repo": r.short(), "tag": t.name})
	}
	return ended
}

// concerns reports whether the policy is for a tag of that name. A pattern that
// is none fails the whole run in Quay; here it is for no tag.
func (p AutoPrune) concerns(tag string) bool {
	if p.TagPattern == nil {
		return true
	}
	pattern, err := regexp.Compile(*p.TagPattern)
	return err == nil && pattern.MatchString(tag) == p.Matches
}
