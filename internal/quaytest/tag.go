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
	// reversion is set for one that brought an earlier manifest back.
	reversion bool
}

func (t *tag) alive(now time.Time) bool { return t.end.IsZero() || now.Before(t.end) }

// parseExpiry reads the value of the label quay.expires-after, such as 2w or
// 36h; one of nothing is no end.
func parseExpiry(text string) (time.Duration, bool) {
	d, ok := parseDuration(text)
	return d, ok && d != 0
}

// parseDuration reads a time as quay/quay:util/timedeltastring.py does.
func parseDuration(text string) (time.Duration, bool) {
	if len(text) < 2 {
		return 0, false
	}
	unit := map[byte]time.Duration{
		's': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour, 'y': 365 * 24 * time.Hour,
	}[text[len(text)-1]]
	n, err := strconv.Atoi(text[:len(text)-1])
	return time.Duration(n) * unit, err == nil && unit != 0
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
