package quaytest

import (
	"encoding/json"
	"net/http"
)

// registryError is an error of Quay's registry API, in the envelope of the OCI
// distribution specification (quay/quay:endpoints/v2/errors.py).
type registryError struct {
	status   int
	code     string
	message  string
	detail   any
	readOnly bool
	// challenge asks for a token; only a 401 has one.
	challenge string
	// crash is set for an exception that nobody caught.
	crash bool
	// plain is a body of the management API's kind, of the type mediaType, in place of an error's.
	plain     map[string]any
	mediaType string
}

func errUnauthorized(challenge string) *registryError {
	return &registryError{status: http.StatusUnauthorized, code: "UNAUTHORIZED",
		message: "access to the requested resource is not authorized", challenge: challenge}
}

func errLogin(challenge, message string) *registryError {
	return &registryError{status: http.StatusUnauthorized, code: "UNAUTHORIZED", message: message, challenge: challenge}
}

func errManifestInvalid(status int, message string) *registryError {
	e := &registryError{status: status, code: "MANIFEST_INVALID", message: "manifest invalid"}
	if message != "" {
		e.detail = map[string]string{"message": message}
	}
	return e
}

func errInvalidRequest(message string) *registryError {
	return &registryError{status: http.StatusBadRequest, code: "INVALID_REQUEST", message: message}
}

func errTagExpired(tag string) *registryError {
	return &registryError{status: http.StatusNotFound, code: "TAG_EXPIRED",
		message: "Tag " + tag + " was deleted or has expired. To pull, revive via time machine"}
}

func errTagImmutable(tag string) *registryError {
	return &registryError{status: http.StatusConflict, code: "TAG_IMMUTABLE", message: "tag is immutable and cannot be overwritten",
		detail: map[string]string{"message": "tag '" + tag + "' is immutable"}}
}

func errUploadInvalid(reason string) *registryError {
	e := &registryError{status: http.StatusBadRequest, code: "BLOB_UPLOAD_INVALID", message: "blob upload invalid"}
	if reason != "" {
		e.detail = map[string]string{"reason": reason}
	}
	return e
}

var (
	errBlobUnknown     = &registryError{status: http.StatusNotFound, code: "BLOB_UNKNOWN", message: "blob unknown to registry"}
	errUploadUnknown   = &registryError{status: http.StatusNotFound, code: "BLOB_UPLOAD_UNKNOWN", message: "blob upload unknown to registry"}
	errManifestUnknown = &registryError{status: http.StatusNotFound, code: "MANIFEST_UNKNOWN", message: "manifest unknown"}
	errNameUnknown     = &registryError{status: http.StatusNotFound, code: "NAME_UNKNOWN",
		message: "repository name not known to registry", detail: "repository not found"}
	errUnsupported = &registryError{status: http.StatusMethodNotAllowed, code: "UNSUPPORTED",
		message: "The operation is unsupported."}
	errQuota = &registryError{status: http.StatusForbidden, code: "DENIED",
		message: "Quota has been exceeded on namespace"}
	errRegistryCrash = &registryError{status: http.StatusInternalServerError, crash: true}
	// errDeletedRobot is what the data model says when the robot of a token is needed and gone.
	errDeletedRobot = &registryError{status: http.StatusBadRequest, mediaType: "application/json",
		plain: map[string]any{"message": "Could not find robot with specified username"}}
	errNoAnonymous = &registryError{status: http.StatusUnauthorized, mediaType: htmlType, plain: errAnonymous.body}
	errReadOnly    = &registryError{status: http.StatusMethodNotAllowed, code: "DENIED", readOnly: true,
		message: "System is currently read-only. Pulls will succeed but all write operations are currently suspended."}
	errPushesDisabled = &registryError{status: http.StatusMethodNotAllowed, code: "METHOD NOT ALLOWED",
		message: "Pushes to the registry are currently disabled. Please contact the administrator for more information."}
)

// write sends the error to a client.
func (e *registryError) write(w http.ResponseWriter) {
	if e.crash {
		errCrash.write(nil, w)
		return
	}
	if e.plain != nil {
		writeAs(w, e.status, e.mediaType, e.plain)
		return
	}
	if e.challenge != "" {
		setChallenge(w, e.challenge)
	}
	body := map[string]any{"code": e.code, "message": e.message, "detail": e.detail}
	if e.detail == nil {
		body["detail"] = map[string]any{}
	}
	if e.readOnly {
		body["is_readonly"] = true
	}
	writeJSON(w, e.status, map[string]any{"errors": []any{body}})
}

// setChallenge asks for a token.
func setChallenge(w http.ResponseWriter, challenge string) {
	w.Header().Set("WWW-Authenticate", challenge)
	w.Header().Set("Docker-Distribution-API-Version", "registry/2.0")
}

// writeIndex sends an OCI index.
func writeIndex(w http.ResponseWriter, index document) {
	w.Header().Set("Content-Type", ociIndex)
	w.WriteHeader(http.StatusOK)
	_ = json.NewEncoder(w).Encode(index)
}
