package quaytest

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// fixingFields are the body of quay/quay:endpoints/api/immutability_policy.py.
var fixingFields = []field{{name: "tagPattern", kind: "string", required: true}, {name: "tagPatternMatches", kind: "boolean"}}

// immutabilityRoutes are quay/quay:endpoints/api/immutability_policy.py, from v3.17 on.
var immutabilityRoutes = only(func(q *Quay) bool { return !q.noImmutability },
	route("GET", "organization/{}/immutabilitypolicy/", orgAdmin, apiCall.listFixings),
	route("POST", "organization/{}/immutabilitypolicy/", orgAdmin, apiCall.postFixing).takes(fixingFields...),
	route("GET", "organization/{}/immutabilitypolicy/{}", orgAdmin, apiCall.getFixing),
	route("PUT", "organization/{}/immutabilitypolicy/{}", orgAdmin, apiCall.putFixing).takes(fixingFields...),
	route("DELETE", "organization/{}/immutabilitypolicy/{}", orgAdmin, apiCall.deleteFixing),
	route("GET", "repository/{...}/immutabilitypolicy/", repoAdmin, apiCall.listFixings),
	route("POST", "repository/{...}/immutabilitypolicy/", repoAdmin, apiCall.postFixing).takes(fixingFields...),
	route("GET", "repository/{...}/immutabilitypolicy/{}", repoAdmin, apiCall.getFixing),
	route("PUT", "repository/{...}/immutabilitypolicy/{}", repoAdmin, apiCall.putFixing).takes(fixingFields...),
	route("DELETE", "repository/{...}/immutabilitypolicy/{}", repoAdmin, apiCall.deleteFixing),
)

// rules finds what the path names: an organization or a repository. Nil of is
// a repository that does not exist.
func (c apiCall) rules() (org, repo string, of *rules) {
	org, _, ofRepository := strings.Cut(c.args[0], "/")
	if ofRepository && c.q.repositories[c.args[0]] == nil {
		return org, c.args[0], nil
	}
	return c.q.place(c.args[0])
}

// metadata is what an entry of the log about a rule of the path has.
func (c apiCall) metadata(more map[string]any) (map[string]any, string) {
	org, repo, ofRepository := strings.Cut(c.args[0], "/")
	more["namespace"] = org
	if ofRepository {
		more["repo"] = repo
	}
	return more, org
}

func (c apiCall) listFixings() (int, any, *apiError) {
	_, _, of := c.rules()
	if of == nil {
		return 0, nil, errNotFound
	}
	list := []any{}
	for _, f := range of.fixing {
		list = append(list, f.view())
	}
	return http.StatusOK, map[string]any{"policies": list}, nil
}

// readFixing makes a policy of the body. What is wrong with the pattern is told
// in Python's words in Quay.
func (c apiCall) readFixing() (*fixing, *apiError) {
	pattern := strings.TrimSpace(c.text("tagPattern"))
	matches, ok := c.body["tagPatternMatches"].(bool)
	f, err := newFixing(pattern, matches || !ok)
	switch {
	case pattern == "":
		return nil, errRequest("tag_pattern is required and must be a non-empty string")
	case utf8.RuneCountInString(pattern) > 256:
		return nil, errRequest("tag_pattern must be 256 characters or less")
	case err != nil:
		return nil, errRequest("Invalid regex pattern: " + err.Error())
	}
	return f, nil
}

// duplicate reports whether another policy has the pattern of f, whichever way it matches.
func (r *rules) duplicate(f *fixing) bool {
	return slices.ContainsFunc(r.fixing, func(other *fixing) bool { return other.pattern == f.pattern && other.uuid != f.uuid })
}

var errDuplicateFixing = errRequest("A policy with the same tag_pattern already exists")

func (c apiCall) postFixing() (int, any, *apiError) {
	org, repo, of := c.rules()
	if of == nil {
		return 0, nil, errNotFound
	}
	if repo == "" && c.q.organizations[org].mirror != nil {
		return 0, nil, errRequest("Cannot create immutability policy: organization is managed by organization-level mirroring")
	}
	f, err := c.readFixing()
	if err != nil {
		return 0, nil, err
	}
	if of.duplicate(f) {
		return 0, nil, errDuplicateFixing
	}
	of.fixing = append(of.fixing, f)
	c.applyFixing(org, repo, f)
	c.recordFixing("create_immutability_policy", f)
	return http.StatusCreated, map[string]any{"uuid": f.uuid}, nil
}

// applyFixing fixes the tags that are there, and logs it if there are some.
func (c apiCall) applyFixing(org, repo string, f *fixing) {
	if count := c.q.fixTags(org, repo, f); count > 0 {
		metadata, _ := c.metadata(map[string]any{"tag_pattern": f.pattern, "tag_pattern_matches": f.matches, "count": count})
		c.q.record(org, "tags_made_immutable_by_policy", "", metadata)
	}
}

func (c apiCall) recordFixing(kind string, f *fixing) {
	metadata, org := c.metadata(map[string]any{"tag_pattern": f.pattern, "tag_pattern_matches": f.matches})
	c.record(kind, metadata, org)
}

// findFixing finds the policy that the path names last; -1 if there is none.
func (c apiCall) findFixing(of *rules) int {
	if of == nil {
		return -1
	}
	return slices.IndexFunc(of.fixing, func(f *fixing) bool { return f.uuid == c.args[1] })
}

func (c apiCall) getFixing() (int, any, *apiError) {
	_, _, of := c.rules()
	i := c.findFixing(of)
	if i < 0 {
		return 0, nil, errNotFound
	}
	return http.StatusOK, of.fixing[i].view(), nil
}

func (c apiCall) putFixing() (int, any, *apiError) {
	org, repo, of := c.rules()
	f, err := c.readFixing()
	if err != nil {
		return 0, nil, err
	}
	i := c.findFixing(of)
	if i < 0 {
		return 0, nil, errNotFound
	}
	f.uuid = c.args[1]
	if of.duplicate(f) {
		return 0, nil, errDuplicateFixing
	}
	of.fixing[i] = f
	c.applyFixing(org, repo, f)
	c.recordFixing("update_immutability_policy", f)
	return http.StatusNoContent, nil, nil
}

// deleteFixing leaves the tags that the policy fixed as they are.
func (c apiCall) deleteFixing() (int, any, *apiError) {
	_, _, of := c.rules()
	i := c.findFixing(of)
	if i < 0 {
		return 0, nil, errNotFound
	}
	of.fixing = slices.Delete(of.fixing, i, i+1)
	metadata, org := c.metadata(map[string]any{"policy_uuid": c.args[1]})
	c.record("delete_immutability_policy", metadata, org)
	return http.StatusOK, map[string]any{"uuid": c.args[1]}, nil
}
