package quaytest

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
)

// tagRoutes are quay/quay:endpoints/api/tag.py.
var tagRoutes = []apiRoute{route("GET", "repository/{...}/tag/", RepoRead, apiCall.tagHistory)}

// tagHistory shows the tags of a repository, dead ones too unless asked not to, the newest first.
func (c apiCall) tagHistory() (int, any, *apiError) {
	r := c.q.repositories[c.args[0]]
	if r == nil || !c.token.administers(c.q, r.org) {
		return 0, nil, errNotFound
	}
	all := slices.Clone(r.past)
	for _, t := range r.tags {
		all = append(all, t)
	}
	slices.SortStableFunc(all, func(a, b *tag) int {
		return cmp.Or(b.start.Compare(a.start), cmp.Compare(a.name, b.name))
	})
	now := c.q.now()
	if c.query("onlyActiveTags") == "true" {
		all = slices.DeleteFunc(all, func(t *tag) bool { return !t.alive(now) })
	}
	page, _ := strconv.Atoi(c.query("page"))
	limit, _ := strconv.Atoi(c.query("limit"))
	page, limit = max(page, 1), min(max(cmp.Or(limit, 50), 1), pageSize)
	all = all[min((page-1)*limit, len(all)):]
	more := len(all) > limit
	list := []any{}
	for _, t := range all[:min(limit, len(all))] {
		v := map[string]any{"name": t.name, "reversion": false, "start_ts": t.start.Unix(), "manifest_digest": t.digest,
			"is_manifest_list": false, "size": 0, "last_modified": date(t.start)}
		if !t.end.IsZero() {
			v["end_ts"], v["expiration"] = t.end.Unix(), date(t.end)
		}
		list = append(list, v)
	}
	return http.StatusOK, map[string]any{"tags": list, "page": page, "has_additional": more}, nil
}
