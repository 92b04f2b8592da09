package push

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/shown"
)

// answer is a response of the registry, read to its end.
type answer struct {
	method string
	url    url.URL
	status int
	header http.Header
	body   []byte
}

// ok reports whether the status is one of the given ones.
func (a *answer) ok(statuses ...int) bool {
	for _, status := range statuses {
		if a.status == status {
			return true
		}
	}
	return false
}

// digest is the Docker-Content-Digest header.
func (a *answer) digest() string { return a.header.Get("Docker-Content-Digest") }

// words are those of a page that stands in the place of an answer, quoted; "" for anything else, which may have a secret.
func (a *answer) words() string {
	mediaType, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	if mediaType != "text/html" || !bytes.HasPrefix(bytes.TrimSpace(a.body), []byte("<")) {
		return ""
	}
	return fmt.Sprintf(" %q", pageText(a.body))
}

// answerError is an answer other than the one that was needed.
type answerError struct {
	method, path string
	status       int
	// code and message are those of the first error in the OCI distribution spec's envelope, or in one of Quay's; empty if
	// there is none.
	code, message string
	// page is the words of a body that is no such envelope: something in front of the registry wrote it.
	page   string
	header http.Header
}

// err reads the error that the answer holds.
func (a *answer) err() *answerError {
	e := &answerError{method: a.method, path: a.url.Path, status: a.status, header: a.header}
	var envelope struct {
		Errors []struct {
			Code    string          `json:"code"`
			Message string          `json:"message"`
			Detail  json.RawMessage `json:"detail"`
		} `json:"errors"`
		// Error and Message are Quay's other envelopes (quay/quay util/http.py, abort; endpoints/v2/__init__.py).
		Error   string `json:"error"`
		Message string `json:"message"`
	}
	if decode(a.body, &envelope, "not an error") != nil {
		e.page = pageText(a.body)
		return e
	}
	e.message = cmp.Or(envelope.Error, envelope.Message)
	if len(envelope.Errors) > 0 {
		first := envelope.Errors[0]
		e.code, e.message = first.Code, first.Message
		var detail struct {
			Message string `json:"message"`
		}
		if decode(first.Detail, &detail, "not a detail") == nil && detail.Message != "" {
			e.message += ": " + detail.Message
		}
	}
	if envelope.Errors == nil && e.message == "" {
		e.page = pageText(a.body)
	}
	return e
}

// Error is the request and the answer in one line. The message is the server's own words, shortened and quoted; where they are
// no registry's, what the server says of itself goes along.
func (e *answerError) Error() string {
	text := fmt.Sprintf("%s %s: %d %s", e.method, e.path, e.status, http.StatusText(e.status))
	if e.code != "" {
		text += fmt.Sprintf(" %q", shorten(e.code))
	}
	if e.message != "" {
		text += fmt.Sprintf(" %q", shorten(e.message))
	}
	if e.page != "" {
		text += fmt.Sprintf(" %q (server %q, type %q)", e.page, shown.Cut(e.header.Get("Server"), 60), shown.Cut(e.header.Get("Content-Type"), 60))
	}
	return text
}

// foreign reports whether something other than a registry wrote the answer: it has words, and they are in no envelope.
func (e *answerError) foreign() bool { return e.page != "" }

// says reports whether the registry's code or message has the given words, in any case.
func (e *answerError) says(words string) bool {
	return strings.Contains(strings.ToLower(e.code+" "+e.message), strings.ToLower(words))
}

// shorten bounds what a registry can put into a log line.
func shorten(text string) string { return shown.Short(text) }
