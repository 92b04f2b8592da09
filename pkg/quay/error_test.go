package quay_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// kinds says which of the questions about an error are answered with yes.
func kinds(err error) string {
	var yes []string
	for _, k := range []struct {
		name string
		is   func(error) bool
	}{{"not found", quay.IsNotFound}, {"exists", quay.IsExists}, {"unauthorized", quay.IsUnauthorized}, {"forbidden", quay.IsForbidden},
		{"robot unknown", quay.IsRobotUnknown}} {
		if k.is(err) {
			yes = append(yes, k.name)
		}
	}
	return strings.Join(yes, ", ")
}

func TestErrorsAreTyped(t *testing.T) {
	q, c := start(t)
	q.AddOrganization("team-b")
	q.AddRobot("team-b", "ci")
	wrong := connect(t, q, strings.Repeat("X1", 20))
	anonymous := connect(t, q, "")
	reader := connect(t, q, q.AddOAuthToken([]quaytest.Scope{quaytest.RepoRead}))
	other := connect(t, q, q.AddOAuthToken(everything, "team-b"))
	ci := secret.New(q.RegenerateRobot("team-a+ci"))
	read := func(c *quay.Client, robot string) func(context.Context) error {
		return func(ctx context.Context) error { _, err := c.Robot(ctx, robot); return err }
	}
	regenerate := func(c *quay.Client) func(context.Context) error {
		return func(ctx context.Context) error { _, err := c.RegenerateRobot(ctx, "team-a+ci"); return err }
	}
	for name, test := range map[string]struct {
		call   func(context.Context) error
		kinds  string
		status int
		text   string
	}{
		"missing robot":     {read(c, "team-a+none"), "not found, robot unknown", 400, `reading robot "team-a+none": GET /api/v1/organization/team-a/robots/none: 400 Bad Request "Could not find robot with specified username"`},
		"robot that exists": {func(ctx context.Context) error { _, err := c.CreateRobot(ctx, "team-a+ci", ""); return err }, "exists", 400, "Existing robot with name: team-a+ci"},
		"bad robot name":    {func(ctx context.Context) error { _, err := c.CreateRobot(ctx, "team-a+CI", ""); return err }, "", 400, "must match expression"},
		"no token, GET":     {read(anonymous, "team-a+ci"), "unauthorized", 401, "Requires authentication"},
		"wrong token, GET":  {read(wrong, "team-a+ci"), "unauthorized", 401, "Requires authentication"},
		"wrong token, POST": {regenerate(wrong), "unauthorized", 403, "CSRF token was invalid or missing."},
		"missing scope":     {regenerate(reader), "forbidden", 403, `"Unauthorized"`},
		"not an admin":      {regenerate(other), "forbidden", 403, `"Unauthorized"`},
		"unknown organization": {func(ctx context.Context) error { _, err := c.Organization(ctx, "team-x"); return err },
			"not found", 404, "Not Found"},
		"grant on a missing repository": {func(ctx context.Context) error { return c.SetPermission(ctx, "team-a/x", "team-a+ci", quay.Write) },
			"", 500, "500 Internal Server Error"},
		"grant to a foreign robot": {func(ctx context.Context) error { return c.SetPermission(ctx, "team-a/app", "team-b+ci", quay.Write) },
			"", 400, "Cannot add robot team-b+ci under namespace team-a"},
		"repository that exists": {func(ctx context.Context) error { return c.CreateRepository(ctx, "team-a/app") }, "exists", 400, "Repository already exists"},
		"organization that exists": {func(ctx context.Context) error { return c.CreateOrganization(ctx, "team-a", "") }, "exists", 400,
			"A user or organization with this name already exists"},
		"rights of a missing robot": {func(ctx context.Context) error { _, err := c.Rights(ctx, "team-a+none", ci); return err },
			"unauthorized, robot unknown", 401, "Could not find robot with specified username"},
		"rights with an old token": {func(ctx context.Context) error {
			_, err := c.Rights(ctx, "team-a+ci", secret.New(strings.Repeat("Z2", 32)))
			return err
		}, "unauthorized", 401, "Could not find robot with username: team-a+ci and supplied password."},
	} {
		err := test.call(t.Context())
		e := (*quay.Error)(nil)
		if !errors.As(err, &e) {
			t.Errorf("%s: error is %v", name, err)
			continue
		}
		if got := kinds(err); got != test.kinds || e.Status != test.status || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %q, %d, %v; want %q, %d, %q", name, got, e.Status, err, test.kinds, test.status, test.text)
		}
	}
}

// A server that repeats what it was sent does not get a credential into an error.
func TestErrorsHaveNoSecrets(t *testing.T) {
	q, _ := start(t)
	oauth := q.AddOAuthToken(everything)
	c := connect(t, q, oauth)
	old, jwt := secret.New("short-secret"), "eyJhbGciOiJub25lIn0.eyJhIjoxfQ.c2ln"
	body := `{"message":"no: ` + oauth + ` ` + strings.Repeat("R1", 32) + ` ` + old.Reveal() + ` ` + jwt + ` ` + strings.Repeat("long ", 200) + `"}`
	q.Faults.Add(quaytest.Fault{Times: -1, Effect: quaytest.Status(http.StatusBadRequest, nil, body)})
	_, err := c.Rights(t.Context(), "team-a+ci", old)
	if err == nil || !strings.Contains(err.Error(), "no: (secret) (secret) (secret) (secret) long") {
		t.Errorf("error is %v", err)
	}
	if len(err.Error()) > 500 {
		t.Errorf("the error has %d characters", len(err.Error()))
	}
}
