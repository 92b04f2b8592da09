package server

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// auditPolicy has the API server log each request of the program under test when it is answered, and nobody else's.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted, Panic]
rules:
  - level: Metadata
    users: ["` + Controller + `"]
  - level: None
`

// Call is one kind of request.
type Call struct {
	// Verb is Kubernetes', Resource a plural, with the subresource after a slash.
	Verb, Resource string
}

// Calls counts the requests of the program under test.
type Calls map[Call]int

// Calls returns what the program has asked for since the server started.
func (s *Server) Calls() (Calls, error) {
	file, err := os.Open(s.path("audit.log"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readCalls(file)
}

// readCalls counts the entries of an audit log. Its last line may be half written.
func readCalls(r io.Reader) (Calls, error) {
	calls := Calls{}
	for lines := bufio.NewReader(r); ; {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return calls, nil
		} else if err != nil {
			return nil, err
		}
		var entry struct {
			Verb      string
			ObjectRef struct{ Resource, Subresource string }
		}
		if err := json.Unmarshal(line, &entry); err != nil {
			return nil, fmt.Errorf("reading the audit log: %w", err)
		}
		resource := entry.ObjectRef.Resource
		if entry.ObjectRef.Subresource != "" {
			resource += "/" + entry.ObjectRef.Subresource
		}
		calls[Call{entry.Verb, resource}]++
	}
}

// perRun are the resources that a run costs requests for. Leases, ConfigMaps and watches are the program's own.
var perRun = map[string]bool{
	"customruns": true, "customruns/status": true, "customruns/finalizers": true,
	"taskruns": true, "pipelineruns": true, "secrets": true, "externalsecrets": true,
}

// Minus returns the calls that came after before.
func (c Calls) Minus(before Calls) Calls {
	rest := Calls{}
	for call, n := range c {
		if n > before[call] {
			rest[call] = n - before[call]
		}
	}
	return rest
}

// Count returns how many of the calls write to what a run consists of, how many read it, and how many write events.
func (c Calls) Count() (writes, reads, events int) {
	for call, n := range c {
		switch {
		case call.Resource == "events":
			events += n
		case !perRun[call.Resource] || call.Verb == "watch" || call.Verb == "list":
		case call.Verb == "get":
			reads += n
		default:
			writes += n
		}
	}
	return writes, reads, events
}
