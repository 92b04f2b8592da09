package quay

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/comptech-lab/quay-push/pkg/proxy"
	"github.com/comptech-lab/quay-push/pkg/retryafter"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// Error is an answer of Quay that is no success.
type Error struct {
	// Method and Path are the request.
	Method, Path string
	// Status is the HTTP status. Quay answers 400 where others say 404 or 409: ask IsNotFound and IsExists.
	Status int
	// Type is Quay's error_type, such as insufficient_scope; empty where the answer has none.
	Type string
	// Message is Quay's own text, shortened, with everything that looks like a token taken out.
	Message string
	// Scope is what the OAuth token needs for the request; empty where it needs none.
	Scope string

	// own says that the answer has the form of Quay's API, page that it has none that Quay answers in, login that it leads to one.
	own, page, login, readOnly bool
	retryAfter                 time.Duration
}

// Error is the request, the status and Quay's words in one line.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s %s: %d %s", e.Method, e.Path, e.Status, http.StatusText(e.Status))
	if e.Message != "" {
		text += fmt.Sprintf(" %q", e.Message)
	}
	return text
}

// says reports whether Quay's message has the words; those of a page are not Quay's.
func (e *Error) says(words string) bool { return !e.page && strings.Contains(e.Message, words) }

// csrf is what Quay says to a changing request whose OAuth token it does not know (quay/quay endpoints/csrf.py).
const csrf = "CSRF token was invalid or missing"

// IsNotFound reports whether err means that something does not exist. The data model of Quay answers 400 for that
// (quay/quay endpoints/decorated.py).
func IsNotFound(err error) bool {
	e := (*Error)(nil)
	return errors.As(err, &e) && (e.Status == http.StatusNotFound && e.own || e.Status == http.StatusBadRequest &&
		(e.says("Could not find robot") || e.says("does not have permission for repo") || e.says("No team ") ||
			e.says("is not a team in org") || e.says("does not belong to team")))
}

// IsExists reports whether err means that something exists already, which Quay answers with 400.
func IsExists(err error) bool {
	e := (*Error)(nil)
	return errors.As(err, &e) && e.Status == http.StatusBadRequest &&
		(e.says("Existing robot") || e.says("already exists") || e.says("already a member"))
}

// IsUnauthorized reports whether err means that the token is wrong or expired: 401 by Quay, or on a request that changes
// something 403 with a text about CSRF.
func IsUnauthorized(err error) bool {
	e := (*Error)(nil)
	return errors.As(err, &e) && (e.Status == http.StatusUnauthorized && !e.page || e.Status == http.StatusForbidden && e.says(csrf))
}

// IsForbidden reports whether err means that the token is good and does not suffice: its user does not administer the
// organization, or it lacks a scope. A page of something in front of Quay does not mean that.
func IsForbidden(err error) bool {
	e := (*Error)(nil)
	return errors.As(err, &e) && e.Status == http.StatusForbidden && !e.says(csrf) && !e.page
}

// IsUnreachable reports whether err means that there was no whole answer: no connection, one that broke, or no trust in its
// certificate.
func IsUnreachable(err error) bool {
	lost := (*transportError)(nil)
	return errors.As(err, &lost)
}

// IsUnsure reports whether err leaves open whether the request did what it asks: the answer got lost, or it is not one that says so.
func IsUnsure(err error) bool {
	unsure, e, lost, network := (*unsureError)(nil), (*Error)(nil), (*transportError)(nil), (*net.OpError)(nil)
	switch {
	case errors.As(err, &unsure):
		return true
	case errors.As(err, &e):
		return e.Status >= 500 && e.Status != http.StatusNotImplemented && e.Status != http.StatusServiceUnavailable
	case errors.As(err, &lost):
		connecting := errors.As(err, &network) && (network.Op == "dial" || network.Op == "proxyconnect")
		return !connecting && !IsUntrusted(err) && !errors.As(err, new(*proxy.Refusal))
	}
	return false
}

// IsUntrusted reports whether err means that the certificate of whoever answers is not trusted, or that there is none.
func IsUntrusted(err error) bool {
	certificate := (*tls.CertificateVerificationError)(nil)
	return errors.As(err, &certificate) || errors.Is(err, http.ErrSchemeMismatch)
}

// IsRobotUnknown reports whether the token service does not know the robot, in contrast to its token.
func IsRobotUnknown(err error) bool {
	e := (*Error)(nil)
	return errors.As(err, &e) && e.says("Could not find robot with specified username")
}

// newError reads what Quay says in one of its envelopes (quay/quay endpoints/exception.py, endpoints/decorated.py,
// util/http.py, endpoints/v2/errors.py).
func newError(r call, path string, response *http.Response, body []byte, token secret.Value) *Error {
	e := &Error{Method: r.method, Path: path, Status: response.StatusCode, Scope: r.scope, retryAfter: retryafter.Read(response.Header, time.Now())}
	if to, err := response.Location(); err == nil && e.Status/100 == 3 {
		// What is behind the path may hold a secret.
		e.Message = shown.Short(redact((&url.URL{Scheme: to.Scheme, Host: to.Host, Path: to.Path}).String(), token, r.authorization))
		e.login = toLogin(e.Status, path, to)
		return e
	}
	var envelope struct {
		ErrorMessage string `json:"error_message"`
		Message      string `json:"message"`
		Error        string `json:"error"`
		Detail       string `json:"detail"`
		ErrorType    string `json:"error_type"`
		ReadOnly     bool   `json:"is_readonly"`
		Errors       []struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"errors"`
	}
	// A body that is no envelope is a page, such as one of nginx.
	_ = json.Unmarshal(body, &envelope)
	e.Type, e.readOnly = envelope.ErrorType, envelope.ReadOnly
	e.own = e.Type != "" || envelope.ErrorMessage != "" || len(envelope.Errors) > 0
	texts := []string{envelope.ErrorMessage, envelope.Message, envelope.Error, envelope.Detail}
	if len(envelope.Errors) > 0 {
		e.Type = envelope.Errors[0].Code
		texts = append(texts, envelope.Errors[0].Message)
	}
	for _, text := range texts {
		if text != "" {
			e.Message = shown.Short(redact(text, token, r.authorization))
			return e
		}
	}
	if e.page = len(bytes.TrimSpace(body)) > 0; e.page {
		e.Message = pageText(body, token, r.authorization)
	}
	return e
}

// tokenPattern is the form of the tokens that Quay makes: 64 characters for a robot, 40 for an application, and JWTs.
var tokenPattern = regexp.MustCompile(`[A-Z0-9]{40,}|eyJ[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*`)

// redact takes out the secrets of the request, and whatever has the form of a token.
func redact(text string, secrets ...secret.Value) string {
	for _, s := range secrets {
		text = s.Redact(text)
	}
	return tokenPattern.ReplaceAllString(text, "(secret)")
}

// transportError is a request that got no whole answer.
type transportError struct {
	method, path string
	err          error
}

func (e *transportError) Error() string { return e.method + " " + e.path + ": " + e.err.Error() }

func (e *transportError) Unwrap() error { return e.err }

// unsureError is an error after which the request may have done what it asks, whatever the error itself says.
type unsureError struct{ error }

func (e *unsureError) Unwrap() error { return e.error }
