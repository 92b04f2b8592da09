package quaytest

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Request is one request that a client made. It has no header, and a body only
// where none carries a credential.
type Request struct {
	Method string
	Path   string
	// Query has the parameters that the registry API knows; others are left out.
	Query url.Values
	// Status is the HTTP status of the answer; 0 when there was none.
	Status int
	// Proto is HTTP/1.1 or HTTP/2.0.
	Proto string
	// Robot is the full name of the robot whose credential or token was good, else "".
	Robot string
	// Bytes is how much of the body was read.
	Bytes int64
	// Body is the JSON that went to the management API; no call of it takes a credential.
	Body string
	// Fault is the name of the fault that was played, if any.
	Fault string
	// Arrived is when it came, by the machine's clock: Advance does not move it.
	Arrived time.Time
}

// maxRecords bounds the memory of a Quay that runs as a program.
const maxRecords = 20_000

// journal is the list of requests in the order in which they arrived, without
// the oldest ones when there are too many.
type journal struct {
	mu      sync.Mutex
	records []*record
}

// record is what is kept of one request.
type record struct {
	request Request
	bytes   atomic.Int64
}

// entry is one request in progress; it stands in for the ResponseWriter.
type entry struct {
	http.ResponseWriter
	journal *journal
	record  *record
	body    *requestBody
}

type entryKey struct{}

// known are the query parameters of the registry API and the token service, knownAPI those of the management API.
var (
	known    = []string{"service", "scope", "account", "client_id", "digest", "mount", "from", "n", "last", "artifactType"}
	knownAPI = []string{"permissions", "limit", "namespace", "public", "last_modified", "next_page", "performer",
		"starttime", "endtime", "page", "onlyActiveTags", "specificTag"}
)

// keeps reports whether a query parameter is written down: one that nobody knows may be a credential in the wrong place.
func keeps(path, name string, values []string) bool {
	if !strings.HasPrefix(path, apiPrefix) {
		return slices.Contains(known, name)
	}
	return slices.Contains(knownAPI, name) || name == "token" && (values[0] == "true" || values[0] == "false")
}

// open adds an entry for r, whose body it counts.
func (j *journal) open(w http.ResponseWriter, r *http.Request) *entry {
	query := url.Values{}
	for name, values := range r.URL.Query() {
		if keeps(r.URL.Path, name, values) {
			query[name] = values
		}
	}
	kept := &record{request: Request{Method: r.Method, Path: r.URL.Path, Query: query, Proto: r.Proto, Arrived: time.Now()}}
	body := &requestBody{ReadCloser: r.Body, n: &kept.bytes}
	r.Body = body
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.records) == maxRecords {
		j.records = slices.Delete(j.records, 0, maxRecords/2)
	}
	j.records = append(j.records, kept)
	return &entry{ResponseWriter: w, journal: j, record: kept, body: body}
}

// Requests returns the requests so far in the order in which they arrived, those
// in progress included. A Quay that had more than 20000 has forgotten the oldest.
func (q *Quay) Requests() []Request {
	q.journal.mu.Lock()
	defer q.journal.mu.Unlock()
	requests := make([]Request, len(q.journal.records))
	for i, kept := range q.journal.records {
		requests[i] = kept.request
		requests[i].Bytes = kept.bytes.Load()
	}
	return requests
}

// ForgetRequests empties the list of requests.
func (q *Quay) ForgetRequests() {
	q.journal.mu.Lock()
	defer q.journal.mu.Unlock()
	q.journal.records = nil
}

// context carries the entry to the handlers.
func (e *entry) context(parent context.Context) context.Context {
	return context.WithValue(parent, entryKey{}, e)
}

// journalEntry is the entry of r.
func journalEntry(r *http.Request) *entry { return r.Context().Value(entryKey{}).(*entry) }

func (e *entry) setRobot(name string) {
	e.edit(func(r *Request) { r.Robot = name })
}

func (e *entry) setFault(name string) {
	e.edit(func(r *Request) { r.Fault = name })
}

func (e *entry) setBody(body string) {
	e.edit(func(r *Request) { r.Body = body })
}

func (e *entry) edit(change func(*Request)) {
	e.journal.mu.Lock()
	defer e.journal.mu.Unlock()
	change(&e.record.request)
}

// WriteHeader notes the status that goes out.
func (e *entry) WriteHeader(status int) {
	e.edit(func(r *Request) {
		if r.Status == 0 {
			r.Status = status
		}
	})
	e.ResponseWriter.WriteHeader(status)
}

// Write notes the status 200 of an answer that never set one.
func (e *entry) Write(p []byte) (int, error) {
	e.edit(func(r *Request) {
		if r.Status == 0 {
			r.Status = http.StatusOK
		}
	})
	return e.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the server's own writer.
func (e *entry) Unwrap() http.ResponseWriter { return e.ResponseWriter }
