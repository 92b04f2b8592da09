package quaytest

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
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
	// who came with Basic, on a route that takes it.
	who identity
	// args are the parts of the path that the route leaves open.
	args []string
	// body has the members of the JSON body, if the method takes one.
	body map[string]any
	// list has the items of a JSON body that is a list.
	list []any
}

// serveAPI answers a request to the management API.
func (q *Quay) serveAPI(w http.ResponseWriter, r *http.Request) {
	found, args, methods := q.findRoute(r.Method, r.URL.Path)
	if slash, _, _ := q.findRoute(r.Method, r.URL.Path+"/"); slash != nil && strings.HasSuffix(slash.path, "/") {
		q.writeMoved(w, r)
		return
	}
	switch {
	case methods == nil:
		q.serveElsewhere(w, r)
		return
	case r.Method == http.MethodOptions:
		w.Header().Set("Allow", allow(methods))
		writeText(w, http.StatusOK, htmlType, "")
		return
	case found == nil:
		w.Header().Set("Allow", allow(methods))
		errMethod.write(q, w)
		return
	}
	status, body, err := q.callAPI(found, args, r)
	switch {
	case err != nil:
		err.write(q, w)
	case body == nil:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
	default:
		writeJSON(w, status, body)
	}
}

// serveElsewhere answers what the management API does not have: Quay looks for
// a repository of that name to show, and those have a slash at the end.
func (q *Quay) serveElsewhere(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		writeNoMethod(w, "HEAD, OPTIONS, GET")
	case !strings.HasSuffix(r.URL.Path, "/"):
		q.writeMoved(w, r)
	default:
		writeNotFound(w)
	}
}

// browserPattern is how the browsers name themselves that Quay does not answer
// (quay/quay:endpoints/decorators.py, require_xhr_from_browser).
var browserPattern = regexp.MustCompile(`\b(Firefox|Chrome|Safari|Opera|MSIE|Konqueror|SeaMonkey)[/ ]`)

// callAPI admits a request and has it served.
func (q *Quay) callAPI(found *apiRoute, args []string, r *http.Request) (int, any, *apiError) {
	token, err := q.authorize(r)
	if err != nil {
		return 0, nil, err
	}
	if r.Method == http.MethodGet && browserPattern.MatchString(r.UserAgent()) && r.Header.Get("X-Requested-With") != "XMLHttpRequest" {
		return 0, nil, errBrowser
	}
	c := apiCall{q: q, r: r, token: token, args: args}
	if token == nil && found.basic {
		who, refusal := q.login(r)
		if refusal != nil && refusal.crash {
			return 0, nil, errCrash
		}
		// A credential that is no good counts as none.
		c.who = who
		journalEntry(r).setRobot(who.name)
	}
	data, readErr := io.ReadAll(io.LimitReader(r.Body, maxAPIBody))
	if readErr != nil {
		return 0, nil, errBadRequest
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case r.Method != http.MethodGet && q.readOnly:
		return 0, nil, errAPIReadOnly
	case token == nil && q.noAnonymous && !found.basic:
		return 0, nil, errAnonymous
	case !found.need.late && !found.need.has(c):
		return 0, nil, c.refuse()
	}
	if r := found.locked(q, args); r != nil {
		return 0, nil, errState(r.state)
	}
	if found.fields != nil {
		if err := c.readBody(data, found); err != nil {
			return 0, nil, err
		}
	}
	if found.need.late && !found.need.has(c) {
		return 0, nil, c.refuse()
	}
	return found.serve(c)
}

// refuse is the error of a call without the right that it takes.
func (c apiCall) refuse() *apiError {
	if c.token == nil && c.who.name == "" {
		return errNobody
	}
	return errForbidden
}

// readBody reads the JSON of a request.
func (c *apiCall) readBody(data []byte, route *apiRoute) *apiError {
	mediaType, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if mediaType != "application/json" {
		if route.optional {
			return nil
		}
		return errNotJSON
	}
	var value any
	var compact bytes.Buffer
	if json.Unmarshal(data, &value) != nil || json.Compact(&compact, data) != nil {
		if route.optional {
			return nil
		}
		return errBadRequest
	}
	if value == nil && route.optional {
		return nil
	}
	problem := ""
	if c.list, _ = value.([]any); route.list {
		problem = checkList(value, route.fields)
	} else {
		problem = check(value, route.fields)
	}
	if problem != "" {
		return errRequest(problem)
	}
	c.body, _ = value.(map[string]any)
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

// flag is a parameter of the URL that is on or off, which it is by default instead.
func (c apiCall) flag(name string, instead bool) bool {
	if !c.r.URL.Query().Has(name) {
		return instead
	}
	return !slices.Contains([]string{"false", "False", "FALSE", "0", "null", ""}, c.query(name))
}

// date is a time as the management API writes it (RFC 2822); null for none.
func date(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("Mon, 02 Jan 2006 15:04:05 -0000")
}
