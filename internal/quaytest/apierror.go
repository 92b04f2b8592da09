package quaytest

import (
	"maps"
	"net/http"
)

// apiError is an error of the management API in one of its envelopes.
type apiError struct {
	status int
	body   map[string]any
	// html sends the JSON under the type of a page.
	html bool
}

// apiErr is the envelope of quay/quay:endpoints/exception.py; its "type" is added on the way out.
func apiErr(status int, kind, message string) *apiError {
	return &apiError{status: status, body: map[string]any{"detail": message, "error_message": message,
		"error_type": kind, "title": kind, "status": status}}
}

func errRequest(message string) *apiError {
	return apiErr(http.StatusBadRequest, "invalid_request", message)
}

// errModel is the envelope of quay/quay:endpoints/decorated.py, for what the data model refuses: not found is 400 here.
func errModel(message string) *apiError {
	return &apiError{status: http.StatusBadRequest, body: map[string]any{"message": message}}
}

var (
	errForbidden = apiErr(http.StatusForbidden, "insufficient_scope", "Unauthorized")
	// errNoAccess is the framework's.
	errNoAccess = &apiError{status: http.StatusForbidden, body: map[string]any{
		"message": "You don't have the permission to access the requested resource. It is either read-protected or not readable by the server."}}
	errNobody   = apiErr(http.StatusUnauthorized, "invalid_token", "Requires authentication")
	errNotFound = apiErr(http.StatusNotFound, "not_found", "Not Found")
	errNoRobot  = errModel("Could not find robot with specified username")
	errNoGrant  = errModel("User does not have permission for repo.")
	// errBadRequest is what the framework says of a request, errNotJSON of its type.
	errBadRequest = errModel("The browser (or proxy) sent a request that this server could not understand.")
	errNotJSON    = &apiError{status: http.StatusUnsupportedMediaType, body: map[string]any{
		"message": "Did not attempt to load JSON data because the request Content-Type was not 'application/json'."}}
	errMethod = &apiError{status: http.StatusMethodNotAllowed, body: map[string]any{
		"message": "The method is not allowed for the requested URL."}}
	errCSRF = &apiError{status: http.StatusForbidden, html: true, body: map[string]any{
		"error": "CSRF token was invalid or missing."}}
	// errBrowser is what a browser gets that was sent to an answer of the management API.
	errBrowser = &apiError{status: http.StatusBadRequest, html: true, body: map[string]any{
		"error": "API calls must be invoked with an X-Requested-With header if called from a browser"}}
	// errAnonymous is all that nobody gets from a Quay that wants everybody to log in.
	errAnonymous = &apiError{status: http.StatusUnauthorized, html: true, body: map[string]any{
		"error": "Anonymous access is not allowed"}}
	// errAPIReadOnly is what a write meets while the registry is read-only.
	errAPIReadOnly = &apiError{status: http.StatusServiceUnavailable, body: map[string]any{"is_readonly": true,
		"message": "System is currently read-only. Pulls will succeed but all write operations are currently suspended."}}
	// errCrash is an exception that nobody caught.
	errCrash = &apiError{status: http.StatusInternalServerError}
)

// errState is what a repository in another state than the normal one, which has a number, says to a write.
func errState(state State) *apiError {
	return &apiError{status: http.StatusServiceUnavailable, body: map[string]any{
		"message": "Repository is in read only or mirror mode: " + map[State]string{ReadOnly: "1", Mirror: "2"}[state]}}
}

// crashPage is the body of an answer to a crash.
const crashPage = "<html>\n  <head>\n    <title>Internal Server Error</title>\n  </head>\n  <body>\n" +
	"    <h1><p>Internal Server Error</p></h1>\n    \n  </body>\n</html>\n"

// write sends the error to a client of q.
func (e *apiError) write(q *Quay, w http.ResponseWriter) {
	if e.body == nil {
		writeText(w, e.status, "text/html", crashPage)
		return
	}
	body := maps.Clone(e.body)
	if kind, ok := body["error_type"]; ok {
		body["type"] = q.URL() + "/api/v1/error/" + kind.(string)
	}
	if e.html {
		writeAs(w, e.status, htmlType, body)
		return
	}
	writeJSON(w, e.status, body)
}
