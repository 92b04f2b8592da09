package quay_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// serve returns a client of a server that answers everything in one way, and how many requests that got.
func serve(t *testing.T, answer string) (*quay.Client, *atomic.Int64) {
	t.Helper()
	count := new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		count.Add(1)
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(server.Close)
	c, err := quay.New(quay.Options{URL: server.URL, Rate: 1e6})
	if err != nil {
		t.Fatal(err)
	}
	if got := "http://" + c.Host(); got != server.URL {
		t.Errorf("host is %q, URL %q", c.Host(), server.URL)
	}
	return c, count
}

// A list whose pages never end is given up.
func TestPagesHaveAnEnd(t *testing.T) {
	now := time.Now()
	for answer, call := range map[string]func(context.Context, *quay.Client) error{
		`{"repositories":[],"next_page":"again"}`: func(ctx context.Context, c *quay.Client) error { _, err := c.Repositories(ctx, "team-a"); return err },
		`{"logs":[],"next_page":"again"}`: func(ctx context.Context, c *quay.Client) error {
			_, err := c.Pushes(ctx, "team-a", "team-a+ci", now, now)
			return err
		},
		`{"tags":[],"has_additional":true}`: func(ctx context.Context, c *quay.Client) error { _, err := c.Tags(ctx, "team-a/app", now); return err },
	} {
		c, count := serve(t, answer)
		if err := call(t.Context(), c); err == nil || !strings.Contains(err.Error(), "more than 1000 pages") || count.Load() != 1000 {
			t.Errorf("%s: %v after %d requests", answer, err, count.Load())
		}
	}
}

// With the error of a list that is too long, or that broke off, comes what was read: half of it is better than nothing.
func TestPartOfAListIsReturned(t *testing.T) {
	now := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	push := `{"kind":"%s","datetime":"Tue, 24 Nov 2026 09:00:00 -0000","performer":%s,"metadata":{"namespace":"team-a","repo":"app","tag":"v1"}}`
	ours, pull, nobodys := fmt.Sprintf(push, "push_repo", `{"name":"team-a+ci"}`), fmt.Sprintf(push, "pull_repo", `{"name":"team-a+ci"}`), fmt.Sprintf(push, "push_repo", "null")
	c, _ := serve(t, `{"logs":[`+ours+`,`+pull+`,`+nobodys+`],"next_page":"again"}`)
	pushes, err := c.Pushes(t.Context(), "team-a", "team-a+ci", now.Add(-2*time.Hour), now)
	if !errors.Is(err, quay.ErrMore) || !strings.Contains(err.Error(), "what is before 2026-11-24T09:00:00Z was not read") || len(pushes) != 1000 {
		t.Errorf("%d pushes, %v", len(pushes), err)
	}
	// Older than what was asked for is the end, whatever comes behind it.
	pushes, err = c.Pushes(t.Context(), "team-a", "team-a+ci", now.Add(-time.Minute), now)
	if err != nil || len(pushes) != 0 {
		t.Errorf("%d pushes, %v", len(pushes), err)
	}
	c, _ = serve(t, `{"tags":[{"name":"v1","start_ts":1795514400}],"has_additional":true}`)
	if tags, err := c.Tags(t.Context(), "team-a/app", time.Time{}); !errors.Is(err, quay.ErrMore) || len(tags) != 1000 {
		t.Errorf("%d tags, %v", len(tags), err)
	}
}

// What the token service answers is read with care, and never printed.
func TestRightsOfAStrangeToken(t *testing.T) {
	encode := func(claims string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
	}
	for answer, want := range map[string]string{
		`{"token":"opaque-SECRET"}`:         "is not a JWT",
		`{"token":"e30.SECRET!.c2ln"}`:      "has no payload",
		`{"token":"` + encode(`"x"`) + `"}`: "has no claims",
		`{}`:                                "is not a JWT",
	} {
		c, _ := serve(t, answer)
		_, err := c.Rights(t.Context(), "team-a+ci", secret.New("T"), "team-a/app")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v, want %q", answer, err, want)
		}
	}
	for claims, push := range map[string]bool{
		`{"access":[{"type":"repository","name":"team-a/app","actions":["pull","push"]}]}`:                                                       true,
		`{"access":[{"type":"repository","name":"team-a/app","actions":["*"]}]}`:                                                                 true,
		`{"access":[{"type":"repository","name":"team-a/app","actions":["pull"]}]}`:                                                              false,
		`{"access":[{"type":"registry","name":"team-a/app","actions":["push"]}]}`:                                                                false,
		`{"access":[{"type":"repository","name":"team-a/app2","actions":["push"]}]}`:                                                             false,
		`{"access":[{"type":"repository","name":"team-a/app","actions":["pull"]},{"type":"repository","name":"team-a/app","actions":["push"]}]}`: true,
		`{"access":null}`: false,
	} {
		c, _ := serve(t, `{"token":"`+encode(claims)+`"}`)
		rights, err := c.Rights(t.Context(), "team-a+ci", secret.New("T"), "team-a/app")
		if err != nil || rights.Push("team-a/app") != push || len(rights) != 1 {
			t.Errorf("%s: rights are %v, %v", claims, rights, err)
		}
	}
}

// No more than the rate is asked for, from the first request on.
func TestRateIsKept(t *testing.T) {
	const perSecond, calls = 100, 90
	count := new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { count.Add(1); fmt.Fprint(w, "{}") }))
	defer server.Close()
	c, err := quay.New(quay.Options{URL: server.URL, Rate: perSecond})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for range calls {
		if _, err := c.Config(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if took, least := time.Since(began), time.Second*(calls-1)/perSecond; took < least || count.Load() != calls {
		t.Errorf("%d requests in %s, want at least %s", count.Load(), took, least)
	}
	// A context that ends while it waits is told, and nothing is sent.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Config(ctx); err == nil || !strings.Contains(err.Error(), "waiting to ask Quay") || count.Load() != calls {
		t.Errorf("error is %v after %d requests", err, count.Load())
	}
}

// Quay writes its time without a zone's name, and null for none; what is neither is an error that names no robot's token.
func TestTimes(t *testing.T) {
	const robot = `{"name":"team-a+ci","token":"T","created":%s,"last_accessed":null}`
	c, _ := serve(t, fmt.Sprintf(robot, `"Tue, 24 Nov 2026 10:00:00 -0000"`))
	found, err := c.Robot(t.Context(), "team-a+ci")
	if err != nil || !found.Created.Equal(time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)) || !found.LastAccessed.IsZero() {
		t.Errorf("robot is %v, %v", found, err)
	}
	c, _ = serve(t, fmt.Sprintf(robot, `"yesterday"`))
	if _, err := c.Robot(t.Context(), "team-a+ci"); err == nil || !strings.Contains(err.Error(), "not what Quay's API answers") {
		t.Errorf("error is %v", err)
	}
}
