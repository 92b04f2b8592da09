package quaytest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// tag is a name for a manifest, alive or in the past.
type tag struct {
	name      string
	digest    string
	start     time.Time
	end       time.Time // zero means never
	immutable bool
}

func (t *tag) alive(now time.Time) bool { return t.end.IsZero() || now.Before(t.end) }

// setTag points the tag that the path names at dgst; the caller holds mu. A
// live immutable tag is refused even if it points there already
// (quay/quay:data/model/oci/tag.py, retarget_tag).
func (c call) setTag(dgst string) *registryError {
	now := c.q.now()
	if old := c.repo.tags[c.ref]; old != nil && old.alive(now) && c.immutable(old) {
		return errTagImmutable(c.ref)
	}
	labels := c.repo.manifests[dgst].labels
	if old := c.repo.tags[c.ref]; old != nil {
		if old.alive(now) {
			old.end = now
		}
		c.repo.past = append(c.repo.past, old)
	}
	t := &tag{name: c.ref, digest: dgst, start: now, immutable: labels["quay.immutable"] == "true"}
	if d, ok := parseExpiry(labels["quay.expires-after"]); ok {
		t.end = now.Add(d)
	}
	c.repo.tags[c.ref] = t
	return nil
}

// immutable reports whether a policy or a label fixes t; the caller holds mu.
func (c call) immutable(t *tag) bool {
	return t.immutable || c.repo.immutable || c.q.organizations[c.repo.org].immutable
}

// parseExpiry reads the value of the label quay.expires-after, such as 2w or 36h.
func parseExpiry(text string) (time.Duration, bool) {
	if len(text) < 2 {
		return 0, false
	}
	unit := map[byte]time.Duration{
		's': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour,
	}[text[len(text)-1]]
	n, err := strconv.Atoi(text[:len(text)-1])
	if err != nil || n <= 0 || unit == 0 {
		return 0, false
	}
	return time.Duration(n) * unit, true
}

// pageSize is the largest page of tags that Quay answers with.
const pageSize = 100

// listTags answers the live tags in order of name, page by page.
func (c call) listTags(w http.ResponseWriter, r *http.Request) *registryError {
	query := r.URL.Query()
	limit, err := strconv.Atoi(query.Get("n"))
	if err != nil || limit > pageSize || limit < 0 {
		limit = pageSize
	}
	names := []string{}
	for name := range c.q.Tags(c.repo.name) {
		if name > query.Get("last") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if len(names) > limit {
		names = names[:limit]
		if limit > 0 {
			// The address has no host: an absolute one was meant.
			next := "n=" + strconv.Itoa(limit) + "&last=" + url.QueryEscape(names[limit-1])
			w.Header().Set("Link", "<"+r.URL.Path+"?"+next+`>; rel="next"`)
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"name": c.repo.name, "tags": names})
	return nil
}

// Tags returns the live tags of "org/repo" with the digest each points at, as sha256:<hex>.
func (q *Quay) Tags(repo string) map[string]string {
	q.mu.Lock()
	defer q.mu.Unlock()
	tags := map[string]string{}
	if r := q.repositories[repo]; r != nil {
		for name, t := range r.tags {
			if t.alive(q.now()) {
				tags[name] = t.digest
			}
		}
	}
	return tags
}
