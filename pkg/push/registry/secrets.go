package registry

import (
	"errors"
	"net/http"

	"github.com/comptech-lab/quay-push/pkg/proxy"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// secrets are what a server was sent and may echo.
type secrets []secret.Value

// secrets returns those of a request with authorization, which may be zero.
func (r *Registry) secrets(authorization secret.Value) secrets {
	if r.Credential == nil {
		return secrets{authorization}
	}
	return append(r.Credential.Secrets(), authorization)
}

// hide takes the secrets out of what a server said.
func (s secrets) hide(text string) string {
	for _, value := range s {
		text = value.Redact(text)
	}
	return text
}

// hideIn takes them out of the headers that are told of an answer.
func (s secrets) hideIn(header http.Header) http.Header {
	header = header.Clone()
	for _, name := range []string{"Server", "Content-Type"} {
		if value := header.Get(name); value != "" {
			header.Set(name, s.hide(value))
		}
	}
	return header
}

// hideError is err without them: net/http quotes what is no answer. A proxy's refusal is in our own words.
func (s secrets) hideError(err error) error {
	if errors.As(err, new(*proxy.Refusal)) {
		return err
	}
	if text := s.hide(err.Error()); text != err.Error() {
		return &hiddenError{text, err}
	}
	return err
}

// hiddenError is an error with another text.
type hiddenError struct {
	text string
	err  error
}

func (e *hiddenError) Error() string { return e.text }

func (e *hiddenError) Unwrap() error { return e.err }
