package quaytest

import "net/http"

// serveHealth answers Quay's instance health check, which needs no credential.
func serveHealth(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"status_code": http.StatusOK,
		"data":        map[string]any{"services": map[string]bool{"auth": true, "database": true, "registry_gunicorn": true}},
	})
}
