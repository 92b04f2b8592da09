package quaytest

import (
	"maps"
	"slices"
	"time"
)

// SetTimeMachine has tags of org that ended be there to be brought back for d,
// which may be 0. It panics if the organization does not exist.
func (q *Quay) SetTimeMachine(org string, d time.Duration) {
	q.must(q.editOrganization(org, func(o *organization) { o.removed = d }))
}

// CollectGarbage runs Quay's garbage collection once over all repositories
// (quay/quay:data/model/gc.py) and returns the manifests that are gone for good
// as "org/repo@sha256:<hex>", sorted. Tags, hidden ones too, go when they ended
// longer ago than the organization's time machine reaches. A manifest goes when
// it had such a tag and no tag is left, no index has it and it is nobody's
// subject; with it go what no tag and no other index holds of an index, and
// blobs. Until then a digest with dead tags alone is unknown to pulls all the
// same, and can be brought back.
func (q *Quay) CollectGarbage() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	gone := []string{}
	for _, name := range slices.Sorted(maps.Keys(q.repositories)) {
		r := q.repositories[name]
		for _, dgst := range r.collect(q.now().Add(-q.organizations[r.org].removed), q.noImmutability) {
			gone = append(gone, name+"@"+dgst)
		}
	}
	slices.Sort(gone)
	return gone
}

// collect drops the tags that ended by the time limit, and what they held alone.
func (r *repository) collect(limit time.Time, immutableToo bool) (gone []string) {
	doubtful := map[string]bool{}
	old := func(t *tag) bool {
		if t.end.IsZero() || t.end.After(limit) || t.immutable && !immutableToo {
			return false
		}
		doubtful[t.digest] = true
		return true
	}
	r.past = slices.DeleteFunc(r.past, old)
	maps.DeleteFunc(r.tags, func(_ string, t *tag) bool { return old(t) })
	for dgst, m := range r.manifests {
		if !m.lease.IsZero() && !m.lease.After(limit) {
			m.lease = time.Time{}
			doubtful[dgst] = true
		}
	}
	for len(doubtful) > 0 {
		for dgst := range doubtful {
			delete(doubtful, dgst)
			if r.manifests[dgst] == nil || r.used(dgst) {
				continue
			}
			for _, child := range r.manifests[dgst].children() {
				doubtful[child.Digest] = true
			}
			delete(r.manifests, dgst)
			gone = append(gone, dgst)
		}
	}
	return gone
}

// used reports whether a tag, dead or alive, an index or a referrer needs a manifest.
func (r *repository) used(dgst string) bool {
	if m := r.manifests[dgst]; m.forever || !m.lease.IsZero() {
		return true
	}
	if slices.ContainsFunc(r.rows(), func(t *tag) bool { return t.digest == dgst }) {
		return true
	}
	for _, other := range r.manifests {
		if other.Subject != nil && other.Subject.Digest == dgst ||
			slices.ContainsFunc(other.children(), func(d descriptor) bool { return d.Digest == dgst }) {
			return true
		}
	}
	return false
}

// HasManifest reports whether the digest sha256:<hex> is in "org/repo" at all:
// pulls see it or it could be brought back. Manifest tells what pulls see.
func (q *Quay) HasManifest(repo, dgst string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := q.repositories[repo]
	return r != nil && r.manifests[dgst] != nil
}
