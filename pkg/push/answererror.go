package push

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/shown"
)

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
	if server := e.header.Get("Server"); e.wordless() && server != "" {
		text += fmt.Sprintf(" without a word (server %q)", shown.Cut(server, 60))
	}
	if e.page != "" {
		text += fmt.Sprintf(" %q (server %q, type %q)", e.page, shown.Cut(e.header.Get("Server"), 60), shown.Cut(e.header.Get("Content-Type"), 60))
	}
	return text
}

// wordless reports whether nobody says why: a registry does (OCI distribution spec v1.1, "Error Codes").
func (e *answerError) wordless() bool { return e.code == "" && e.message == "" && e.page == "" }

// foreign reports whether something other than a registry wrote the answer: it has words, and they are in no envelope.
func (e *answerError) foreign() bool { return e.page != "" }

// says reports whether the registry's code or message has the given words, in any case.
func (e *answerError) says(words string) bool {
	return strings.Contains(strings.ToLower(e.code+" "+e.message), strings.ToLower(words))
}

// missesBlob reports whether the answer to a manifest is that a blob of it is not there (OCI distribution spec v1.1, "Error
// Codes"): 404 as the spec has it, 400 as some registries do.
func (e *answerError) missesBlob() bool {
	return (e.code == "MANIFEST_BLOB_UNKNOWN" || e.code == "BLOB_UNKNOWN") && (e.status == http.StatusBadRequest || e.status == http.StatusNotFound)
}
