package robot_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// otherCluster is a second cluster whose External Secrets renders the team's credential, from the same path in Vault. It is slower.
type otherCluster struct {
	w        *world
	external robot.ExternalSecret
	secret   robot.Secret
	lag      int
	pending  int
	runs     []string
	// away is why it does not answer.
	away error
}

// withWest gives the world a second cluster, in another namespace.
func (w *world) withWest() *world {
	w.west = &otherCluster{w: w, lag: 2, external: robot.ExternalSecret{Ready: true, Reason: "SecretSynced", Message: "secret synced", Path: w.VaultPath}}
	w.Others = []robot.Site{{Cluster: "west", Namespace: "west-pipelines"}}
	return w
}

func (c *otherCluster) credential() (username, token string) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	return credentialIn(c.secret)
}

// sync does what External Secrets does; the caller holds mu.
func (c *otherCluster) sync() {
	if all := c.w.versions[c.external.Path]; len(all) > 0 && all[len(all)-1] != nil {
		current := all[len(all)-1]
		c.secret = c.w.render(current.Data["username"].Reveal(), current.Data["token"].Reveal(), current.Version)
	}
}

func (c *otherCluster) Secret(_ context.Context, namespace, _ string) (robot.Secret, error) {
	return call(c.w, func() (robot.Secret, error) {
		if namespace != "west-pipelines" {
			c.w.Errorf("the Secret is asked for in namespace %q", namespace)
		}
		if c.pending > 0 {
			if c.pending--; c.pending == 0 {
				c.sync()
			}
		}
		return c.secret, c.away
	})
}

func (c *otherCluster) ExternalSecret(context.Context, string, string) (robot.ExternalSecret, error) {
	return call(c.w, func() (robot.ExternalSecret, error) { return c.external, c.away })
}

func (c *otherCluster) ServiceAccount(context.Context, string, string) (robot.ServiceAccount, error) {
	if c.away != nil {
		return robot.ServiceAccount{}, c.away
	}
	return robot.ServiceAccount{}, robot.ErrNotFound
}

func (c *otherCluster) NameRobot(context.Context, string, string, string, string, bool) error {
	return robot.ErrNotFound
}

func (c *otherCluster) ServiceAccountToken(context.Context, string, string) (secret.Value, error) {
	return secret.Value{}, robot.ErrNotFound
}

func (c *otherCluster) Refresh(context.Context, string, string) error {
	_, err := call(c.w, func() (any, error) { c.pending = c.lag; return nil, c.away })
	return err
}

func (c *otherCluster) Runs(context.Context, string) ([]string, error) {
	return call(c.w, func() ([]string, error) { return slices.Clone(c.runs), c.away })
}

// onboardBoth onboards in both clusters.
func (w *world) onboardBoth() {
	w.Helper()
	w.onboard()
	w.west.sync()
	if !w.works() {
		w.Fatal("it does not work to begin with")
	}
	w.calls = 0
}

// The program dies after each of its calls: in both clusters the Secret is always one that may push, and in the end the newest.
func TestTwoClustersGoOnAfterACrashAnywhere(t *testing.T) {
	for name, run := range map[string]func(w *world) error{
		"rotate": func(w *world) error {
			_, err := robot.Rotate(w.Context(), w.services(), w.Tenant, robot.RotateOptions{MaxAge: time.Hour})
			return err
		},
		"leak, replacing first": func(w *world) error {
			_, err := robot.Leak(w.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: w.quay.Now().Add(-time.Hour), First: robot.FirstReplace})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			everyCrash(t, 45, func(crashAt int) *world {
				w := newWorld(t).withWest()
				w.onboardBoth()
				w.lag = 1
				w.onCall = func() {
					if !w.works() {
						t.Errorf("crash at call %d: after call %d a cluster cannot push", crashAt, w.calls)
					}
				}
				return w
			}, run, func(w *world, when string) {
				w.rotated(when)
				if username, _ := w.west.credential(); !slices.Equal(w.robots(), []string{username}) {
					t.Errorf("%s: the other cluster has %q, the robots are %q", when, username, w.robots())
				}
			})
		})
	}
}

// A cluster that does not answer stops what would leave it without a credential, and is named; what ends a leak at once does that.
func TestAClusterThatDoesNotAnswer(t *testing.T) {
	away := errors.New("dial tcp 192.0.2.7:6443: i/o timeout")
	for name, test := range map[string]struct {
		run   func(w *world) error
		burns bool
		text  string
	}{
		"rotate": {func(w *world) error {
			_, err := robot.Rotate(w.Context(), w.services(), w.Tenant, robot.RotateOptions{})
			return err
		}, false, `cluster "west": dial tcp`},
		"leak, replacing first": {func(w *world) error {
			_, err := robot.Leak(w.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: w.quay.Now(), First: robot.FirstReplace})
			return err
		}, false, `nothing was burnt, as the new robot comes first and failed: cluster "west": dial tcp`},
		"leak": {func(w *world) error {
			report, err := robot.Leak(w.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: w.quay.Now(), First: robot.FirstBurn})
			if w.west.away == nil {
				return err
			}
			if report.Burnt.IsZero() || !slices.ContainsFunc(report.Unknown, func(s string) bool { return strings.Contains(s, `cluster "west"`) }) {
				w.Errorf("report is %+v", report)
			}
			return err
		}, true, `cluster "west": dial tcp`},
		"offboard": {func(w *world) error {
			_, err := robot.Offboard(w.Context(), w.services(), w.Tenant)
			return err
		}, false, `cluster "west": dial tcp`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).withWest()
			w.onboardBoth()
			w.west.away = away
			if err := test.run(w); err == nil || !strings.Contains(err.Error(), test.text) {
				t.Errorf("error is %v", err)
			}
			if w.mayPush(first) == test.burns {
				t.Errorf("the robot in use may push: %t", w.mayPush(first))
			}
			// It comes back, and the same again ends as it should.
			w.west.away = nil
			if err := test.run(w); err != nil {
				t.Error(err)
			}
			if name != "offboard" {
				w.pushes("when it is back")
				if !w.works() {
					t.Error("a cluster cannot push")
				}
			}
		})
	}
}

// A run of the other cluster is waited for, by a name that says where it is.
func TestRotateWaitsForTheRunsOfEveryCluster(t *testing.T) {
	w := newWorld(t).withWest()
	w.onboardBoth()
	w.west.runs = []string{"ci/run-1/u1"}
	ctx, s := withoutPatience(t, w.services())
	_, err := robot.Rotate(ctx, s, w.Tenant, robot.RotateOptions{})
	if e := (*robot.Error)(nil); !errors.As(err, &e) || e.Reason != robot.ReasonTimeout || !strings.Contains(err.Error(), "1 left: west: ci/run-1/u1") || !w.mayPush(first) {
		t.Errorf("error is %v", err)
	}
}

// Verify has the checks of each cluster, and one that does not answer keeps the other from nothing.
func TestVerifyLooksAtEveryCluster(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(w *world)
		wrong []string
	}{
		"both are right":          {func(*world) {}, []string{}},
		"the other is behind":     {func(w *world) { w.west.secret.VaultVersion = 0; w.west.secret = w.render(first, "older", 0) }, []string{"west secret-token failed", "west secret-age failed"}},
		"the other is away":       {func(w *world) { w.west.away = errors.New("i/o timeout") }, []string{"west cluster failed"}},
		"the other reads a path":  {func(w *world) { w.west.external.Path = "apps/x/y/ci/quay-robot" }, []string{"west external-secret-path failed"}},
		"the first one is frozen": {func(w *world) { e := w.external[w.Secret]; e.Frozen = "x"; w.external[w.Secret] = e }, []string{"east external-secret-refresh failed"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).withWest()
			w.onboardBoth()
			test.spoil(w)
			report, err := robot.Verify(t.Context(), w.services(), w.Tenant, own, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := []string{}
			for _, c := range report.Checks {
				if c.Status != robot.Passed {
					got = append(got, fmt.Sprintf("%s %s %s", c.Cluster, c.ID, c.Status))
				}
			}
			if !slices.Equal(got, test.wrong) {
				t.Errorf("not passed: %q, want %q", got, test.wrong)
			}
		})
	}
}
