package quaytest

import "net/http"

// apiError is an error of the management API in one of its envelopes.
type apiError struct {
	status int
	body   map[string]any
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
	errNotFound  = apiErr(http.StatusNotFound, "not_found", "Not Found")
	errNoRobot   = errModel("Could not find robot with specified username")
	errNoGrant   = errModel("User does not have permission for repo.")
	// errAPIReadOnly is what a write meets while the registry is read-only.
	errAPIReadOnly = &apiError{status: http.StatusServiceUnavailable, body: map[string]any{"is_readonly": true,
		"message": "System is currently read-only. Pulls will succeed but all write operations are currently suspended."}}
	// errCrash is an exception that nobody caught.
	errCrash = &apiError{status: http.StatusInternalServerError}
)

// write sends the error to a client of q.
func (e *apiError) write(q *Quay, w http.ResponseWriter) {
	if e.body == nil {
		writePage(w, e.status)
		return
	}
	body := map[string]any{}
	for key, value := range e.body {
		body[key] = value
	}
	if kind, ok := body["error_type"]; ok {
		body["type"] = q.URL() + "/api/v1/error/" + kind.(string)
	}
	writeJSON(w, e.status, body)
}
