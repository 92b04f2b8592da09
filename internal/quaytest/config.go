package quaytest

import (
	"net/http"
	"strings"
)

// defaultVersion is the version of Quay whose habits this package has.
const defaultVersion = "3.18.0"

// SetVersion has this Quay say that it is another version, such as "3.18.1"; its habits stay.
func (q *Quay) SetVersion(version string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.version = version
}

// serveConfig answers what Quay's own web page asks first: version, features
// and the settings that anybody may know (quay/quay:endpoints/common.py).
func (q *Quay) serveConfig(w http.ResponseWriter, _ *http.Request) {
	q.mu.Lock()
	state := "normal"
	if q.readOnly {
		state = "readonly"
	}
	version := q.version
	features := map[string]any{"ANONYMOUS_ACCESS": !q.noAnonymous, "RATE_LIMITS": false, "IMMUTABLE_TAGS": !q.noImmutability, "AUTO_PRUNE": q.prunes, "QUOTA_MANAGEMENT": true,
		"SECURITY_SCANNER": q.scanner != nil}
	settings := map[string]any{"SERVER_HOSTNAME": q.host, "TAG_EXPIRATION_OPTIONS": []string{"0s", "1d", "1w", "2w", "4w"}}
	if p := q.defaultPrune; p != nil {
		settings["DEFAULT_NAMESPACE_AUTOPRUNE_POLICY"] = map[string]any{"method": p.Method, "value": p.Value}
	}
	q.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]any{
		"version_number": "Quay " + version,
		"registry_state": state,
		"features":       features,
		"config":         settings,
	})
}

// serveDiscovery answers which calls the management API has, as Swagger does
// (quay/quay:endpoints/api/discovery.py). It needs no token.
func (q *Quay) serveDiscovery(w http.ResponseWriter, _ *http.Request) {
	paths := map[string]any{}
	for _, routes := range apiRoutes {
		for _, r := range routes {
			path, _ := paths[r.path].(map[string]any)
			if path == nil {
				path = map[string]any{"x-path": r.path}
				paths[r.path] = path
			}
			path[strings.ToLower(r.method)] = map[string]any{"operationId": r.path, "parameters": []any{}}
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"swagger": "2.0", "host": q.host, "info": map[string]any{"version": "v1"}, "paths": paths})
}
