package quay_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// Whatever fails, the error says once what was tried with what, the request, and what Quay answered.
func TestEveryCallSaysWhatItTried(t *testing.T) {
	q, c := start(t)
	q.Faults.Add(quaytest.Fault{Times: -1, Effect: quaytest.Status(http.StatusInternalServerError, nil, `{"message":"out of order"}`)})
	const robot, app = "team-a+ci", "team-a/app"
	now := time.Now()
	for want, call := range map[string]func(context.Context) error{
		`reading organization "team-a"`:                               func(ctx context.Context) error { _, err := c.Organization(ctx, "team-a"); return err },
		`creating organization "team-b"`:                              func(ctx context.Context) error { return c.CreateOrganization(ctx, "team-b", "") },
		`reading robot "team-a+ci"`:                                   func(ctx context.Context) error { _, err := c.Robot(ctx, robot); return err },
		`creating robot "team-a+ci"`:                                  func(ctx context.Context) error { _, err := c.CreateRobot(ctx, robot, ""); return err },
		`regenerating robot "team-a+ci"`:                              func(ctx context.Context) error { _, err := c.RegenerateRobot(ctx, robot); return err },
		`deleting robot "team-a+ci"`:                                  func(ctx context.Context) error { return c.DeleteRobot(ctx, robot) },
		`listing repositories of "team-a"`:                            func(ctx context.Context) error { _, err := c.Repositories(ctx, "team-a"); return err },
		`creating repository "team-a/app"`:                            func(ctx context.Context) error { return c.CreateRepository(ctx, app) },
		`reading effective permission of "team-a+ci" on "team-a/app"`: func(ctx context.Context) error { _, err := c.EffectivePermission(ctx, app, robot); return err },
		`granting "write" to "team-a+ci" on "team-a/app"`:             func(ctx context.Context) error { return c.SetPermission(ctx, app, robot, quay.Write) },
		`listing default permissions of "team-a"`:                     func(ctx context.Context) error { _, err := c.Prototypes(ctx, "team-a"); return err },
		`creating default permission of "team-a+ci" in "team-a"`: func(ctx context.Context) error {
			_, err := c.CreatePrototype(ctx, "team-a", robot, quay.Write)
			return err
		},
		`changing default permission "p1" in "team-a"`: func(ctx context.Context) error { return c.SetPrototypeRole(ctx, "team-a", "p1", quay.Write) },
		`reading the log of "team-a"`:                  func(ctx context.Context) error { _, err := c.Pushes(ctx, "team-a", robot, now, now); return err },
		`listing tags of "team-a/app"`:                 func(ctx context.Context) error { _, err := c.Tags(ctx, app, now); return err },
		`asking for the rights of "team-a+ci"`:         func(ctx context.Context) error { _, err := c.Rights(ctx, robot, secret.New("T")); return err },
		`reading the settings of Quay`:                 func(ctx context.Context) error { _, err := c.Config(ctx); return err },
		`asking Quay for its API`:                      func(ctx context.Context) error { _, err := c.Discovery(ctx); return err },
	} {
		err := call(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), want+": ") || !strings.HasSuffix(err.Error(), `: 500 Internal Server Error "out of order"`) {
			t.Errorf("error is %v, want it to begin with %s", err, want)
		} else if strings.Count(err.Error(), "500") != 1 || kinds(err) != "" {
			t.Errorf("error is %v, and is taken for %q", err, kinds(err))
		}
	}
}

// A connection that breaks is told with the request, and without the address twice.
func TestLostConnectionsAreTold(t *testing.T) {
	q, c := start(t)
	q.Faults.Add(quaytest.Fault{Times: -1, Effect: quaytest.Reset(0)})
	err := c.DeleteRobot(t.Context(), "team-a+ci")
	if err == nil || !strings.HasPrefix(err.Error(), `deleting robot "team-a+ci": DELETE /api/v1/organization/team-a/robots/ci: `) ||
		strings.Contains(err.Error(), q.URL()) || !strings.Contains(err.Error(), "(tried 5 times)") {
		t.Errorf("error is %v", err)
	}
}
