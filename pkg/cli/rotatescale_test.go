//go:build scale

package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	k8sruntime "k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// rate is how many requests a second rotate --all may send to Quay here.
const rate = 200

// rotating is one run of rotate --all: its result, how many requests it sent within the busiest second, and what it held when it
// printed its result, in bytes.
type rotating struct {
	rotation
	exit     cli.Exit
	requests int
	busiest  int
	held     int64
	took     time.Duration
}

// rotateAll runs rotate --all once. ended is told of each team that has ended.
func (w *world) rotateAll(ctx context.Context, m *mortal, ended func()) (r rotating) {
	w.Helper()
	w.quay.ForgetRequests()
	p := w.program()
	var out strings.Builder
	var whole uint64
	open := p.Vault
	p.Vault = func(mount string) (cli.Vault, error) {
		v, err := open(mount)
		return mortalVault{v, m}, err
	}
	p.Lease = 8 * time.Second
	p.Err = watch(func(line string) {
		if strings.Contains(line, "  team ") {
			ended()
		}
	})
	p.Out = watch(func(text string) {
		requests := w.quay.Requests()
		r.requests, r.busiest = len(requests), fastest(requests, time.Second)
		requests = nil
		w.forget()
		whole = heap()
		out.WriteString(text)
	})
	began := time.Now()
	r.exit = p.Run(ctx, []string{"rotate", "--all", "--max-age", "720h", "--timeout", "30s", "--rate", fmt.Sprint(rate), "-o", "json"})
	r.took = time.Since(began)
	p.Out, p.Err = io.Discard, io.Discard
	r.held = int64(whole) - int64(heap())
	runtime.KeepAlive(w)
	r.rotation = decode(w, out.String())
	w.Logf("%s: exit %d, %v, %d requests to Quay, %d within the busiest second, %d KiB held", r.took.Round(100*time.Millisecond), r.exit, r.Counts, r.requests, r.busiest, r.held>>10)
	if r.busiest > rate {
		w.Errorf("%d requests to Quay within a second, want %d at most", r.busiest, rate)
	}
	if most := 1 + rate*r.took.Seconds(); float64(r.requests) > most {
		w.Errorf("%d requests to Quay in %s, want %.0f at most", r.requests, r.took, most)
	}
	return r
}

// mortal has the program die once dead is set: nothing that it asks for gets through any more, and its Leases stay its own.
type mortal struct{ dead atomic.Bool }

var errDead = errors.New("dead")

// reach has the cluster be out of reach of the dead.
func (m *mortal) reach(w *world) {
	refuse := func(clienttesting.Action) (bool, k8sruntime.Object, error) {
		if m.dead.Load() {
			return true, nil, errDead
		}
		return false, nil, nil
	}
	w.kube.PrependReactor("*", "*", refuse)
	w.tekton.PrependReactor("*", "*", refuse)
	w.dynamic.PrependReactor("*", "*", refuse)
}

// die has the next request that changes something in Quay do what it asks, and its answer is lost with all that follows.
func (m *mortal) die(w *world) {
	w.quay.Faults.Add(quaytest.Fault{Name: "dead", Times: -1, Effect: func(q *quaytest.Quay, answer http.ResponseWriter, r *http.Request, next http.Handler) {
		switch {
		case m.dead.Load():
			quaytest.Reset(0)(q, answer, r, next)
		case r.Method == http.MethodGet:
			next.ServeHTTP(answer, r)
		default:
			m.dead.Store(true)
			quaytest.CommitThenReset()(q, answer, r, next)
		}
	}})
}

// mortalVault is a Vault that the dead do not reach: every change of the tool begins with a look.
type mortalVault struct {
	cli.Vault
	*mortal
}

func (v mortalVault) Mount(ctx context.Context) (vault.Mount, error) {
	if v.dead.Load() {
		return vault.Mount{}, errDead
	}
	return v.Vault.Mount(ctx)
}

func (v mortalVault) Metadata(ctx context.Context, path string) (vault.Metadata, error) {
	if v.dead.Load() {
		return vault.Metadata{}, errDead
	}
	return v.Vault.Metadata(ctx, path)
}

func (v mortalVault) Read(ctx context.Context, path string) (vault.Secret, error) {
	return v.ReadVersion(ctx, path, 0)
}

func (v mortalVault) ReadVersion(ctx context.Context, path string, version int) (vault.Secret, error) {
	if v.dead.Load() {
		return vault.Secret{}, errDead
	}
	return v.Vault.ReadVersion(ctx, path, version)
}

// Of a thousand teams, five are broken in five ways: they are named, and the others are rotated, in whatever way the runs before were
// killed; Quay is asked no faster than is allowed.
func TestRotateAllOfAThousandTeams(t *testing.T) {
	w := newWorld(t)
	w.populate(1000)
	w.quay.Advance(800 * time.Hour)
	said := w.broken("t100", "t300", "t500", "t700", "t900")
	m := &mortal{}
	m.reach(w)
	for run, after := range []int{200, 250, 300} {
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		r := w.rotateAll(ctx, m, func() {
			switch n++; {
			case n == after && run == 1:
				m.die(w)
			case n == after:
				cancel()
			}
		})
		cancel()
		if r.Counts["not-begun"] == 0 || (r.exit == cli.ExitCancelled) != (run != 1) || m.dead.Load() != (run == 1) {
			t.Errorf("run %d was not killed: exit %d, %v", run, r.exit, r.Counts)
		}
		m.dead.Store(false)
		w.quay.Faults.Clear()
		w.failsAt("t500")
	}
	last := w.rotateAll(t.Context(), m, func() {})
	left := map[string]string{}
	for _, team := range last.Teams {
		if team.Exit != "" {
			left[team.Team] = team.Exit
		} else if team.Robot == "team-"+team.Team+"+ci" {
			t.Errorf("%s has its old robot", team.Team)
		}
	}
	if fmt.Sprint(left) != fmt.Sprint(said) || last.exit != cli.ExitFindings || len(last.Teams) != 1000 {
		t.Errorf("exit %d, %d teams, left are %v, want %v", last.exit, len(last.Teams), left, said)
	}
	// Verify goes on, too, where Quay fails at one team.
	exit, text, _ := w.run(t.Context(), "", "verify", "--all", "-o", "json")
	var verified struct{ Reports []robot.Report }
	if err := json.Unmarshal([]byte(text), &verified); err != nil || len(verified.Reports) != 1000 || exit == cli.ExitOK {
		t.Fatalf("%d reports, %v", len(verified.Reports), err)
	}
	for _, r := range verified.Reports {
		if said[r.Tenant] == "" && !r.OK() || r.Tenant == "t500" && r.OK() {
			t.Errorf("%s is right: %t: %v", r.Tenant, r.OK(), r.Checks)
		}
	}
}

// What is held of a team is small, however many there are.
func TestRotateAllOfAThousandTeamsHoldsLittle(t *testing.T) {
	held := map[int]int64{}
	for _, n := range []int{100, 1000} {
		w := ripe(t, n)
		r := w.rotateAll(t.Context(), &mortal{}, func() {})
		if r.exit != cli.ExitOK || r.Counts["rotated"] != n {
			t.Errorf("%d teams: exit %d, %v", n, r.exit, r.Counts)
		}
		held[n] = r.held
	}
	const perTeam = 4 << 10
	if more := held[1000] - held[100]; more > 900*perTeam {
		t.Errorf("900 teams more hold %d bytes", more)
	}
}
