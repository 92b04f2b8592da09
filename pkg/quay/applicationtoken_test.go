package quay_test

import (
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// administered returns a Quay with an application of organization platform, and a function that makes clients of it.
func administered(t *testing.T) (q *quaytest.Quay, token string, client func(string) *quay.Client) {
	t.Helper()
	q = quaytest.Start(t)
	q.AddOrganization("platform")
	token = q.AddApplication("platform", "APP", []quaytest.Scope{quaytest.OrgAdmin, quaytest.RepoAdmin})
	return q, token, func(token string) *quay.Client {
		c, err := quay.New(quay.Options{URL: q.URL(), Token: secret.New(token), HTTPClient: q.Client(), Pause: time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
}

// A token that the API made administers as the one that made it, until it is deleted or expires; Quay tells it once.
func TestApplicationTokens(t *testing.T) {
	q, first, client := administered(t)
	c := client(first)
	made, err := c.CreateApplicationToken(t.Context(), "platform", "APP", "quay-push", "org:admin repo:admin", time.Hour)
	if err != nil || made.UUID == "" || made.Name != "quay-push" || made.Scope != "org:admin repo:admin" || made.Expires.Sub(made.Created) != time.Hour || made.Token.IsZero() {
		t.Fatalf("made %+v, %v", made, err)
	}
	found, err := c.ApplicationTokens(t.Context(), "platform", "APP")
	if err != nil || len(found) != 2 {
		t.Fatalf("%+v, %v", found, err)
	}
	for _, f := range found {
		if !f.Token.IsZero() || f.Created.IsZero() || f.Name != "" && f.UUID != made.UUID {
			t.Errorf("listed %+v", f)
		}
	}
	second := client(made.Token.Reveal())
	if o, err := second.Organization(t.Context(), "platform"); err != nil || !o.Admin {
		t.Errorf("the new one: %+v, %v", o, err)
	}
	q.Advance(2 * time.Hour)
	if o, err := second.Organization(t.Context(), "platform"); err == nil && o.Admin {
		t.Error("it has expired, and administers")
	}
	if found, err := c.ApplicationTokens(t.Context(), "platform", "APP"); err != nil || len(found) != 1 {
		t.Errorf("when it has expired: %+v, %v", found, err)
	}
	if err := c.DeleteApplicationToken(t.Context(), "platform", "APP", made.UUID); !quay.IsNotFound(err) {
		t.Errorf("deleting what has expired: %v", err)
	}
	// The last one may delete itself.
	if err := c.DeleteApplicationToken(t.Context(), "platform", "APP", found[1].UUID+found[0].UUID); !quay.IsNotFound(err) {
		t.Errorf("deleting what is not there: %v", err)
	}
}

// More than a page is read whole, and a token ends at once.
func TestManyApplicationTokens(t *testing.T) {
	_, first, client := administered(t)
	c := client(first)
	uuid := ""
	for range 60 {
		made, err := c.CreateApplicationToken(t.Context(), "platform", "APP", "x", "repo:admin", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		uuid = made.UUID
	}
	if found, err := c.ApplicationTokens(t.Context(), "platform", "APP"); err != nil || len(found) != 61 {
		t.Errorf("%d tokens, %v", len(found), err)
	}
	if err := c.DeleteApplicationToken(t.Context(), "platform", "APP", uuid); err != nil {
		t.Error(err)
	}
	if found, err := c.ApplicationTokens(t.Context(), "platform", "APP"); err != nil || len(found) != 60 {
		t.Errorf("after deleting one: %d tokens, %v", len(found), err)
	}
}

// What may not be is refused, each by its kind, and no error has a token in it.
func TestApplicationTokensAreRefused(t *testing.T) {
	q, first, client := administered(t)
	c := client(first)
	create := func(c *quay.Client, application, scope string) error {
		_, err := c.CreateApplicationToken(t.Context(), "platform", application, "x", scope, time.Hour)
		return err
	}
	less := q.AddOAuthToken([]quaytest.Scope{quaytest.RepoAdmin})
	for name, test := range map[string]struct {
		err error
		is  func(error) bool
	}{
		"more than its own scope": {create(c, "APP", "org:admin user:admin"), quay.IsForbidden},
		"no such application":     {create(c, "OTHER", "org:admin"), quay.IsNotFound},
		"without org:admin":       {create(client(less), "APP", "repo:admin"), quay.IsForbidden},
		"a scope that is none":    {create(c, "APP", "everything"), func(err error) bool { return strings.Contains(err.Error(), "Invalid scope: everything") }},
	} {
		if test.err == nil || !test.is(test.err) || strings.Contains(test.err.Error(), first) {
			t.Errorf("%s: %v", name, test.err)
		}
	}
}
