package robot_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// teams onboards the teams t0 to t(n-1), one an hour: t0 is n hours ago then.
func (w *world) teams(n int) []robot.Tenant {
	w.Helper()
	all := []robot.Tenant{}
	s := w.observer()
	for i := range n {
		t, err := robot.NewTenant(convention(w), fmt.Sprint("t", i), "division", fmt.Sprint("t", i))
		if err != nil {
			w.Fatal(err)
		}
		t.Registry = w.quay.Host()
		w.quay.AddOrganization(t.Organization)
		w.quay.AddRepository(t.Organization, "app")
		w.external[t.Secret] = robot.ExternalSecret{Ready: true, Reason: "SecretSynced", Path: t.VaultPath}
		if _, err := robot.Bootstrap(w.Context(), s, t, robot.BootstrapOptions{}); err != nil {
			w.Fatal(err)
		}
		if err := s.Cluster.Refresh(w.Context(), t.Namespace, t.Secret); err != nil {
			w.Fatal(err)
		}
		w.quay.Advance(time.Hour)
		all = append(all, t)
	}
	w.calls = 0
	w.quay.ForgetRequests()
	return all
}

// inUse is the robot in a team's Secret, if its credential may push.
func (w *world) inUse(t robot.Tenant) string {
	w.Helper()
	w.mu.Lock()
	_, auth, _ := strings.Cut(w.secrets[t.Secret].Dockerconfig.Reveal(), `"auth":"`)
	w.mu.Unlock()
	auth, _, _ = strings.Cut(auth, `"`)
	decoded, _ := base64.StdEncoding.DecodeString(auth)
	username, token, _ := strings.Cut(string(decoded), ":")
	rights, err := w.observer().Quay.Rights(w.Context(), username, secret.New(token), t.Organization+"/app")
	if err != nil || !rights.Push(t.Organization+"/app") {
		w.Errorf("team %s cannot push with %q: %v", t.Team, username, err)
	}
	return username
}

// firstOf is the robot that a team was onboarded with.
func firstOf(t robot.Tenant) string { return t.Organization + "+ci" }

// allOptions rotate what is older than an hour and a half, one team after the other.
func allOptions() robot.RotateAllOptions {
	return robot.RotateAllOptions{MaxAge: 90 * time.Minute, Parallel: 1, Timeout: time.Minute, Exclusively: alone}
}

// alone is a Lease that nobody else wants.
func alone(ctx context.Context, _ string, work func(context.Context) error) error { return work(ctx) }

// outcomes are the teams as "team outcome", in the order of the result.
func outcomes(r robot.RotateAllResult) []string {
	lines := []string{}
	for _, t := range r.Teams {
		lines = append(lines, t.Team+" "+string(t.Outcome))
	}
	return lines
}

// wants fails the test unless the outcomes are those.
func wants(t *testing.T, r robot.RotateAllResult, want ...string) {
	t.Helper()
	if got := outcomes(r); !slices.Equal(got, want) {
		t.Errorf("outcomes are %q, want %q; stopped: %v", got, want, r.Stopped)
		for _, team := range r.Teams {
			if team.Err != nil {
				t.Log(team.Team, team.Err)
			}
		}
	}
}

// The oldest credential is first, what is young is left alone and not held, and a second run has nothing to do.
func TestRotateAll(t *testing.T) {
	w := newWorld(t)
	tenants := w.teams(4)
	slices.Reverse(tenants)
	opts, held := allOptions(), []string{}
	opts.Exclusively = func(ctx context.Context, team string, work func(context.Context) error) error {
		held = append(held, team)
		return work(ctx)
	}
	ended := []string{}
	opts.Ended = func(r robot.TeamRotation) { ended = append(ended, r.Team) }
	before := w.quay.Now()
	result := robot.RotateAll(t.Context(), w.services(), tenants, opts)
	wants(t, result, "t0 rotated", "t1 rotated", "t2 rotated", "t3 kept")
	if !slices.Equal(held, []string{"t0", "t1", "t2"}) || !slices.Equal(ended, []string{"t0", "t1", "t2", "t3"}) || result.Stopped != nil {
		t.Errorf("held %q, ended %q, stopped: %v", held, ended, result.Stopped)
	}
	for i, team := range result.Teams {
		if age := before.Sub(team.Written).Round(time.Minute); age != time.Duration(4-i)*time.Hour {
			t.Errorf("%s is %s old", team.Team, age)
		}
		if got := w.inUse(tenants[3-i]); got != team.Robot || (got == firstOf(tenants[3-i])) != (team.Outcome == robot.OutcomeKept) {
			t.Errorf("%s pushes with %q, told is %q", team.Team, got, team.Robot)
		}
	}
	w.quay.ForgetRequests()
	again := robot.RotateAll(t.Context(), w.services(), tenants, opts)
	wants(t, again, "t3 kept", "t0 kept", "t1 kept", "t2 kept")
	if len(held) != 3 {
		t.Errorf("held %q", held)
	}
	for _, r := range w.quay.Requests() {
		if r.Method != http.MethodGet {
			t.Errorf("%s %s", r.Method, r.Path)
		}
	}
}

// A rotation that was left undone is finished however young its credential is; where that is old, too, another follows.
func TestRotateAllFinishes(t *testing.T) {
	w := newWorld(t)
	tenants := w.teams(2)
	opts := allOptions()
	ctx, cancel := context.WithCancel(t.Context())
	runs := &troubledCluster{runs: func() ([]string, error) { return []string{"goes on"}, nil }}
	s := w.services()
	runs.Cluster, s.Cluster = s.Cluster, runs
	opts.Parallel, opts.MaxAge = 2, 30*time.Minute
	runs.looked = func(int) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.versions[tenants[0].VaultPath]) > 1 && len(w.versions[tenants[1].VaultPath]) > 1 {
			cancel()
		}
	}
	wants(t, robot.RotateAll(ctx, s, tenants, opts), "t0 stopped", "t1 stopped")
	w.quay.Advance(10 * time.Minute)
	wants(t, robot.RotateAll(t.Context(), w.services(), tenants[:1], opts), "t0 resumed")
	w.quay.Advance(time.Hour)
	wants(t, robot.RotateAll(t.Context(), w.services(), tenants[1:], opts), "t1 rotated")
	if versions := w.versions[tenants[1].VaultPath]; len(versions) < 3 || w.inUse(tenants[1]) == "" {
		t.Errorf("%d versions", len(versions))
	}
}

// A team that was tried comes behind those that were not, however old its credential is: the one that was tried last is the last.
func TestRotateAllIsFair(t *testing.T) {
	w := newWorld(t)
	tenants := w.teams(5)
	opts, now := allOptions(), w.quay.Now()
	opts.MaxAge = time.Minute
	w.quay.Faults.Add(quaytest.Fault{Path: "^/api/v1/organization/team-t[01]($|/)", Times: -1, Effect: quaytest.Status(500, nil, "")})
	opts.Tried = map[string]time.Time{"t0": now, "t1": now.Add(-time.Minute), "t2": now.Add(-30 * 24 * time.Hour), "gone": now}
	wants(t, robot.RotateAll(t.Context(), w.services(), tenants, opts), "t2 rotated", "t3 rotated", "t4 rotated", "t1 failed", "t0 failed")
}

// No more teams are worked on at once than is asked for.
func TestRotateAllAtOnce(t *testing.T) {
	w := newWorld(t)
	tenants := w.teams(8)
	opts := allOptions()
	opts.Parallel = 3
	var mu sync.Mutex
	now, most := 0, 0
	opts.Exclusively = func(ctx context.Context, _ string, work func(context.Context) error) error {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		time.Sleep(5 * time.Millisecond)
		err := work(ctx)
		mu.Lock()
		now--
		mu.Unlock()
		return err
	}
	result := robot.RotateAll(t.Context(), w.services(), tenants, opts)
	if count(result, robot.OutcomeRotated) != 7 || count(result, robot.OutcomeKept) != 1 || most != 3 {
		t.Errorf("%q, %d at once", outcomes(result), most)
	}
}

func count(r robot.RotateAllResult, outcome robot.Outcome) (n int) {
	for _, t := range r.Teams {
		if t.Outcome == outcome {
			n++
		}
	}
	return n
}

// A dry run says what would be done, and changes nothing.
func TestRotateAllDryRun(t *testing.T) {
	w := newWorld(t)
	tenants := w.teams(3)
	s := w.services()
	ctx, cancel := context.WithCancel(t.Context())
	s.Cluster = &troubledCluster{Cluster: s.Cluster, looked: func(n int) {
		if n == 4 {
			cancel()
		}
	}, runs: func() ([]string, error) { return []string{"goes on"}, nil }}
	opts := allOptions()
	wants(t, robot.RotateAll(ctx, s, tenants[:1], opts), "t0 stopped")
	before := len(w.versions[tenants[0].VaultPath])
	w.quay.ForgetRequests()
	opts.DryRun, opts.Exclusively = true, nil
	wants(t, robot.RotateAll(t.Context(), w.services(), tenants, opts), "t1 due", "t2 kept", "t0 unfinished")
	for _, r := range w.quay.Requests() {
		if r.Method != http.MethodGet {
			t.Errorf("%s %s", r.Method, r.Path)
		}
	}
	if got := len(w.versions[tenants[0].VaultPath]); got != before {
		t.Errorf("%d versions, there were %d", got, before)
	}
}

// The program dies on the way again and again, or is told to stop: in the end everything is as after one run that nothing happened to.
func TestRotateAllIsKilled(t *testing.T) {
	for _, way := range []string{"crash", "cancel"} {
		w := newWorld(t)
		tenants := w.teams(6)
		opts := allOptions()
		opts.Parallel, opts.MaxAge = 2, 30*time.Minute
		killed := 0
		var last robot.RotateAllResult
		for left := true; left; {
			if killed > 200 {
				t.Fatalf("%s: it does not end: %q", way, outcomes(last))
			}
			ctx, cancel := context.WithCancel(t.Context())
			w.calls, w.crashAt, w.dead, w.onCall = 0, 0, false, nil
			switch n := 60 + 7*killed; way {
			case "crash":
				w.crashAt = n
			default:
				calls := 0
				w.onCall = func() {
					if calls++; calls == n {
						cancel()
					}
				}
			}
			last = robot.RotateAll(ctx, w.services(), tenants, opts)
			cancel()
			if left = last.Stopped != nil || count(last, robot.OutcomeKept)+count(last, robot.OutcomeRotated)+count(last, robot.OutcomeResumed) < len(tenants); left {
				killed++
			}
		}
		w.crashAt, w.dead, w.onCall = 0, false, nil
		if killed < 3 {
			t.Errorf("%s: killed %d times", way, killed)
		}
		t.Logf("%s: killed %d times", way, killed)
		for _, tenant := range tenants {
			if w.inUse(tenant) == firstOf(tenant) {
				t.Errorf("%s: %s has its old robot", way, tenant.Team)
			}
			report, err := robot.Verify(t.Context(), w.observer(), tenant, []string{tenant.Organization + "/app"}, nil)
			if got := wrong(report); err != nil || len(got) > 0 {
				t.Errorf("%s: %s is not right: %q, %v", way, tenant.Team, got, err)
			}
		}
	}
}

// Who is not to go on is not begun, and says so.
func TestRotateAllIsCancelled(t *testing.T) {
	w := newWorld(t)
	tenants := w.teams(4)
	ctx, cancel := context.WithCancel(t.Context())
	opts := allOptions()
	opts.MaxAge = time.Minute
	opts.Ended = func(robot.TeamRotation) { cancel() }
	result := robot.RotateAll(ctx, w.services(), tenants, opts)
	wants(t, result, "t0 rotated", "t1 not-begun", "t2 not-begun", "t3 not-begun")
	if !errors.Is(result.Stopped, context.Canceled) {
		t.Errorf("stopped: %v", result.Stopped)
	}
}
