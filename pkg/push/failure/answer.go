package failure

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/shown"
)

// Answer is an answer other than the one that was needed.
type Answer struct {
	Method, Path string
	Status       int
	// Code and message are those of the first error in the OCI distribution spec's envelope, or in one of Quay's; empty if
	// there is none.
	Code, Message string
	// Page is the words of a body that is no such envelope: something in front of the registry wrote it.
	Page   string
	Header http.Header
}

// Error is the request and the answer in one line. The message is the server's own words, shortened and quoted; where they are
// no registry's, what the server says of itself goes along.
func (e *Answer) Error() string {
	text := fmt.Sprintf("%s %s: %d %s", e.Method, e.Path, e.Status, http.StatusText(e.Status))
	if e.Code != "" {
		text += fmt.Sprintf(" %q", Shorten(e.Code))
	}
	if e.Message != "" {
		text += fmt.Sprintf(" %q", Shorten(e.Message))
	}
	if server := e.Header.Get("Server"); e.wordless() && server != "" {
		text += fmt.Sprintf(" without a word (server %q)", shown.Cut(server, 60))
	}
	if e.Page != "" {
		text += fmt.Sprintf(" %q (server %q, type %q)", e.Page, shown.Cut(e.Header.Get("Server"), 60), shown.Cut(e.Header.Get("Content-Type"), 60))
	}
	return text
}

// wordless reports whether nobody says why: a registry does (OCI distribution spec v1.1, "Error Codes").
func (e *Answer) wordless() bool { return e.Code == "" && e.Message == "" && e.Page == "" }

// Foreign reports whether something other than a registry wrote the answer: it has words, and they are in no envelope.
func (e *Answer) Foreign() bool { return e.Page != "" }

// says reports whether the registry's code or message has the given words, in any case.
func (e *Answer) says(words string) bool {
	return strings.Contains(strings.ToLower(e.Code+" "+e.Message), strings.ToLower(words))
}

// MissesBlob reports whether the answer to a manifest is that a blob of it is not there (OCI distribution spec v1.1, "Error
// Codes"): 404 as the spec has it, 400 as some registries do.
func (e *Answer) MissesBlob() bool {
	return (e.Code == "MANIFEST_BLOB_UNKNOWN" || e.Code == "BLOB_UNKNOWN") && (e.Status == http.StatusBadRequest || e.Status == http.StatusNotFound)
}
