package quaytest

import (
	"encoding/base64"
	"net/http"
	"strings"
	"unicode/utf8"
)

// exchangePath is where a robot gets a token of Quay's for one of an issuer that it trusts.
const exchangePath = "/oauth2/federation/robot/token"

// serveExchange answers as quay/quay:endpoints/oauth/robot_identity_federation.py does.
func (q *Quay) serveExchange(w http.ResponseWriter, r *http.Request) {
	if q.isOlder() {
		writeNotFound(w)
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		writeText(w, http.StatusOK, htmlType, "")
		return
	default:
		writeNoMethod(w, "GET, HEAD, OPTIONS")
		return
	}
	name, token, problem := federatedLogin(r.Header.Get("Authorization"))
	if problem != "" {
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": problem})
		return
	}
	if err := q.checkFederated(r.Context(), name, token); err != nil {
		err.write(q, w)
		return
	}
	journalEntry(r).setRobot(name)
	issued, err := q.signer.sign(q.claims(identity{name: name}, q.host, []access{}))
	if err != nil {
		errCrash.write(q, w)
		return
	}
	q.renew(issued)
	writeJSON(w, http.StatusOK, map[string]string{"token": issued})
}

// federatedLogin reads a header (quay/quay:auth/basic.py, _parse_basic_auth_header); problem says why it is none of a robot.
func federatedLogin(header string) (name, token, problem string) {
	parts := strings.Fields(header)
	if len(parts) == 0 {
		return "", "", "No auth header"
	}
	if !strings.EqualFold(parts[0], "basic") || len(parts) != 2 {
		return "", "", "Invalid basic auth header"
	}
	decoded, err := base64.StdEncoding.DecodeString(parts[1])
	if err != nil || !utf8.Valid(decoded) {
		return "", "", "Could not parse basic auth header"
	}
	name, token, ok := strings.Cut(string(decoded), ":")
	if !ok {
		return "", "", "Unexpected number of credentials found in basic auth header"
	}
	if !isRobot(name) {
		return "", "", "Invalid robot"
	}
	return name, token, ""
}
