package quaytest

import (
	"net/http"
	"slices"
)

// serveCatalog answers the repositories that the holder of the token may read,
// the oldest first (quay/quay:endpoints/v2/catalog.py). What is public and
// nothing else to the holder is not among them.
func (q *Quay) serveCatalog(w http.ResponseWriter, r *http.Request) {
	claims, err := q.bearer(r)
	if err != nil {
		q.refuseToken(w, err, "")
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case claims.Subject == anonymousName && q.noAnonymous:
		errNoAnonymous.write(w)
		return
	case claims.Subject != anonymousName && !q.exists(claims.Subject):
		errDeletedRobot.write(w)
		return
	}
	found := []*repository{}
	for _, repo := range q.repositories {
		if q.organizations[repo.org].effective(repo, claims.Subject) != "" {
			found = append(found, repo)
		}
	}
	slices.SortFunc(found, func(a, b *repository) int { return a.serial - b.serial })
	names := []string{}
	for _, repo := range found[:min(pageSize, len(found))] {
		names = append(names, repo.name)
	}
	writeJSON(w, http.StatusOK, map[string]any{"repositories": names})
}
