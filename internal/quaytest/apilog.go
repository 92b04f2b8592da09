package quaytest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// logRoutes are quay/quay:endpoints/api/logs.py.
var logRoutes = []apiRoute{route("GET", "organization/{}/logs", orgAdmin, apiCall.listLogs)}

// logPageSize is how many entries a page of the log has.
const logPageSize = 20

// listLogs answers whole days, the newest entry first: a time of day is not
// taken. It crashes on a performer who does not exist. The last page of any
// entries names a next one, which is empty: Quay has two older tables to look into.
func (c apiCall) listLogs() (int, any, *apiError) {
	now, performer := c.q.now().UTC(), c.query("performer")
	start, end := day(c.query("starttime"), now.AddDate(0, 0, -1)), day(c.query("endtime"), now).AddDate(0, 0, 1)
	switch {
	case end.Before(start):
		return 0, nil, errBadRequest
	case performer != "" && !c.q.exists(performer):
		return 0, nil, errCrash
	}
	found := []any{}
	for i := len(c.q.logs) - 1; i >= 0; i-- {
		e := c.q.logs[i]
		if e.org == c.args[0] && !e.time.Before(start) && !e.time.After(end) && (performer == "" || performer == e.performer) {
			found = append(found, e.view())
		}
	}
	from, _ := strconv.Atoi(strings.TrimPrefix(c.query("next_page"), "log-"))
	found = found[min(max(from, 0), len(found)):]
	answer := map[string]any{"start_time": date(start), "end_time": date(end)}
	found = found[:min(logPageSize, len(found))]
	if len(found) > 0 {
		answer["next_page"] = "log-" + strconv.Itoa(max(from, 0)+len(found))
	}
	answer["logs"] = found
	return http.StatusOK, answer, nil
}

func (e logEntry) view() map[string]any {
	v := map[string]any{"kind": e.kind, "metadata": e.metadata, "ip": "127.0.0.1", "datetime": date(e.time)}
	if e.performer != "" {
		v["performer"] = map[string]any{"kind": "user", "name": e.performer, "is_robot": isRobot(e.performer)}
	}
	return v
}

// day reads a date as 11/24/2026; any other text means instead.
func day(text string, instead time.Time) time.Time {
	if t, err := time.Parse("01/02/2006", text); err == nil {
		return t
	}
	return instead
}
