package quay_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// A default permission for what one user makes is told from one for everybody, and one of a team from one of a robot.
func TestPrototypesOfOthers(t *testing.T) {
	c, _ := serve(t, `{"prototypes":[
		{"id":"1","role":"write","activating_user":null,"delegate":{"name":"team-a+ci","kind":"user","is_robot":true}},
		{"id":"2","role":"read","activating_user":{"name":"jane"},"delegate":{"name":"readers","kind":"team"}}]}`)
	got, err := c.Prototypes(t.Context(), "team-a")
	want := []quay.Prototype{{ID: "1", Role: quay.Write, Delegate: "team-a+ci", Kind: "user"},
		{ID: "2", Role: quay.Read, Delegate: "readers", Kind: "team", ActivatingUser: "jane"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("default permissions (-want +got):\n%s%v", diff, err)
	}
}

// What Quay says of itself is read as it comes: with and without a v, without a version, with settings that are no switches.
func TestConfigAsItComes(t *testing.T) {
	for answer, want := range map[string]quay.Config{
		`{"version_number":"Quay 3.18.0","registry_state":"normal","features":{"A":true,"B":false},"config":{"X":"y"}}`: {
			Version: "3.18.0", State: "normal", Features: map[string]bool{"A": true, "B": false}, Settings: map[string]any{"X": "y"}},
		`{"version_number":"Quay v3.17.4","features":{"A":"yes","B":1,"C":null}}`: {Version: "3.17.4", Features: map[string]bool{}},
		`{"version_number":"3.16.5"}`: {Version: "3.16.5", Features: map[string]bool{}},
		`{}`:                          {Features: map[string]bool{}},
	} {
		c, _ := serve(t, answer)
		got, err := c.Config(t.Context())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s (-want +got):\n%s%v", answer, diff, err)
		}
	}
}

// Tags are asked for page by page, until one is older than what is wanted.
func TestTagsStopAtWhatIsOlder(t *testing.T) {
	since := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	asked := []string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := r.URL.Query().Get("page")
		asked = append(asked, page)
		tags := []map[string]any{}
		for i := range 100 {
			tag := map[string]any{"name": fmt.Sprint("p", page, "-", i), "manifest_digest": "sha256:x", "start_ts": since.Unix() + 1}
			if page == "3" && i > 4 {
				tag["start_ts"] = since.Unix() - int64(i)
			}
			if i == 0 {
				tag["end_ts"] = since.Unix() + 60
			}
			tags = append(tags, tag)
		}
		json.NewEncoder(w).Encode(map[string]any{"tags": tags, "has_additional": true})
	}))
	defer server.Close()
	c, err := quay.New(quay.Options{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	tags, err := c.Tags(t.Context(), "team-a/app", since)
	if err != nil || len(tags) != 205 || strings.Join(asked, " ") != "1 2 3" {
		t.Errorf("%d tags of pages %q, %v", len(tags), asked, err)
	}
	if !tags[0].End.Equal(since.Add(time.Minute)) || !tags[1].End.IsZero() || tags[204].Name != "p3-4" {
		t.Errorf("tags are %v, %v … %v", tags[0], tags[1], tags[204])
	}
}

// Only pushes of the robot in that very time count, whatever else the log of those days has.
func TestPushesOfThatTime(t *testing.T) {
	since := time.Date(2026, 11, 24, 10, 0, 0, 500, time.UTC)
	entry := func(kind, robot string, at time.Time) map[string]any {
		return map[string]any{"kind": kind, "ip": "10.0.0.1", "datetime": at.Format(time.RFC1123Z), "performer": map[string]any{"name": robot},
			"metadata": map[string]any{"namespace": "team-a", "repo": "app", "tag": fmt.Sprint(at.Unix())}}
	}
	until := since.Add(time.Hour)
	data, err := json.Marshal(map[string]any{"logs": []any{
		entry("push_repo", "team-a+ci", until.Add(time.Second)), entry("push_repo", "team-a+ci", until), entry("pull_repo", "team-a+ci", until),
		entry("push_repo", "team-a+ci-b", until), entry("push_repo", "team-a+ci", since), entry("push_repo", "team-a+ci", since.Add(-2*time.Second))}})
	if err != nil {
		t.Fatal(err)
	}
	c, _ := serve(t, string(data))
	pushes, err := c.Pushes(t.Context(), "team-a", "team-a+ci", since, until)
	want := []quay.Push{
		{Repository: "team-a/app", Tag: fmt.Sprint(until.Unix()), Time: until.Truncate(time.Second), Robot: "team-a+ci", IP: "10.0.0.1"},
		{Repository: "team-a/app", Tag: fmt.Sprint(since.Unix()), Time: since.Truncate(time.Second), Robot: "team-a+ci", IP: "10.0.0.1"}}
	if diff := cmp.Diff(want, pushes); diff != "" || err != nil {
		t.Errorf("pushes (-want +got):\n%s%v", diff, err)
	}
}

// One client serves many at once, each with its own answer.
func TestManyAtOnce(t *testing.T) {
	q, c := start(t)
	const n = 30
	for i := range n {
		q.AddRobot("team-a", fmt.Sprint("r", i))
	}
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			name := fmt.Sprint("team-a+r", i)
			robot, err := c.Robot(t.Context(), name)
			if err != nil || robot.Name != name || robot.Token.Reveal() != q.RobotToken(name) {
				t.Errorf("asked for %s, got %s: %v", name, robot.Name, err)
			}
			if _, err := c.RegenerateRobot(t.Context(), name); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := len(q.Requests()); got != 2*n {
		t.Errorf("%d requests", got)
	}
}

// Without another setting a client is below what Quay's nginx allows.
func TestRateWithoutASetting(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") }))
	defer server.Close()
	c, err := quay.New(quay.Options{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for range 41 {
		if _, err := c.Config(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took < 450*time.Millisecond {
		t.Errorf("41 requests in %s: half of 40 a second at once, then 25 ms for each", took)
	}
}

// Whatever a server answers, the error is short and has no token.
func FuzzErrors(f *testing.F) {
	const oauth, robot = "QQQQQQQQQQQQQQQQQQQQWWWWWWWWWWWWWWWWWWWW", "sixteen-letters-x"
	f.Add(400, `{"message":"x"}`)
	f.Add(403, `{"error":"CSRF token was invalid or missing. `+oauth+`"}`)
	f.Add(401, `{"errors":[{"code":"UNAUTHORIZED","message":"`+robot+`"}]}`)
	f.Add(502, "<html>"+oauth)
	f.Add(500, `{"error_message":"\u0051QQQQQQQQQQQQQQQQQQQWWWWWWWWWWWWWWWWWWWW"}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 300 || status > 599 {
			return
		}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}))
		defer server.Close()
		c, err := quay.New(quay.Options{URL: server.URL, Token: secret.New(oauth), Rate: 1e6, Pause: time.Nanosecond})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Rights(t.Context(), "team-a+ci", secret.New(robot))
		if err == nil || len(err.Error()) > 1000 || strings.Contains(err.Error(), oauth) || strings.Contains(err.Error(), robot) {
			t.Errorf("error is %v", err)
		}
	})
}
