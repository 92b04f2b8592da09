package quay_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/quay"
)

// Every answer that a person can do something about has a next step for its cause, and one that says nothing has none.
func TestNext(t *testing.T) {
	q, c := start(t)
	weak := connect(t, q, q.AddOAuthToken([]quaytest.Scope{quaytest.RepoRead}))
	organization := func(ctx context.Context, c *quay.Client) error { _, err := c.Organization(ctx, "team-a"); return err }
	for name, test := range map[string]struct {
		client *quay.Client
		effect quaytest.Effect
		call   func(context.Context, *quay.Client) error
		next   string
	}{
		"no org:admin":                  {weak, nil, func(ctx context.Context, c *quay.Client) error { _, err := c.Prototypes(ctx, "team-a"); return err }, "the scope org:admin, of an owner"},
		"no right to make a repository": {weak, nil, func(ctx context.Context, c *quay.Client) error { return c.CreateRepository(ctx, "team-a/new") }, "the scope org:admin, of an owner"},
		"no repo:admin": {weak, nil, func(ctx context.Context, c *quay.Client) error {
			return c.SetPermission(ctx, "team-a/app", "team-a+ci", quay.Write)
		}, "the scope repo:admin, of an owner"},
		"no user:admin": {weak, nil, func(ctx context.Context, c *quay.Client) error { return c.CreateOrganization(ctx, "team-new", "") }, "the scope user:admin"},
		"308":           {c, quaytest.Status(308, http.Header{"Location": {"https://elsewhere.example.com/x?secret=1"}}, ""), organization, "follows no redirect"},
		"302":           {c, quaytest.Status(302, http.Header{"Location": {"/signin"}}, ""), organization, "such as a proxy, a firewall or a login"},
		"429":           {c, quaytest.Status(429, nil, "<html>"), organization, "wait a minute"},
		"500":           {c, quaytest.Status(500, nil, "<html>"), organization, "Quay's own log"},
		"501":           {c, quaytest.Status(501, nil, `{"message":"x"}`), organization, "LOGS_MODEL"},
		"502":           {c, quaytest.Status(502, nil, ""), organization, "behind its proxy"},
		"read-only":     {c, quaytest.Status(503, nil, `{"is_readonly":true,"message":"x"}`), organization, "read-only now"},
		"400":           {c, quaytest.Status(400, nil, `{"message":"x"}`), organization, ""},
		"no answer":     {c, quaytest.Reset(0), organization, ""},
	} {
		t.Run(name, func(t *testing.T) {
			defer q.Faults.Clear()
			if test.effect != nil {
				q.Faults.Add(quaytest.Fault{Times: -1, Effect: test.effect})
			}
			err := test.call(t.Context(), test.client)
			if got := quay.Next(fmt.Errorf("doing: %w", err)); err == nil || (got == "") != (test.next == "") || !strings.Contains(got, test.next) {
				t.Errorf("after %v: %q, want %q", err, got, test.next)
			}
			if strings.Contains(fmt.Sprint(err), "secret=1") {
				t.Errorf("error is %v", err)
			}
		})
	}
}

// A redirect is told with where it leads, for that is the address to use.
func TestRedirectsAreTold(t *testing.T) {
	q, c := start(t)
	q.Faults.Add(quaytest.Fault{Times: -1, Effect: quaytest.Status(308, http.Header{"Location": {"https://elsewhere.example.com/x"}}, "")})
	if _, err := c.Robot(t.Context(), "team-a+ci"); err == nil || !strings.HasSuffix(err.Error(), `308 Permanent Redirect "https://elsewhere.example.com/x"`) {
		t.Errorf("error is %v", err)
	}
}

// With anonymous access a token that Quay does not know reads like nobody's, without an error: an organization that is not
// administered, or none, is believed only to a token that Quay knows.
func TestAnUnknownTokenIsNotTakenForAWeakOne(t *testing.T) {
	q, c := start(t)
	other := connect(t, q, q.AddOAuthToken(everything, "team-b"))
	q.AddOrganization("team-b")
	anonymous := quaytest.Status(200, nil, `{"name":"team-a","is_admin":false,"is_member":false}`)
	for name, test := range map[string]struct {
		client       *quay.Client
		organization string
		effect       quaytest.Effect
		kinds        string
	}{
		"an owner":                     {c, "team-a", nil, ""},
		"not an owner":                 {other, "team-a", nil, ""},
		"no organization":              {other, "team-none", nil, "not found"},
		"a wrong token":                {connect(t, q, strings.Repeat("X1", 20)), "team-a", anonymous, "unauthorized"},
		"a wrong token, nothing there": {connect(t, q, strings.Repeat("X1", 20)), "team-none", quaytest.Status(404, nil, `{"error_message":"Not Found"}`), "unauthorized"},
	} {
		t.Run(name, func(t *testing.T) {
			defer q.Faults.Clear()
			if test.effect != nil {
				q.Faults.Add(quaytest.Fault{Path: "/organization/[^/]+$", Times: -1, Effect: test.effect})
			}
			found, err := test.client.Organization(t.Context(), test.organization)
			if kinds(err) != test.kinds || (err == nil) != (test.kinds == "") || found.Admin != (test.client == c) {
				t.Errorf("organization is %+v, %v", found, err)
			}
		})
	}
}

// What no waiting mends is not tried again: a certificate that is not trusted stays so.
func TestUntrustedCertificatesAreNotTriedAgain(t *testing.T) {
	for name, serve := range map[string]func(http.Handler) *httptest.Server{"an unknown authority": httptest.NewTLSServer, "no TLS": httptest.NewServer} {
		t.Run(name, func(t *testing.T) {
			server := serve(http.NotFoundHandler())
			defer server.Close()
			c, err := quay.New(quay.Options{URL: strings.Replace(server.URL, "http://", "https://", 1), Pause: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if _, err = c.Config(ctx); !quay.IsUntrusted(err) || !quay.IsUnreachable(err) || errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "tried") {
				t.Errorf("error is %v", err)
			}
		})
	}
}
