package quaytest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// apiPrefix is where the management API begins.
const apiPrefix = "/api/v1/"

// maxAPIBody is the largest body in bytes that the management API takes here.
const maxAPIBody = 64 << 10

// apiCall is one request to the management API.
type apiCall struct {
	q     *Quay
	r     *http.Request
	token *oauthToken
	// args are the parts of the path that the route leaves open.
	args []string
	// body has the members of the JSON body, if the method takes one.
	body map[string]any
}

// apiRoute is one method of one kind of path.
type apiRoute struct {
	method string
	// path is the path as the discovery shows it.
	path    string
	pattern *regexp.Regexp
	// scope is what the token needs; empty means any token.
	scope Scope
	// org says that the user has to administer the organization in the path's
	// first argument, repo that of the repository in it.
	org, repo bool
	serve     func(apiCall) (status int, body any, err *apiError)
}

// route makes an apiRoute. In path {} is one element, and {...} is a repository: two elements or more.
func route(method, path string, scope Scope, serve func(apiCall) (int, any, *apiError)) apiRoute {
	pattern := strings.ReplaceAll(strings.ReplaceAll(path, "{...}", "([^/]+/.+)"), "{}", "([^/]+)")
	return apiRoute{method: method, path: "/api/v1/" + strings.ReplaceAll(path, "{...}", "{repository}"), pattern: regexp.MustCompile("^/api/v1/" + pattern + "$"), scope: scope, serve: serve,
		org:  strings.HasPrefix(path, "organization/{}/"),
		repo: strings.HasPrefix(path, "repository/{...}/") && scope == RepoAdmin}
}

// apiRoutes are tried in order: the longer path of two that match comes first.
var apiRoutes = [][]apiRoute{robotRoutes, prototypeRoutes, teamRoutes, organizationRoutes, permissionRoutes, tagRoutes, logRoutes, repositoryRoutes}

// serveAPI answers a request to the management API.
func (q *Quay) serveAPI(w http.ResponseWriter, r *http.Request) {
	found, args, known := findRoute(r)
	switch {
	case !known:
		writePage(w, http.StatusNotFound)
		return
	case found == nil:
		writePage(w, http.StatusMethodNotAllowed)
		return
	}
	status, body, err := q.callAPI(found, args, r)
	switch {
	case err != nil:
		err.write(q, w)
	case body == nil:
		w.WriteHeader(status)
	default:
		writeJSON(w, status, body)
	}
}

// findRoute finds the route of r; known says whether the path has any method.
func findRoute(r *http.Request) (found *apiRoute, args []string, known bool) {
	for _, routes := range apiRoutes {
		for i := range routes {
			match := routes[i].pattern.FindStringSubmatch(r.URL.Path)
			if match == nil {
				continue
			}
			known = true
			if routes[i].method == r.Method {
				return &routes[i], match[1:], true
			}
		}
	}
	return nil, nil, known
}

// callAPI admits a request and has it served.
func (q *Quay) callAPI(found *apiRoute, args []string, r *http.Request) (int, any, *apiError) {
	token, err := q.authorize(r)
	if err != nil {
		return 0, nil, err
	}
	c := apiCall{q: q, r: r, token: token, args: args}
	if err := c.readBody(); err != nil {
		return 0, nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if r.Method != http.MethodGet && q.readOnly {
		return 0, nil, errAPIReadOnly
	}
	if found.scope != "" && !token.has(found.scope) {
		return 0, nil, errForbidden
	}
	org, _, _ := strings.Cut(args0(args), "/")
	if (found.org || found.repo) && !token.administers(q, org) {
		return 0, nil, errForbidden
	}
	return found.serve(c)
}

func args0(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// readBody reads the JSON of a request that has one.
func (c *apiCall) readBody() *apiError {
	data, err := io.ReadAll(io.LimitReader(c.r.Body, maxAPIBody))
	if err != nil {
		return errRequest("The request ended early")
	}
	if len(data) == 0 {
		return nil
	}
	var compact bytes.Buffer
	if json.Compact(&compact, data) != nil || json.Unmarshal(data, &c.body) != nil {
		return errRequest("Invalid JSON body")
	}
	journalEntry(c.r).setBody(compact.String())
	return nil
}

// text is a member of the body that is a string; empty if there is none.
func (c apiCall) text(name string) string {
	value, _ := c.body[name].(string)
	return value
}

// object is a member of the body that is an object.
func (c apiCall) object(name string) map[string]any {
	value, _ := c.body[name].(map[string]any)
	return value
}

// query is a parameter of the URL.
func (c apiCall) query(name string) string { return c.r.URL.Query().Get(name) }

// date is a time as the management API writes it (RFC 2822); null for none.
func date(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("Mon, 02 Jan 2006 15:04:05 -0000")
}
