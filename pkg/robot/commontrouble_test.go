package robot_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// troubledVault is a Vault of which err says what it answers at a path, where that is not nil.
type troubledVault struct {
	robot.Vault
	err func(path string) error
}

func (v troubledVault) Read(ctx context.Context, path string) (vault.Secret, error) {
	if err := v.err(path); err != nil {
		return vault.Secret{}, err
	}
	return v.Vault.Read(ctx, path)
}

// troubledCluster is a cluster with runs of its own making.
type troubledCluster struct {
	robot.Cluster
	runs func() ([]string, error)
	// looked is called at each look for runs, with its number.
	looked func(n int)
	mu     sync.Mutex
	n      int
}

func (c *troubledCluster) Runs(context.Context, string) ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n++; c.looked != nil {
		c.looked(c.n)
	}
	return c.runs()
}

// What is wrong with one team is told of it, and the others are rotated.
func TestRotateAllWithOneTeamsTrouble(t *testing.T) {
	held := &robot.Error{Reason: robot.ReasonConflict, Problem: `Lease "t1" is held by "x"`, Next: "let it end"}
	for name, test := range map[string]struct {
		trouble func(w *world, s *robot.Services, opts *robot.RotateAllOptions, t1 *robot.Tenant)
		outcome robot.Outcome
		err     string
	}{
		"no organization": {func(_ *world, _ *robot.Services, _ *robot.RotateAllOptions, t1 *robot.Tenant) {
			t1.Organization = "team-nope"
		}, robot.OutcomeFailed, "team-nope"},
		"Quay fails at it": {func(w *world, _ *robot.Services, _ *robot.RotateAllOptions, _ *robot.Tenant) {
			w.quay.Faults.Add(quaytest.Fault{Name: "500", Path: "^/api/v1/organization/team-t1($|/)", Times: -1, Effect: quaytest.Status(500, nil, `{"message":"oops"}`)})
		}, robot.OutcomeFailed, "500"},
		"Quay does not answer for it": {func(w *world, _ *robot.Services, _ *robot.RotateAllOptions, _ *robot.Tenant) {
			w.quay.Faults.Add(quaytest.Fault{Name: "reset", Path: "^/api/v1/organization/team-t1($|/)", Times: -1, Effect: quaytest.Reset(0)})
		}, robot.OutcomeFailed, "tried 5 times"},
		"Vault denies it": {func(_ *world, s *robot.Services, _ *robot.RotateAllOptions, t1 *robot.Tenant) {
			path := t1.VaultPath
			s.Vault = troubledVault{s.Vault, func(p string) error {
				if p == path {
					return fmt.Errorf("reading: %w", vault.ErrDenied)
				}
				return nil
			}}
		}, robot.OutcomeFailed, "denied by Vault"},
		"no path":             {func(_ *world, _ *robot.Services, _ *robot.RotateAllOptions, t1 *robot.Tenant) { t1.VaultPath = "" }, robot.OutcomeFailed, "does not read one path"},
		"nothing at the path": {func(_ *world, _ *robot.Services, _ *robot.RotateAllOptions, t1 *robot.Tenant) { t1.VaultPath += "x" }, robot.OutcomeFailed, "there is no credential"},
		"another holds it": {func(_ *world, _ *robot.Services, opts *robot.RotateAllOptions, _ *robot.Tenant) {
			opts.Exclusively = func(ctx context.Context, team string, work func(context.Context) error) error {
				if team == "t1" {
					return held
				}
				return work(ctx)
			}
		}, robot.OutcomeBusy, "is held by"},
		"its runs go on": {func(w *world, s *robot.Services, opts *robot.RotateAllOptions, _ *robot.Tenant) {
			opts.Timeout = 2 * time.Second
			s.Cluster = &endlessRuns{s.Cluster}
		}, robot.OutcomeWaiting, "still waiting for runs"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			tenants := w.teams(5)
			s, opts := w.services(), allOptions()
			opts.MaxAge = time.Minute
			test.trouble(w, &s, &opts, &tenants[1])
			result := robot.RotateAll(t.Context(), s, tenants, opts)
			if count(result, robot.OutcomeRotated) != 4 || count(result, test.outcome) != 1 || result.Stopped != nil {
				t.Errorf("%q, stopped: %v", outcomes(result), result.Stopped)
			}
			for _, team := range result.Teams {
				if (team.Err != nil) != (team.Team == "t1") || team.Team == "t1" && !strings.Contains(team.Err.Error(), test.err) {
					t.Errorf("%s: %v", team.Team, team.Err)
				}
			}
		})
	}
}

// However many teams have trouble of their own, one after the other and of the same kind: the others are rotated.
func TestRotateAllWithManyTeamsTrouble(t *testing.T) {
	for name, effect := range map[string]quaytest.Effect{"Quay fails at them": quaytest.Status(500, nil, `{"message":"oops"}`), "Quay does not answer for them": quaytest.Reset(0)} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			tenants := w.teams(16)
			opts := allOptions()
			opts.MaxAge = time.Minute
			// The oldest thirteen, and the youngest.
			w.quay.Faults.Add(quaytest.Fault{Path: "^/api/v1/organization/team-t([0-9]|1[0125])($|/)", Times: -1, Effect: effect})
			result := robot.RotateAll(t.Context(), w.services(), tenants, opts)
			if count(result, robot.OutcomeRotated) != 2 || count(result, robot.OutcomeFailed) != 14 || result.Stopped != nil {
				t.Errorf("%q, stopped: %v", outcomes(result), result.Stopped)
			}
		})
	}
}

// endlessRuns is a cluster in which a run of team t1 never ends.
type endlessRuns struct{ robot.Cluster }

func (c *endlessRuns) Runs(_ context.Context, team string) ([]string, error) {
	if team == "t1" {
		return []string{"endless"}, nil
	}
	return nil, nil
}

// A team with two ExternalSecrets is refused: one of its Secrets would keep what is burnt.
func TestRotateAllWithTwoOfATeam(t *testing.T) {
	w := newWorld(t)
	tenants := w.teams(2)
	second := tenants[1]
	second.Namespace = "elsewhere"
	opts := allOptions()
	opts.MaxAge = time.Minute
	result := robot.RotateAll(t.Context(), w.services(), append(tenants, second), opts)
	wants(t, result, "t0 rotated", "t1 failed", "t1 failed")
	if err := result.Teams[1].Err; err == nil || !strings.Contains(err.Error(), `in the namespaces "openshift-pipelines" and "elsewhere"; a team has one Secret`) {
		t.Errorf("error is %v", err)
	}
	if w.inUse(tenants[1]) != firstOf(tenants[1]) {
		t.Error("it was rotated")
	}
}

// full is a Vault that answers what it is asked, and takes nothing.
type full struct{ robot.Vault }

var errFull = errors.New("no space left")

func (full) Write(context.Context, string, vault.Data, int) (int, error) { return 0, errFull }

func (full) Destroy(context.Context, string, []int) error { return errFull }

// What all teams would meet stops the run, and is not told a thousand times.
func TestRotateAllStopsEarly(t *testing.T) {
	const teams = 30
	for name, test := range map[string]struct {
		trouble func(w *world, s *robot.Services, opts *robot.RotateAllOptions)
		failed  int
		err     string
	}{
		"the OAuth token is refused": {func(w *world, _ *robot.Services, _ *robot.RotateAllOptions) { w.quay.RevokeOAuthTokens() }, 1, "401"},
		"Quay is away": {func(w *world, _ *robot.Services, _ *robot.RotateAllOptions) {
			w.quay.Faults.Add(quaytest.Fault{Times: -1, Effect: quaytest.Reset(0)})
		}, 0, "tried 5 times"},
		"Quay goes away later": {func(w *world, _ *robot.Services, opts *robot.RotateAllOptions) {
			opts.Ended = func(robot.TeamRotation) {
				w.quay.Faults.Add(quaytest.Fault{Times: -1, Effect: quaytest.Status(503, nil, "away")})
			}
		}, 1, "503"},
		"Quay takes no changes": {func(w *world, _ *robot.Services, _ *robot.RotateAllOptions) { w.quay.SetReadOnly(true) }, 10, "read-only"},
		"Vault is sealed": {func(_ *world, s *robot.Services, _ *robot.RotateAllOptions) {
			s.Vault = troubledVault{s.Vault, func(string) error { return vault.ErrSealed }}
		}, 0, "sealed"},
		"Vault takes no changes": {func(_ *world, s *robot.Services, _ *robot.RotateAllOptions) { s.Vault = full{s.Vault} }, 10, "no space left"},
		"the Vault token ends": {func(_ *world, s *robot.Services, opts *robot.RotateAllOptions) {
			ended := false
			s.Vault = troubledVault{s.Vault, func(string) error {
				if ended {
					return vault.ErrDenied
				}
				return nil
			}}
			opts.Ended = func(robot.TeamRotation) { ended = true }
		}, 1, "denied"},
		"runs cannot be listed": {func(_ *world, s *robot.Services, _ *robot.RotateAllOptions) {
			s.Cluster = &troubledCluster{Cluster: s.Cluster, runs: func() ([]string, error) { return nil, robot.ErrRunsForbidden }}
		}, 1, "not known which runs"},
		"no Lease can be had": {func(_ *world, _ *robot.Services, opts *robot.RotateAllOptions) {
			opts.Exclusively = func(context.Context, string, func(context.Context) error) error {
				return errors.New("leases are forbidden")
			}
		}, 1, "leases are forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			tenants := w.teams(teams)
			s, opts := w.services(), allOptions()
			opts.MaxAge = time.Minute
			test.trouble(w, &s, &opts)
			w.quay.ForgetRequests()
			result := robot.RotateAll(t.Context(), s, tenants, opts)
			if result.Stopped == nil || !strings.Contains(result.Stopped.Error(), test.err) || count(result, robot.OutcomeFailed) != test.failed {
				t.Errorf("%d failed, stopped: %v", count(result, robot.OutcomeFailed), result.Stopped)
			}
			if left := count(result, robot.OutcomeNotBegun); left < teams-11 {
				t.Errorf("%d were not begun: %q", left, outcomes(result))
			}
			if n := len(w.quay.Requests()); n > 250 {
				t.Errorf("%d requests to Quay", n)
			}
		})
	}
}
