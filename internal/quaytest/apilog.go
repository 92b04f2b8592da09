package quaytest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// logRoutes are quay/quay:endpoints/api/logs.py.
var logRoutes = []apiRoute{route("GET", "organization/{}/logs", OrgAdmin, apiCall.listLogs)}

// logPageSize is how many entries a page of the log has.
const logPageSize = 20

// logEntry is one entry of the log of an organization.
type logEntry struct {
	org, kind, performer string
	metadata             map[string]any
	time                 time.Time
}

// log adds an entry; the caller does not hold mu.
func (q *Quay) log(org, kind, performer string, metadata map[string]any) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.record(org, kind, performer, metadata)
}

// record adds an entry; the caller holds mu. It forgets the oldest half when there are too many.
func (q *Quay) record(org, kind, performer string, metadata map[string]any) {
	if len(q.logs) == maxRecords {
		q.logs = append([]logEntry{}, q.logs[maxRecords/2:]...)
	}
	q.logs = append(q.logs, logEntry{org: org, kind: kind, performer: performer, metadata: metadata, time: q.now()})
}

// listLogs answers whole days, the newest entry first: a time of day is not taken.
func (c apiCall) listLogs() (int, any, *apiError) {
	now := c.q.now().UTC()
	start, end := day(c.query("starttime"), now.AddDate(0, 0, -1)), day(c.query("endtime"), now).AddDate(0, 0, 1)
	if end.Before(start) {
		return 0, nil, &apiError{status: http.StatusBadRequest, body: map[string]any{"message": "Bad Request"}}
	}
	found := []any{}
	for i := len(c.q.logs) - 1; i >= 0; i-- {
		e := c.q.logs[i]
		if e.org != c.args[0] || e.time.Before(start) || !e.time.Before(end) ||
			c.query("performer") != "" && c.query("performer") != e.performer {
			continue
		}
		v := map[string]any{"kind": e.kind, "metadata": e.metadata, "ip": "127.0.0.1", "datetime": date(e.time)}
		if e.performer != "" {
			v["performer"] = map[string]any{"kind": "user", "name": e.performer, "is_robot": strings.Contains(e.performer, "+")}
		}
		found = append(found, v)
	}
	from, _ := strconv.Atoi(strings.TrimPrefix(c.query("next_page"), "log-"))
	found = found[min(max(from, 0), len(found)):]
	answer := map[string]any{"start_time": date(start), "end_time": date(end)}
	if len(found) > logPageSize {
		answer["next_page"] = "log-" + strconv.Itoa(from+logPageSize)
		found = found[:logPageSize]
	}
	answer["logs"] = found
	return http.StatusOK, answer, nil
}

// day reads a date as 11/24/2026; any other text means instead.
func day(text string, instead time.Time) time.Time {
	if t, err := time.Parse("01/02/2006", text); err == nil {
		return t
	}
	return instead
}
