package quaytest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// rules are what an organization or a repository does with tags by itself.
type rules struct {
	fixing  []*fixing
	pruning []AutoPrune
}

// fixing is an immutability policy: tags whose whole name matches are fixed, or
// those that do not.
type fixing struct {
	uuid, pattern string
	matches       bool
	compiled      *regexp.Regexp
}

// fixes reports whether the policy makes a tag of that name immutable.
func (f *fixing) fixes(tag string) bool { return f.compiled.MatchString(tag) == f.matches }

// newFixing returns a policy. Quay's patterns are those of Python's regex; here
// one that is no regular expression of Go is refused, lookaheads among them.
func newFixing(pattern string, matches bool) (*fixing, error) {
	compiled, err := regexp.Compile(`^(?:` + pattern + `)$`)
	return &fixing{uuid: newID(), pattern: pattern, matches: matches, compiled: compiled}, err
}

// fixes reports whether a policy of r or of its organization makes a new tag
// immutable; the caller holds mu.
func (q *Quay) fixes(r *repository, tag string) bool {
	return slices.ContainsFunc(slices.Concat(r.fixing, q.organizations[r.org].fixing),
		func(f *fixing) bool { return f.fixes(tag) })
}

// fixTags applies a policy that is new or changed to the live tags of org, or
// of one repository alone, and returns how many it fixed. What is fixed never
// expires (quay/quay:data/model/immutability.py). The caller holds mu.
func (q *Quay) fixTags(org, repo string, f *fixing) int {
	count, now := 0, q.now()
	for name, r := range q.repositories {
		if r.org != org || repo != "" && name != repo {
			continue
		}
		for _, t := range r.tags {
			if t.alive(now) && !t.immutable && f.fixes(t.name) {
				t.immutable, t.end, count = true, time.Time{}, count+1
			}
		}
	}
	return count
}

// ImmutabilityPolicy is one of the policies of an organization or a repository
// as an answer of the management API shows it.
type ImmutabilityPolicy struct {
	UUID       string `json:"uuid"`
	TagPattern string `json:"tagPattern"`
	Matches    bool   `json:"tagPatternMatches"`
}

func (f *fixing) view() ImmutabilityPolicy {
	return ImmutabilityPolicy{UUID: f.uuid, TagPattern: f.pattern, Matches: f.matches}
}

// AddImmutability makes tags immutable whose whole name matches pattern, or
// with matches false those that do not, in an organization or in a repository
// "org/repo", the live ones at once. It returns the UUID of the policy and
// panics where there is no such place or pattern.
func (q *Quay) AddImmutability(where, pattern string, matches bool) (uuid string) {
	f, err := newFixing(pattern, matches)
	q.must(err)
	q.mu.Lock()
	defer q.mu.Unlock()
	org, repo, of := q.place(where)
	of.fixing = append(of.fixing, f)
	q.fixTags(org, repo, f)
	return f.uuid
}

// ImmutabilityPolicies are those of an organization or of a repository
// "org/repo", the oldest first. It panics if there is no such place.
func (q *Quay) ImmutabilityPolicies(where string) []ImmutabilityPolicy {
	q.mu.Lock()
	defer q.mu.Unlock()
	_, _, of := q.place(where)
	list := []ImmutabilityPolicy{}
	for _, f := range of.fixing {
		list = append(list, f.view())
	}
	return list
}

// SetImmutable makes the tags of org immutable, or movable again, which no
// call of Quay's does at once. It panics if the organization does not exist.
func (q *Quay) SetImmutable(org string, immutable bool) { q.setImmutable(org, immutable) }

// SetRepositoryImmutable makes the tags of "org/repo" immutable, or movable
// again. It panics if there is no such repository.
func (q *Quay) SetRepositoryImmutable(repo string, immutable bool) { q.setImmutable(repo, immutable) }

func (q *Quay) setImmutable(where string, immutable bool) {
	if immutable {
		q.AddImmutability(where, ".*", true)
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	org, repo, of := q.place(where)
	of.fixing = nil
	for name, r := range q.repositories {
		if r.org == org && (repo == "" || name == repo) {
			for _, t := range r.tags {
				t.immutable = false
			}
		}
	}
}

// place finds the rules of an organization or of a repository "org/repo",
// empty for an organization's; the caller holds mu.
func (q *Quay) place(where string) (org, repo string, of *rules) {
	org, _, ofRepository := strings.Cut(where, "/")
	o, r := q.organizations[org], q.repositories[where]
	switch {
	case ofRepository && r != nil:
		return org, where, &r.rules
	case !ofRepository && o != nil:
		return org, "", &o.rules
	}
	q.must(fmt.Errorf("looking for %q: it does not exist", where))
	return "", "", nil
}
