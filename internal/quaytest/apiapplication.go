package quaytest

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// applicationRoutes are quay/quay:endpoints/api/organization_application_tokens.py, as it reads at ffba0c70 (2026-08-21): no Quay was
// asked. They are there since 3.18.
var applicationRoutes = []apiRoute{
	route("GET", "organization/{}/applications/{}/tokens", orgAdmin, apiCall.listApplicationTokens),
	route("POST", "organization/{}/applications/{}/tokens", orgAdmin, apiCall.postApplicationToken).takes(
		field{name: "name", kind: "string", required: true, max: 255}, field{name: "scope", kind: "string", required: true}, field{name: "expiration", kind: "number"}),
	route("DELETE", "organization/{}/applications/{}/tokens/{}", orgAdmin, apiCall.deleteApplicationToken),
}

// applicationPageSize is how many tokens a page has.
const applicationPageSize = 50

// applicationTokens returns the good tokens of the application in the path by their value, the newest first.
func (c apiCall) applicationTokens() (values []string, err *apiError) {
	app, known := application{c.args[0], c.args[1]}, false
	for value, t := range c.q.oauthTokens {
		if t.application == nil || *t.application != app {
			continue
		}
		// One that has expired still tells that there is the application.
		if known = true; !t.expired(c.q.now()) {
			values = append(values, value)
		}
	}
	if !known {
		return nil, errNotFound
	}
	slices.SortFunc(values, func(a, b string) int {
		first, second := c.q.oauthTokens[a], c.q.oauthTokens[b]
		return cmp.Or(second.created.Compare(first.created), strings.Compare(first.uuid, second.uuid))
	})
	return values, nil
}

// isoTime is a time as Python's isoformat has it, with the letter that Quay puts behind it.
func isoTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000") + "Z" }

func applicationTokenView(t *oauthToken) map[string]any {
	scopes := []string{}
	for _, s := range t.scopes {
		scopes = append(scopes, string(s))
	}
	view := map[string]any{"uuid": t.uuid, "name": nil, "scope": strings.Join(scopes, " "), "created": isoTime(t.created), "expires_at": isoTime(t.expires),
		"created_by": t.user.name, "last_accessed": nil}
	if t.name != "" {
		view["name"] = t.name
	}
	return view
}

func (c apiCall) listApplicationTokens() (int, any, *apiError) {
	values, err := c.applicationTokens()
	if err != nil {
		return 0, nil, err
	}
	start, _ := strconv.Atoi(strings.TrimPrefix(c.query("next_page"), "page-"))
	page := values[min(start, len(values)):]
	answer, list := map[string]any{}, []any{}
	if len(page) > applicationPageSize {
		page, answer["next_page"] = page[:applicationPageSize], "page-"+strconv.Itoa(start+applicationPageSize)
	}
	for _, value := range page {
		list = append(list, applicationTokenView(c.q.oauthTokens[value]))
	}
	answer["tokens"] = list
	return http.StatusOK, answer, nil
}

// postApplicationToken makes a token with no more scopes than the caller's own.
func (c apiCall) postApplicationToken() (int, any, *apiError) {
	if _, err := c.applicationTokens(); err != nil {
		return 0, nil, err
	}
	name, scopes := strings.TrimSpace(c.text("name")), []Scope{}
	for _, text := range strings.Fields(strings.ReplaceAll(c.text("scope"), ",", " ")) {
		scope := Scope(text)
		if !slices.Contains([]Scope{RepoRead, RepoAdmin, RepoCreate, OrgAdmin, UserAdmin}, scope) {
			return 0, nil, errModel("Invalid scope: " + c.text("scope"))
		}
		scopes = append(scopes, scope)
	}
	lifetime, given := c.body["expiration"].(float64)
	switch {
	case name == "":
		return 0, nil, errModel("Token name is required")
	case len(scopes) == 0:
		return 0, nil, errModel("Invalid scope: " + c.text("scope"))
	case given && lifetime <= 0:
		return 0, nil, errModel("'expiration' must be a positive number of seconds")
	case slices.ContainsFunc(scopes, func(s Scope) bool { return !c.token.has(s) && (s != RepoRead || !c.token.has(RepoAdmin)) }):
		return 0, nil, errForbidden
	}
	life := defaultLifetime
	if given {
		life = min(life, time.Duration(lifetime)*time.Second)
	}
	value, made := c.q.mint(c.token, scopes, name, life)
	made.application = &application{c.args[0], c.args[1]}
	view := applicationTokenView(made)
	view["token"] = value
	c.record("create_oauth_api_token", map[string]any{"oauth_token_uuid": made.uuid, "scope": view["scope"], "token_display_name": name, "client_id": c.args[1]})
	return http.StatusOK, view, nil
}

func (c apiCall) deleteApplicationToken() (int, any, *apiError) {
	values, err := c.applicationTokens()
	if err != nil {
		return 0, nil, err
	}
	for _, value := range values {
		if c.q.oauthTokens[value].uuid == c.args[2] {
			delete(c.q.oauthTokens, value)
			c.record("revoke_oauth_api_token", map[string]any{"oauth_token_uuid": c.args[2], "client_id": c.args[1]})
			return http.StatusNoContent, nil, nil
		}
	}
	return 0, nil, errNotFound
}
