package quay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// everything are the scopes of a platform team's token.
var everything = []quaytest.Scope{quaytest.OrgAdmin, quaytest.RepoAdmin, quaytest.RepoRead, quaytest.UserAdmin}

// start serves a Quay with the organization team-a, its robot ci and the repository app, and returns a client of it.
func start(t *testing.T) (*quaytest.Quay, *quay.Client) {
	t.Helper()
	q := quaytest.Start(t)
	q.AddOrganization("team-a")
	q.AddRepository("team-a", "app")
	q.AddRobot("team-a", "ci")
	return q, connect(t, q, q.AddOAuthToken(everything))
}

// connect returns a client with an OAuth token that does not wait long.
func connect(t *testing.T, q *quaytest.Quay, token string) *quay.Client {
	t.Helper()
	c, err := quay.New(quay.Options{URL: q.URL(), Token: secret.New(token), HTTPClient: q.Client(), Rate: 1e6, Pause: time.Microsecond})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sent are the requests since the last time, each as "METHOD path?query body".
func sent(q *quaytest.Quay) []string {
	lines := []string{}
	for _, r := range q.Requests() {
		line := r.Method + " " + r.Path
		if len(r.Query) > 0 {
			line += "?" + r.Query.Encode()
		}
		lines = append(lines, strings.TrimSpace(line+" "+r.Body))
	}
	q.ForgetRequests()
	return lines
}

// exchange is one call of the client, what it returns, and every request that it sends.
type exchange struct {
	call func(ctx context.Context, c *quay.Client) (any, error)
	want any
	sent []string
}

// play runs exchanges in order against q.
func play(t *testing.T, q *quaytest.Quay, c *quay.Client, exchanges []exchange) {
	t.Helper()
	q.ForgetRequests()
	for i, e := range exchanges {
		got, err := e.call(t.Context(), c)
		requests := sent(q)
		if diff := cmp.Diff(e.sent, requests); diff != "" {
			t.Errorf("call %d: requests (-want +got):\n%s", i, diff)
		}
		if err != nil {
			t.Errorf("call %d, %s: %v", i, requests, err)
		} else if diff := cmp.Diff(e.want, got); diff != "" {
			t.Errorf("call %d, %s: answer (-want +got):\n%s", i, requests, diff)
		}
	}
}

// only is a call that returns no more than an error.
func only(call func(ctx context.Context, c *quay.Client) error) func(context.Context, *quay.Client) (any, error) {
	return func(ctx context.Context, c *quay.Client) (any, error) { return nil, call(ctx, c) }
}

func TestNewRefusesWhatIsNoQuay(t *testing.T) {
	for _, url := range []string{"", "quay.example.com", "ftp://quay.example.com", "https://", "https://quay.example.com/quay", "https://me:pw@quay.example.com"} {
		if _, err := quay.New(quay.Options{URL: url}); err == nil || !strings.Contains(err.Error(), "is not https://host") {
			t.Errorf("URL %q: error is %v", url, err)
		}
	}
	withNewline := "SECRET1 \n"
	if _, err := quay.New(quay.Options{URL: "https://quay.example.com", Token: secret.New(withNewline)}); err == nil || strings.Contains(err.Error(), "SECRET1") {
		t.Errorf("a token with a newline: error is %v", err)
	}
}

// A passing failure is retried where that is safe; a call that would do its work twice is not.
func TestRetries(t *testing.T) {
	get := func(ctx context.Context, c *quay.Client) error { _, err := c.Robot(ctx, "team-a+ci"); return err }
	regenerate := func(ctx context.Context, c *quay.Client) error {
		_, err := c.RegenerateRobot(ctx, "team-a+ci")
		return err
	}
	create := func(ctx context.Context, c *quay.Client) error {
		_, err := c.CreatePrototype(ctx, "team-a", "team-a+ci", quay.Write)
		return err
	}
	busy := quaytest.Status(http.StatusTooManyRequests, nil, "")
	readOnly := quaytest.Status(http.StatusServiceUnavailable, nil, `{"message":"System is currently read-only.","is_readonly":true}`)
	for name, test := range map[string]struct {
		call   func(context.Context, *quay.Client) error
		effect quaytest.Effect
		times  int
		tries  int
		fails  string
	}{
		"429 on a read":                              {get, busy, 2, 3, ""},
		"429 on a call that makes another":           {create, busy, 2, 3, ""},
		"502 on a read":                              {get, quaytest.Status(http.StatusBadGateway, nil, ""), 1, 2, ""},
		"a lost answer to a read":                    {get, quaytest.CommitThenReset(), 1, 2, ""},
		"a lost answer to regenerate":                {regenerate, quaytest.CommitThenReset(), 1, 2, ""},
		"a lost answer to a call that makes another": {create, quaytest.CommitThenReset(), 1, 1, "creating default permission"},
		"502 on a call that makes another":           {create, quaytest.Status(http.StatusBadGateway, nil, ""), 1, 1, "502 Bad Gateway"},
		"503 that lasts":                             {get, quaytest.Status(http.StatusServiceUnavailable, nil, ""), -1, 5, "(tried 5 times)"},
		"a registry that is read-only":               {regenerate, readOnly, -1, 1, "read-only"},
		"500":                                        {get, quaytest.Status(http.StatusInternalServerError, nil, ""), -1, 1, "500 Internal Server Error"},
	} {
		t.Run(name, func(t *testing.T) {
			q, c := start(t)
			q.Faults.Add(quaytest.Fault{Name: "fault", Times: test.times, Effect: test.effect})
			err := test.call(t.Context(), c)
			if got := len(q.Requests()); got != test.tries {
				t.Errorf("%d requests, want %d", got, test.tries)
			}
			if test.fails == "" && err != nil || test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails)) {
				t.Errorf("error is %v, want %q", err, test.fails)
			}
		})
	}
}

// A pause ends with the context, and the error still says what it was about.
func TestRetryHonoursTheContext(t *testing.T) {
	q, _ := start(t)
	slow, err := quay.New(quay.Options{URL: q.URL(), HTTPClient: q.Client(), Pause: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	q.Faults.Add(quaytest.Fault{Times: -1, Effect: quaytest.Status(http.StatusServiceUnavailable, nil, "")})
	_, err = slow.Config(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "503 Service Unavailable") {
		t.Errorf("error is %v", err)
	}
}

// No request follows a redirect, neither one with the OAuth token nor one with a robot's, and none is taken for success.
func TestNoRedirectIsFollowed(t *testing.T) {
	token, password := strings.Repeat("T0", 20), strings.Repeat("P0", 20)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s was followed, with %q", r.Method, r.URL, r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	for _, status := range []int{300, 301, 302, 303, 304, 307, 308} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, status)
		}))
		defer server.Close()
		for _, client := range []*http.Client{nil, {CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}} {
			c, err := quay.New(quay.Options{URL: server.URL, Token: secret.New(token), Pause: time.Microsecond, HTTPClient: client})
			if err != nil {
				t.Fatal(err)
			}
			for name, call := range map[string]func() error{
				"Robot":       func() error { _, err := c.Robot(t.Context(), "team-a+ci"); return err },
				"CreateRobot": func() error { _, err := c.CreateRobot(t.Context(), "team-a+ci", "x"); return err },
				"DeleteRobot": func() error { return c.DeleteRobot(t.Context(), "team-a+ci") },
				"Rights": func() error {
					_, err := c.Rights(t.Context(), "team-a+ci", secret.New(password), "team-a/app")
					return err
				},
			} {
				if err := call(); err == nil || strings.Contains(err.Error(), token) || strings.Contains(err.Error(), password) {
					t.Errorf("%s, %d: error is %v", name, status, err)
				}
			}
		}
	}
}

// The token goes to Quay alone, and a page that is not Quay's does not get into the error.
func TestForeignAnswers(t *testing.T) {
	token := strings.Repeat("T0", 20)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	defer elsewhere.Close()
	for name, handler := range map[string]http.HandlerFunc{
		"302 Found": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) },
		"not what Quay's API answers": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"name": 1, "token": "`+strings.Repeat("R1", 32)+`"}`)
		},
		"or without its token": func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"name": "team-b+ci"}`) },
		"has more than":        func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `"`, strings.Repeat("x", 9<<20), `"`) },
	} {
		server := httptest.NewServer(handler)
		c, err := quay.New(quay.Options{URL: server.URL, Token: secret.New(token), Pause: time.Microsecond})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Robot(t.Context(), "team-a+ci")
		server.Close()
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "R1R1") || strings.Contains(err.Error(), token) {
			t.Errorf("error is %v, want %q", err, name)
		}
	}
}

// No name leads out of its place in a path.
func TestHostileNames(t *testing.T) {
	q, c := start(t)
	q.ForgetRequests()
	for _, call := range []func(ctx context.Context) error{
		func(ctx context.Context) error { _, err := c.Robot(ctx, "team-a"); return err },
		func(ctx context.Context) error { _, err := c.Robot(ctx, "..+ci"); return err },
		func(ctx context.Context) error { _, err := c.Robot(ctx, "team-a+ci+x"); return err },
		func(ctx context.Context) error { return c.DeleteRobot(ctx, "team-a+..") },
		func(ctx context.Context) error { return c.SetPermission(ctx, "team-a/../x", "team-a+ci", quay.Write) },
		func(ctx context.Context) error { return c.SetPermission(ctx, "app", "team-a+ci", quay.Write) },
		func(ctx context.Context) error { return c.SetPermission(ctx, "team-a//app", "team-a+ci", quay.Write) },
		func(ctx context.Context) error { _, err := c.Organization(ctx, ".."); return err },
		func(ctx context.Context) error { return c.CreateRepository(ctx, "team-a") },
		func(ctx context.Context) error {
			_, err := c.Rights(ctx, "team-a+ci", secret.New("x"), "app")
			return err
		},
	} {
		if err := call(t.Context()); err == nil {
			t.Error("no error")
		}
	}
	if requests := sent(q); len(requests) > 0 {
		t.Errorf("requests were sent: %q", requests)
	}
	// A slash inside a name stays inside it.
	if _, err := c.Robot(t.Context(), "team-a+ci/regenerate"); !quay.IsNotFound(err) && err == nil {
		t.Errorf("error is %v", err)
	}
}

// Nothing that a program prints of the client or of a robot has a token in it.
func TestNoTokenIsPrinted(t *testing.T) {
	q, _ := start(t)
	oauth := q.AddOAuthToken(everything)
	c := connect(t, q, oauth)
	robot, err := c.Robot(t.Context(), "team-a+ci")
	if err != nil {
		t.Fatal(err)
	}
	var printed strings.Builder
	for _, v := range []any{c, reflect.ValueOf(c).Elem().Interface(), robot, &robot, robot.Token, &robot.Token, []quay.Robot{robot}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&printed, verb+"\n", v)
		}
		data, _ := json.Marshal(v)
		printed.Write(data)
	}
	for _, token := range []string{oauth, robot.Token.Reveal()} {
		if len(token) < 40 || strings.Contains(strings.ToUpper(printed.String()), token) || strings.Contains(printed.String(), fmt.Sprintf("%x", token)) {
			t.Errorf("a token was printed")
		}
	}
}
