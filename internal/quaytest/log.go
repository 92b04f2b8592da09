package quaytest

import (
	"maps"
	"net/http"
	"time"
)

// logEntry is one entry of the log of an organization.
type logEntry struct {
	org, kind string
	// performer is a robot or a user; a robot that was deleted is nobody, whoever has its name now.
	performer string
	metadata  map[string]any
	time      time.Time
}

// record adds an entry; the caller holds mu. It forgets the oldest half when there are too many.
func (q *Quay) record(org, kind, performer string, metadata map[string]any) {
	if len(q.logs) == maxRecords {
		q.logs = append([]logEntry{}, q.logs[maxRecords/2:]...)
	}
	q.logs = append(q.logs, logEntry{org: org, kind: kind, performer: performer, metadata: metadata, time: q.now()})
}

// record logs what the call did to the organization that its path names, or another one.
func (c apiCall) record(kind string, metadata map[string]any, org ...string) {
	if len(org) == 0 {
		org = c.args[:1]
	}
	metadata["oauth_token_id"], metadata["oauth_token_application_id"] = c.token.id, "QUAYTESTQUAYTESTQUAY"
	metadata["oauth_token_application"] = "quaytest"
	c.q.record(org[0], kind, c.token.user.name, metadata)
}

// record logs what the holder of the token did to the repository. A robot that
// was deleted since then fails here, when the thing is done.
func (c call) record(kind string, r *http.Request, metadata map[string]any) *registryError {
	c.q.mu.Lock()
	defer c.q.mu.Unlock()
	name := c.claims.Subject
	all := map[string]any{"repo": c.repo.short(), "namespace": c.repo.org, "user-agent": r.UserAgent(),
		"resolved_ip": map[string]any{"provider": "internet", "service": nil, "sync_token": "1645662201",
			"country_iso_code": nil, "aws_region": nil, "continent": nil}}
	maps.Copy(all, metadata)
	switch {
	case name == anonymousName:
		name = ""
	case c.q.robots[name] == nil:
		return errDeletedRobot
	default:
		all["username"], all["is_robot"] = name, true
	}
	c.q.record(c.repo.org, kind, name, all)
	return nil
}

// forget makes nobody of a robot that is deleted; the caller holds mu.
func (q *Quay) forget(robot string) {
	for i := range q.logs {
		if q.logs[i].performer == robot {
			q.logs[i].performer = ""
		}
	}
}
