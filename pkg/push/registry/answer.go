package registry

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/strict"
)

// Answer is a response of the registry, read to its end.
type Answer struct {
	method string
	url    url.URL
	status int
	Header http.Header
	Body   []byte
	// secrets are those of the request: some servers echo what they were sent. They are looked for in what is told alone, which costs
	// more than most requests.
	secrets secrets
}

// maxTold is how much of an answer is looked at to tell what it says, in bytes: no error is longer, and a document of nothings takes many
// times its own size.
const maxTold = 64 << 10

// told is the body without the secrets, up to maxTold.
func (a *Answer) told() []byte {
	return []byte(a.secrets.hide(string(a.Body[:min(len(a.Body), maxTold)])))
}

// ok reports whether the status is one of the given ones.
func (a *Answer) ok(statuses ...int) bool {
	for _, status := range statuses {
		if a.status == status {
			return true
		}
	}
	return false
}

// Digest is the Docker-Content-Digest header.
func (a *Answer) Digest() string { return a.Header.Get("Docker-Content-Digest") }

// words are those of a page that stands in the place of an answer, quoted; "" for anything else, which may have a secret. What
// type a page comes with does not matter.
func (a *Answer) words() string {
	if !bytes.HasPrefix(bytes.TrimSpace(a.Body), []byte("<")) {
		return ""
	}
	return fmt.Sprintf(" %q", failure.Page(a.told(), a.secrets.hide))
}

// err reads the error that the answer holds.
func (a *Answer) err() *failure.Answer {
	e := &failure.Answer{Method: a.method, Path: a.url.Path, Status: a.status, Header: a.secrets.hideIn(a.Header)}
	body := a.told()
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
	if strict.Decode(body, &envelope, "not an error") != nil {
		e.Page = failure.Page(body, a.secrets.hide)
		return e
	}
	e.Message = cmp.Or(envelope.Error, envelope.Message)
	if len(envelope.Errors) > 0 {
		first := envelope.Errors[0]
		e.Code, e.Message = first.Code, first.Message
		var detail struct {
			Message string `json:"message"`
		}
		if strict.Decode(first.Detail, &detail, "not a detail") == nil && detail.Message != "" {
			e.Message += ": " + detail.Message
		}
	}
	if envelope.Errors == nil && e.Message == "" {
		e.Page = failure.Page(body, a.secrets.hide)
	}
	return e
}
