package quay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// ErrMore is what an error wraps where a log or a list has more entries than are read.
var ErrMore = errors.New("there is more than is read")

// Push is one push to a tag, as Quay's log has it. A push by digest alone leaves no entry
// (quay/quay endpoints/v2/manifest.py).
type Push struct {
	// Repository is "organization/name".
	Repository string    `json:"repository"`
	Tag        string    `json:"tag"`
	Time       time.Time `json:"time"`
	// Robot is the full name of who pushed, a robot or a user, IP the address it came from.
	Robot string `json:"robot"`
	IP    string `json:"ip"`
}

// logDate is how Quay takes a day; it takes no time of day (quay/quay endpoints/api/logs.py).
const logDate = "01/02/2006"

// logPage is a page of a log, the newest entry first.
type logPage struct {
	Logs []struct {
		Kind     string `json:"kind"`
		IP       string `json:"ip"`
		Time     Time   `json:"datetime"`
		Metadata struct {
			Namespace string `json:"namespace"`
			Repo      string `json:"repo"`
			Tag       string `json:"tag"`
			// Username is who it was, also where that was deleted and is no performer any more: what is in metadata is as it was
			// written (quay/quay data/logs_model/datatypes.py, to_dict).
			Username string `json:"username"`
		} `json:"metadata"`
		Performer named `json:"performer"`
	} `json:"logs"`
	NextPage string `json:"next_page"`
}

// Pushes lists what robot, which must exist, or where that is empty everybody, pushed in organization from since until until, the newest
// first. Quay answers 500 for a robot that does not exist. With an error it returns what was read before; one that wraps ErrMore says
// how far back that goes.
func (c *Client) Pushes(ctx context.Context, organization, robot string, since, until time.Time) ([]Push, error) {
	found, oldest := []Push{}, until
	query := url.Values{"starttime": {since.UTC().Format(logDate)}, "endtime": {until.UTC().Format(logDate)}}
	if robot != "" {
		query.Set("performer", robot)
	}
	for range maxPages {
		var page logPage
		if err := c.do(ctx, call{method: http.MethodGet, path: []string{"organization", organization, "logs"}, query: query, out: &page}); err != nil {
			return found, fmt.Errorf("reading the log of %q: %w", organization, err)
		}
		for _, e := range page.Logs {
			// The log has whole seconds, and whole days are what was asked for.
			if e.Time.Before(since.Truncate(time.Second)) {
				return found, nil
			}
			oldest = e.Time.Time
			// Every push leaves entries of pulls too.
			if e.Kind != "push_repo" || robot != "" && e.Performer.Name != robot || e.Time.After(until) {
				continue
			}
			found = append(found, Push{Repository: e.Metadata.Namespace + "/" + e.Metadata.Repo, Tag: e.Metadata.Tag,
				Time: e.Time.Time, Robot: cmp.Or(e.Performer.Name, e.Metadata.Username), IP: e.IP})
		}
		if page.NextPage == "" {
			return found, nil
		}
		query.Set("next_page", page.NextPage)
	}
	return found, fmt.Errorf("reading the log of %q: more than %d pages, what is before %s was not read: %w",
		organization, maxPages, oldest.UTC().Format(time.RFC3339), ErrMore)
}
