package robot_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/robot"
)

// impatient is a cluster with an end to how often it may be looked at: nobody but who waits looks so often.
type impatient struct {
	robot.Cluster
	left *atomic.Int32
	end  context.CancelFunc
}

// withoutPatience returns s, and a context that ends once s waits for an ExternalSecret or for runs, however long it takes to come to that.
func withoutPatience(t *testing.T, s robot.Services) (context.Context, robot.Services) {
	ctx, end := context.WithCancel(t.Context())
	t.Cleanup(end)
	c := impatient{s.Cluster, &atomic.Int32{}, end}
	c.left.Store(30)
	s.Cluster = c
	return ctx, s
}

func (c impatient) look() {
	if c.left.Add(-1) == 0 {
		c.end()
	}
}

func (c impatient) ExternalSecret(ctx context.Context, namespace, name string) (robot.ExternalSecret, error) {
	defer c.look()
	return c.Cluster.ExternalSecret(ctx, namespace, name)
}

func (c impatient) Runs(ctx context.Context, team string) ([]string, error) {
	defer c.look()
	return c.Cluster.Runs(ctx, team)
}
