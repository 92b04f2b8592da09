package quay_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/proxy"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// to is a redirect.
func to(status int, location string) quaytest.Effect {
	return quaytest.Status(status, http.Header{"Location": {location}}, "")
}

// Something else than Quay that answers is told apart from Quay, whatever the request, and is never taken for success.
func TestIsBlocked(t *testing.T) {
	q, c := start(t)
	calls := map[string]func(context.Context) error{
		"reading":  func(ctx context.Context) error { _, err := c.Robot(ctx, "team-a+ci"); return err },
		"changing": func(ctx context.Context) error { return c.SetPermission(ctx, "team-a/app", "team-a+ci", quay.Write) },
		"deleting": func(ctx context.Context) error { return c.DeleteRobot(ctx, "team-a+ci") },
		"token":    func(ctx context.Context) error { _, err := c.Rights(ctx, "team-a+ci", secret.New("T")); return err },
	}
	for name, test := range map[string]struct {
		effect  quaytest.Effect
		blocked bool
		text    string
	}{
		"403 with a page":        {quaytest.Status(403, nil, wall), true, `"Request Rejected Your support ID is: 4711"`},
		"401 with a page":        {quaytest.Status(401, nil, wall), true, "401 Unauthorized"},
		"404 with a page":        {quaytest.Status(404, nil, wall), true, "404 Not Found"},
		"200 with a page":        {quaytest.Status(200, nil, wall), true, `200 OK "Request Rejected Your support ID is: 4711"`},
		"200 with words":         {quaytest.Status(200, nil, "Sign in first"), true, `200 OK "Sign in first"`},
		"a login elsewhere":      {to(302, "https://sso.example.com/authorize?client_id=x&state=hidden"), true, `302 Found "https://sso.example.com/authorize"`},
		"a login here":           {to(302, "/oauth2/start?rd=hidden"), true, "/oauth2/start"},
		"a login after 303":      {to(303, "https://sso.example.com/"), true, "303 See Other"},
		"a login after 307":      {to(307, "https://sso.example.com/login"), true, "307 Temporary Redirect"},
		"another address":        {to(301, "https://elsewhere.example.com/"), false, "301 Moved Permanently"},
		"429 with a page":        {quaytest.Status(429, nil, wall), false, "429 Too Many Requests"},
		"503 with a page":        {quaytest.Status(503, nil, wall), false, "503 Service Unavailable"},
		"403 with Quay's answer": {quaytest.Status(403, nil, `{"error_message":"Unauthorized","error_type":"insufficient_scope"}`), false, "Unauthorized"},
		"200 that breaks off":    {quaytest.Status(200, nil, `{"name":`), false, ""},
	} {
		for doing, call := range calls {
			q.Faults.Clear()
			q.Faults.Add(quaytest.Fault{Times: -1, Effect: test.effect})
			err := call(t.Context())
			ignored := doing == "changing" || doing == "deleting" // What is in the answer of these, as long as it is JSON.
			if err == nil && !(name == "200 that breaks off" && ignored) {
				t.Errorf("%s, %s: no error", name, doing)
			} else if err != nil && (quay.IsBlocked(err) != test.blocked || !strings.Contains(err.Error(), test.text) || strings.Contains(err.Error(), "hidden")) {
				t.Errorf("%s, %s: blocked is %v after %v, want %v and %q", name, doing, quay.IsBlocked(err), err, test.blocked, test.text)
			}
			if got := strings.Contains(quay.Next(err), "it is not about the rights of a token"); got != test.blocked {
				t.Errorf("%s, %s: next is %q", name, doing, quay.Next(err))
			}
			if test.blocked && kinds(err) != "" {
				t.Errorf("%s, %s: it is taken for %q", name, doing, kinds(err))
			}
		}
	}
}

// The address of whoever sends on for the same path is one to use, with or without a slash at its end.
func TestSamePathElsewhereIsNoLogin(t *testing.T) {
	q, c := start(t)
	for _, location := range []string{"https://other.example.com/api/v1/organization/team-a", "/api/v1/organization/team-a/"} {
		q.Faults.Clear()
		q.Faults.Add(quaytest.Fault{Times: -1, Effect: to(302, location)})
		if _, err := c.Organization(t.Context(), "team-a"); err == nil || quay.IsBlocked(err) || !strings.Contains(quay.Next(err), "follows no redirect") {
			t.Errorf("to %s: %v; %s", location, err, quay.Next(err))
		}
	}
}

// A proxy that refuses to connect is one of these too: nothing was done, and to ask again does not help.
func TestProxyThatRefuses(t *testing.T) {
	for status, blocked := range map[int]bool{403: true, 407: true, 503: false} {
		asked := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked++; w.WriteHeader(status) }))
		t.Cleanup(server.Close)
		through, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(through), OnProxyConnectResponse: proxy.Connected}}
		c, err := quay.New(quay.Options{URL: "https://quay.example.com", Token: secret.New("T"), HTTPClient: client, Pause: 1})
		if err != nil {
			t.Fatal(err)
		}
		err = c.DeleteRobot(t.Context(), "team-a+ci")
		if err == nil || quay.IsBlocked(err) != blocked || quay.IsUnsure(err) || (asked == 1) != blocked || !strings.Contains(err.Error(), through.Host+" answered CONNECT with ") {
			t.Errorf("%d: asked %d times, blocked is %v, unsure %v: %v", status, asked, quay.IsBlocked(err), quay.IsUnsure(err), err)
		}
		if got := strings.Contains(quay.Next(err), "such as a proxy"); got != blocked {
			t.Errorf("%d: next is %q", status, quay.Next(err))
		}
	}
}
