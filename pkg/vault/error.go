package vault

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/hashicorp/vault/api"

	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// The kinds of failure that somebody decides on; every error of a Client wraps one of them or none.
var (
	// ErrNotFound: there was never a version, or the one asked for is deleted or destroyed.
	ErrNotFound = errors.New("not found in Vault")
	// ErrPath: what was asked for could lead elsewhere, and nobody was asked.
	ErrPath = errors.New("not a path in Vault")
	// ErrContent: a value is not a text.
	ErrContent = errors.New("not a text")
	// ErrConflict: the secret has another version than the writer had read.
	ErrConflict = errors.New("somebody else wrote to Vault in between")
	// ErrDenied: the token is wrong or its policies do not allow it.
	ErrDenied = errors.New("denied by Vault")
	// ErrSealed: Vault is sealed, or not set up.
	ErrSealed = errors.New("sealed Vault")
	// ErrBusy: a quota of Vault is used up.
	ErrBusy = errors.New("too many requests for Vault")
	// ErrTLS: Vault was spoken to without TLS, and has it.
	ErrTLS = errors.New("no TLS to a Vault that has it")
	// ErrUnreachable: there was no answer.
	ErrUnreachable = errors.New("no answer from Vault")
)

// failure is an answer of Vault in few words, with its kind.
type failure struct {
	kind error
	text string
}

func (e *failure) Error() string {
	if e.kind == nil {
		return e.text
	}
	return e.kind.Error() + ": " + e.text
}

func (e *failure) Unwrap() error { return e.kind }

// conflictText is what KV v2 answers with 400 (hashicorp/vault-plugin-secrets-kv path_data.go).
const conflictText = "did not match the current version"

// maxErrors is how much of Vault's own words is told, in bytes.
const maxErrors = 1000

// wrap gives err its kind. What is not an answer of Vault stays as it is.
func wrap(err error) error {
	if errors.Is(err, api.ErrSecretNotFound) {
		return &failure{ErrNotFound, "no such secret"}
	}
	answer, lost, own := (*api.ResponseError)(nil), (*url.Error)(nil), (*failure)(nil)
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &lost):
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	case !errors.As(err, &answer):
		return err
	}
	said := strings.Join(answer.Errors, "; ")
	text := shown.Cut(hide(said, secret.Value{}), maxErrors)
	if answer.RawError {
		text = words(said, secret.Value{})
	}
	if text == "" {
		text = http.StatusText(answer.StatusCode)
	}
	e := &failure{text: answer.HTTPMethod + " " + answer.URL + ": " + text}
	switch {
	case answer.RawError && strings.Contains(text, tlsOnly):
		e.kind = ErrTLS
	case answer.StatusCode == http.StatusForbidden:
		e.kind = ErrDenied
	case answer.StatusCode == http.StatusServiceUnavailable && (strings.Contains(text, "sealed") || strings.Contains(text, "not initialized")):
		e.kind = ErrSealed
	case answer.StatusCode == http.StatusTooManyRequests:
		e.kind = ErrBusy
	case answer.StatusCode == http.StatusNotFound:
		e.kind = ErrNotFound
	case answer.StatusCode == http.StatusBadRequest && strings.Contains(text, conflictText):
		e.kind = ErrConflict
	}
	return e
}
