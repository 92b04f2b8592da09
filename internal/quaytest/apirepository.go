package quaytest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// repositoryRoutes are quay/quay:endpoints/api/repository.py.
var repositoryRoutes = []apiRoute{
	route("GET", "repository", "", apiCall.listRepositories),
	route("POST", "repository", "", apiCall.postRepository),
	route("GET", "repository/{...}", RepoRead, apiCall.getRepository),
}

func (r *repository) view() map[string]any {
	return map[string]any{"namespace": r.org, "name": strings.TrimPrefix(r.name, r.org+"/"), "description": r.description,
		"is_public": r.public, "kind": "image", "state": r.state}
}

// listRepositories answers page by page, each with an opaque mark of the next.
func (c apiCall) listRepositories() (int, any, *apiError) {
	namespace := c.query("namespace")
	if namespace == "" && c.query("public") == "" {
		return 0, nil, errRequest("namespace, starred or public are required for this API call")
	}
	names := []string{}
	for name, r := range c.q.repositories {
		if (namespace == "" || r.org == namespace) && (r.public || c.token.administers(c.q, r.org)) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	start, _ := strconv.Atoi(strings.TrimPrefix(c.query("next_page"), "page-"))
	names = names[min(max(start, 0), len(names)):]
	answer := map[string]any{}
	if len(names) > pageSize {
		answer["next_page"] = "page-" + strconv.Itoa(start+pageSize)
		names = names[:pageSize]
	}
	list := []any{}
	for _, name := range names {
		list = append(list, c.q.repositories[name].view())
	}
	answer["repositories"] = list
	return http.StatusOK, answer, nil
}

func (c apiCall) postRepository() (int, any, *apiError) {
	org, name, visibility := c.text("namespace"), c.text("repository"), c.text("visibility")
	if _, ok := c.body["description"]; !ok {
		return 0, nil, errRequest("'description' is a required property")
	}
	switch {
	case !c.token.has(RepoCreate, OrgAdmin) || !c.token.administers(c.q, org):
		return 0, nil, errForbidden
	case visibility != "public" && visibility != "private":
		return 0, nil, errRequest("'" + visibility + "' is not one of ['public', 'private']")
	case c.q.repositories[org+"/"+name] != nil:
		return 0, nil, errRequest("Repository already exists")
	}
	r, err := c.q.createRepository(org, name, "")
	if err != nil {
		return 0, nil, errRequest("Invalid repository name")
	}
	r.description, r.public = c.text("description"), visibility == "public"
	return http.StatusCreated, map[string]any{"namespace": org, "name": name, "kind": "image"}, nil
}

func (c apiCall) getRepository() (int, any, *apiError) {
	r := c.q.repositories[c.args[0]]
	org, _, _ := strings.Cut(c.args[0], "/")
	switch {
	case (r == nil || !r.public) && !c.token.administers(c.q, org):
		return 0, nil, errForbidden
	case r == nil:
		return 0, nil, errNotFound
	}
	return http.StatusOK, r.view(), nil
}
