package quaytest

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// tagRoutes are quay/quay:endpoints/api/tag.py.
var tagRoutes = []apiRoute{route("GET", "repository/{...}/tag/", repoRead, apiCall.tagHistory)}

// tagView is a tag of r as its history shows it.
func (r *repository) tagView(t *tag, immutability bool) map[string]any {
	m := r.manifests[t.digest]
	v := map[string]any{"name": t.name, "reversion": t.reversion, "start_ts": t.start.Unix(),
		"manifest_digest": t.digest, "is_manifest_list": m.isList(), "size": m.layersSize(), "last_modified": date(t.start)}
	if immutability {
		v["immutable"] = t.immutable
	}
	if !t.end.IsZero() {
		v["end_ts"], v["expiration"] = t.end.Unix(), date(t.end)
	}
	if m.isList() {
		present, presence := 0, map[string]bool{}
		for _, child := range m.children() {
			presence[child.Digest] = r.manifests[child.Digest] != nil
			if presence[child.Digest] {
				present++
			}
		}
		v["is_sparse"], v["child_manifest_count"] = present < len(m.children()), len(m.children())
		v["present_child_count"], v["child_manifests_presence"] = present, presence
	}
	return v
}

// isList reports whether m is an index.
func (m *manifest) isList() bool { return m.mediaType == ociIndex || m.mediaType == dockerList }

// layersSize is the size of the layers in bytes; null for an index.
func (m *manifest) layersSize() any {
	if m.isList() {
		return nil
	}
	size := int64(0)
	for _, layer := range m.Layers {
		size += layer.Size
	}
	return size
}

// tagHistory shows the tags of a repository, dead ones too unless asked not to, the newest first.
func (c apiCall) tagHistory() (int, any, *apiError) {
	r := c.q.repositories[c.args[0]]
	if r == nil {
		return 0, nil, errNotFound
	}
	all := append(slices.Clone(r.past), slices.Collect(maps.Values(r.tags))...)
	slices.SortStableFunc(all, func(a, b *tag) int {
		return cmp.Or(b.start.Compare(a.start), cmp.Compare(a.name, b.name))
	})
	now, active, name := c.q.now(), c.flag("onlyActiveTags", false), c.query("specificTag")
	all = slices.DeleteFunc(all, func(t *tag) bool { return active && !t.alive(now) || name != "" && t.name != name })
	if filter := c.query("filter_tag_name"); filter != "" {
		operation, text, ok := strings.Cut(filter, ":")
		if !ok {
			return 0, nil, errModel("Unsupported syntax for filter_tag_name. Expected <operation>:<tag_name> where <operation>can be 'like' or 'eq'.")
		}
		all = slices.DeleteFunc(all, func(t *tag) bool {
			return operation == "eq" && t.name != text || operation == "like" && !strings.Contains(t.name, text)
		})
	}
	page, limit := max(c.number("page", 1), 1), min(max(c.number("limit", 50), 1), pageSize)
	all = all[min((page-1)*limit, len(all)):]
	list := []any{}
	for _, t := range all[:min(limit, len(all))] {
		list = append(list, r.tagView(t, !c.q.noImmutability))
	}
	return http.StatusOK, map[string]any{"tags": list, "page": page, "has_additional": len(all) > limit}, nil
}

// number is a parameter of the URL that is a number; instead if it is missing or is none.
func (c apiCall) number(name string, instead int) int {
	if n, err := strconv.Atoi(c.query(name)); err == nil {
		return n
	}
	return instead
}

// liveTags are the tags of r as the answer about r shows them.
func (c apiCall) liveTags(r *repository) map[string]any {
	tags, now := map[string]any{}, c.q.now()
	for name, t := range r.tags {
		if t.alive(now) {
			tags[name] = map[string]any{"name": name, "size": r.manifests[t.digest].layersSize(),
				"last_modified": date(t.start), "manifest_digest": t.digest}
			if !t.end.IsZero() {
				tags[name].(map[string]any)["expiration"] = date(t.end)
			}
		}
	}
	return tags
}
