package quaytest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// repositoryRoutes are quay/quay:endpoints/api/repository.py.
var repositoryRoutes = []apiRoute{
	route("GET", "repository", anybody, apiCall.listRepositories),
	route("POST", "repository", anybody, apiCall.postRepository).takes(
		field{name: "repository", kind: "string", required: true},
		field{name: "visibility", kind: "string", required: true, enum: []string{"public", "private"}},
		field{name: "namespace", kind: "string"},
		field{name: "description", kind: "string", required: true}),
	route("GET", "repository/{...}", repoRead, apiCall.getRepository),
}

// short is the name of r without the organization.
func (r *repository) short() string { return strings.TrimPrefix(r.name, r.org+"/") }

// view is what a list and a single answer both show of a repository.
func (r *repository) view() map[string]any {
	v := map[string]any{"namespace": r.org, "name": r.short(), "description": r.description,
		"is_public": r.public, "kind": "image", "state": r.state}
	if r.byPush {
		v["description"] = nil
	}
	return v
}

// listRepositories answers page by page, the oldest repository first, each page
// with an opaque mark of the next. It shows what the user may see whatever the
// scopes of the token, and to nobody what is public.
func (c apiCall) listRepositories() (int, any, *apiError) {
	namespace, public := c.query("namespace"), c.flag("public", false)
	if namespace == "" && !public && !c.flag("starred", false) {
		return 0, nil, errRequest("namespace, starred or public are required for this API call")
	}
	found := []*repository{}
	for name, r := range c.q.repositories {
		if (namespace == "" || r.org == namespace) && (public && r.public || c.token.ownRole(c.q, name) != "") {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b *repository) int { return a.serial - b.serial })
	start, _ := strconv.Atoi(strings.TrimPrefix(c.query("next_page"), "page-"))
	found = found[min(max(start, 0), len(found)):]
	answer := map[string]any{}
	if len(found) > pageSize {
		answer["next_page"] = "page-" + strconv.Itoa(start+pageSize)
		found = found[:pageSize]
	}
	list := []any{}
	for _, r := range found {
		v := r.view()
		if c.token != nil {
			v["is_starred"] = false
		}
		list = append(list, v)
	}
	answer["repositories"] = list
	return http.StatusOK, answer, nil
}

func (c apiCall) postRepository() (int, any, *apiError) {
	org, name := c.text("namespace"), c.text("repository")
	if _, ok := c.body["namespace"]; !ok {
		org = c.token.user.name
	}
	switch {
	case !c.token.creates(c.q, org):
		return 0, nil, c.refuse()
	case c.q.repositories[org+"/"+name] != nil:
		return 0, nil, errRequest("Repository already exists")
	}
	r, err := c.q.createRepository(org, name, c.token.user.name)
	if err != nil {
		return 0, nil, errRequest("Invalid repository name")
	}
	r.description, r.public = c.text("description"), c.text("visibility") == "public"
	c.record("create_repo", map[string]any{"repo": name, "namespace": org}, org)
	return http.StatusCreated, map[string]any{"namespace": org, "name": name, "kind": "image"}, nil
}

func (c apiCall) getRepository() (int, any, *apiError) {
	r := c.q.repositories[c.args[0]]
	if r == nil {
		return 0, nil, errNotFound
	}
	role, v := c.token.repoRole(c.q, r.name), r.view()
	v["can_write"], v["can_admin"] = role.includes(Write) && r.state == Normal, role.includes(Admin)
	v["is_organization"], v["is_starred"], v["is_free_account"] = !c.q.organizations[r.org].ofUser, false, true
	v["tag_expiration_s"], v["trust_enabled"], v["status_token"] = int(c.q.organizations[r.org].removed.Seconds()), false, r.badge
	if r.public {
		v["status_token"] = ""
	}
	if c.flag("includeTags", true) {
		v["tags"] = c.liveTags(r)
	}
	return http.StatusOK, v, nil
}
