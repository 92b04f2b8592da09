package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/externalsecret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// pathOf is where populate put a team's credential.
func pathOf(team string) string { return "apps/division/" + team + "/ci/quay-robot" }

// all runs rotate --all.
func (w *world) all(args ...string) (exit cli.Exit, stdout, stderr string) {
	w.Helper()
	return w.run(w.Context(), "", append([]string{"rotate", "--all", "--max-age", "720h", "--rate", "5000"}, args...)...)
}

// rotation is the result of rotate --all as a program reads it.
type rotation struct {
	APIVersion, Kind string
	DryRun           bool
	MaxAgeSeconds    float64
	Counts           map[string]int
	Stopped          string
	Teams            []struct{ Team, Outcome, Robot, Age, Exit, Problem, Next string }
}

func decode(t testing.TB, text string) (r rotation) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return r
}

// ripe has n teams whose credentials are 800 hours old.
func ripe(t testing.TB, n int) *world {
	w := newWorld(t)
	w.populate(n)
	w.quay.Advance(800 * time.Hour)
	return w
}

func TestRotateAll(t *testing.T) {
	w := ripe(t, 3)
	exit, stdout, stderr := w.all("--parallel", "1")
	want := []string{
		"TEAM  OUTCOME  AGE       FOUND",
		"t0    rotated  800h0m0s  it pushes with team-t0+ci-",
		"t1    rotated  800h0m0s  it pushes with team-t1+ci-",
		"t2    rotated  800h0m0s  it pushes with team-t2+ci-",
		"3 teams: 3 rotated"}
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if exit != cli.ExitOK || !slices.EqualFunc(lines, want, strings.HasPrefix) {
		t.Errorf("exit %d\n%s", exit, stdout)
	}
	for i, line := range []string{"rotated  team t0 (1 of 3)", "rotated  team t1 (2 of 3)", "rotated  team t2 (3 of 3)"} {
		if got := strings.Split(stderr, "\n"); len(got) != 4 || got[i] != line {
			t.Errorf("progress is %q", got)
		}
	}
	leases, err := w.kube.CoordinationV1().Leases("quay-push").List(t.Context(), metav1.ListOptions{})
	if err != nil || len(leases.Items) != 3 || slices.ContainsFunc(leases.Items, func(l coordinationv1.Lease) bool { return *l.Spec.HolderIdentity != "" }) {
		t.Errorf("leases are %v, %v", leases, err)
	}
	w.must("verify", "--all")
	exit, stdout, stderr = w.all("-o", "json")
	if stderr != "" {
		t.Errorf("what is kept is told one by one:\n%s", stderr)
	}
	r := decode(t, stdout)
	if exit != cli.ExitOK || r.APIVersion != "cli.quay.comptech-lab.com/v1alpha1" || r.Kind != "RotationOfAll" || r.MaxAgeSeconds != 720*3600 || len(r.Teams) != 3 || r.Counts["kept"] != 3 {
		t.Errorf("exit %d\n%s", exit, stdout)
	}
	for _, outcome := range []string{"rotated", "resumed", "kept", "due", "unfinished", "waiting", "busy", "stopped", "failed", "not-begun"} {
		if _, ok := r.Counts[outcome]; !ok {
			t.Errorf("no count of %q", outcome)
		}
	}
	if text := w.must("rotate", "--all", "--max-age", "720h"); text != "3 teams: 3 kept\n" {
		t.Errorf("run again:\n%s", text)
	}
}

// A dry run says which teams are due and why, and holds no Lease.
func TestRotateAllDryRun(t *testing.T) {
	w := ripe(t, 2)
	w.onboard("payments")
	exit, stdout, _ := w.all("--dry-run")
	if exit != cli.ExitOK || !strings.Contains(stdout, "t0    due      800h0m0s  it would be rotated: its credential is older than 720h0m0s") || !strings.HasSuffix(stdout, "3 teams: 1 kept, 2 due\n") {
		t.Errorf("exit %d\n%s", exit, stdout)
	}
	if leases, err := w.kube.CoordinationV1().Leases("quay-push").List(t.Context(), metav1.ListOptions{}); err != nil || len(leases.Items) != 0 {
		t.Errorf("leases are %v, %v", leases.Items, err)
	}
	if got := len(w.versions[pathOf("t0")]); got != 1 {
		t.Errorf("%d versions in Vault", got)
	}
}

// broken breaks five teams of a population in five ways, and returns what is said of each.
func (w *world) broken(teams ...string) map[string]string {
	w.Helper()
	w.mu.Lock()
	delete(w.versions, pathOf(teams[0]))
	foreign := *w.versions[pathOf(teams[1])][0]
	foreign.Data = vault.Data{"username": w.versions[pathOf(teams[2])][0].Data["username"], "token": foreign.Data["token"]}
	w.versions[pathOf(teams[1])][0] = &foreign
	w.mu.Unlock()
	w.failsAt(teams[2])
	object := w.externalSecret(teams[3])
	if err := unstructured.SetNestedField(object.Object, "0", "spec", "refreshInterval"); err != nil {
		w.Fatal(err)
	}
	if err := w.dynamic.Tracker().Update(externalsecret.Resource, object, shared); err != nil {
		w.Fatal(err)
	}
	run := &pipelinev1.PipelineRun{ObjectMeta: metav1.ObjectMeta{Namespace: shared, Name: teams[4] + "--endless", Labels: map[string]string{"apps.platform/team": teams[4]}}}
	if err := w.tekton.Tracker().Add(run); err != nil {
		w.Fatal(err)
	}
	return map[string]string{teams[0]: "missing", teams[1]: "refused", teams[2]: "failure", teams[3]: "refused", teams[4]: "timeout"}
}

// failsAt has Quay fail at a team's organization.
func (w *world) failsAt(team string) {
	w.quay.Faults.Add(quaytest.Fault{Name: "500", Path: "^/api/v1/organization/team-" + team + "($|/)", Times: -1,
		Effect: quaytest.Status(500, nil, `{"message":"oops"}`)})
}

// What is wrong with a team is told of it with the next step; the others are rotated, and what is left is done once it is mended.
func TestRotateAllWithBrokenTeams(t *testing.T) {
	w := ripe(t, 8)
	said := w.broken("t1", "t2", "t3", "t4", "t5")
	// What waits for the run that never ends is given that long; the others, which take moments, have to be done by then on a busy machine, too.
	exit, stdout, stderr := w.all("--timeout", "12s", "-o", "json")
	r := decode(t, stdout)
	if exit != cli.ExitFindings || r.Counts["rotated"] != 3 || r.Counts["failed"] != 4 || r.Counts["waiting"] != 1 || r.Stopped != "" {
		t.Errorf("exit %d, %v, stopped: %s", exit, r.Counts, r.Stopped)
	}
	for _, team := range r.Teams {
		if team.Exit != said[team.Team] || (team.Exit != "") != (team.Problem != "" && team.Next != "") {
			t.Errorf("%+v", team)
		}
	}
	if !strings.HasSuffix(stderr, "tkn quay: 5 of 8 teams are left\nnext: do what is said of each, then run it again: it leaves alone what is done\n") {
		t.Errorf("stderr is\n%s", stderr)
	}
	w.quay.Faults.Clear()
	if err := w.tekton.TektonV1().PipelineRuns(shared).Delete(t.Context(), "t5--endless", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	exit, stdout, _ = w.all()
	if exit != cli.ExitFindings || !strings.Contains(stdout, "t5    resumed") || !strings.HasSuffix(stdout, "8 teams: 1 rotated, 1 resumed, 3 kept, 3 failed\n") {
		t.Errorf("mended: exit %d\n%s", exit, stdout)
	}
}

// Where all that are left are so for one reason, the exit code is that of the reason.
func TestRotateAllOfABusyTeam(t *testing.T) {
	w := ripe(t, 2)
	now := metav1.NewMicroTime(time.Now().Add(time.Hour))
	if err := w.kube.Tracker().Add(&coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: "quay-push", Name: "credential-t1"},
		Spec: coordinationv1.LeaseSpec{HolderIdentity: new("another"), LeaseDurationSeconds: new(int32(3600)), AcquireTime: &now, RenewTime: &now}}); err != nil {
		t.Fatal(err)
	}
	p := w.program()
	var out strings.Builder
	p.Lease, p.Out, p.Err = 3*time.Second, &out, io.Discard
	exit := p.Run(t.Context(), []string{"rotate", "--all", "--max-age", "720h"})
	if text := out.String(); exit != cli.ExitConflict || !strings.Contains(text, `t1    busy     800h0m0s  Lease "quay-push/credential-t1" is held by "another"; let it end, then run this again`) ||
		!strings.HasSuffix(text, "2 teams: 1 rotated, 1 busy\n") {
		t.Errorf("exit %d\n%s", exit, text)
	}
}

// What all teams would meet is told once, with how many were not begun.
func TestRotateAllStopsEarly(t *testing.T) {
	w := ripe(t, 20)
	w.quay.RevokeOAuthTokens()
	exit, stdout, stderr := w.all("--parallel", "2")
	if exit != cli.ExitNoRight || !strings.Contains(stdout, "20 teams: 2 failed, 18 not begun\n") {
		t.Errorf("exit %d\n%s", exit, stdout)
	}
	if want := "20 of 20 teams are left, and no further one was begun, since all would meet what one has met: "; !strings.Contains(stderr, want) ||
		!strings.HasSuffix(stderr, "next: make another OAuth token in Quay: this one is wrong or has expired\n") {
		t.Errorf("stderr is\n%s", stderr)
	}
}

// Whoever stops it gets what was done until then; the teams under way are resumed, and none is without a credential.
func TestRotateAllIsCancelled(t *testing.T) {
	w := ripe(t, 6)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := w.program()
	var out, told strings.Builder
	p.Out, p.Err = &out, watch(func(line string) {
		if told.WriteString(line); strings.Contains(line, "(2 of 6)") {
			cancel()
		}
	})
	exit := p.Run(ctx, []string{"rotate", "--all", "--max-age", "720h", "--parallel", "2", "-o", "json"})
	r := decode(t, out.String())
	if exit != cli.ExitCancelled || r.Counts["rotated"] < 2 || r.Counts["not-begun"] < 2 || r.Counts["failed"] != 0 || r.Counts["stopped"]+r.Counts["rotated"]+r.Counts["not-begun"] != 6 {
		t.Errorf("exit %d, %v", exit, r.Counts)
	}
	for _, team := range r.Teams {
		if stopped := team.Outcome == "stopped"; stopped != (team.Exit == "cancelled") || stopped != (team.Next == "run it again: it goes on from here") {
			t.Errorf("%+v", team)
		}
	}
	if !strings.HasSuffix(told.String(), "next: run it again: it goes on from here\n") {
		t.Errorf("told is\n%s", told.String())
	}
	if exit, stdout, _ := w.all(); exit != cli.ExitOK || strings.Contains(stdout, "failed") {
		t.Errorf("run again: exit %d\n%s", exit, stdout)
	}
	w.must("verify", "--all")
}

// While it works, it says how far it is; each team has the time that --timeout gives.
func TestRotateAllTellsHowFarItIs(t *testing.T) {
	w := ripe(t, 2)
	w.asleep = true
	var mu sync.Mutex
	told := ""
	p := w.program()
	var out strings.Builder
	p.Tick, p.Out = 5*time.Millisecond, &out
	p.Err = watch(func(line string) {
		mu.Lock()
		defer mu.Unlock()
		told += line
	})
	exit := p.Run(t.Context(), []string{"rotate", "--all", "--max-age", "720h", "--parallel", "1", "--timeout", "1s"})
	if text := out.String(); strings.Count(text, `still waiting for Secret "openshift-pipelines/quay-robot-team-t`) != 2 || strings.Count(text, "run it again with more time: it goes on from here") != 2 {
		t.Errorf("it printed\n%s", text)
	}
	if exit != cli.ExitTimeout || !strings.Contains(told, "waiting  team t0 (1 of 2)") || !strings.Contains(told, "waiting  team t1 (2 of 2)") || !strings.Contains(told, "  still  1 of 2 teams are done (") {
		t.Errorf("exit %d\n%s", exit, told)
	}
}

// fastest is the most requests that arrived at Quay within any time as long as d.
func fastest(requests []quaytest.Request, d time.Duration) (most int) {
	for first, last := 0, 0; last < len(requests); last++ {
		for requests[last].Arrived.Sub(requests[first].Arrived) > d {
			first++
		}
		most = max(most, last-first+1)
	}
	return most
}

// Quay is asked no faster than --rate says, whatever is worked on at once: in a second that many, and half as many at once after a pause.
func TestRotateAllKeepsToTheRate(t *testing.T) {
	w := ripe(t, 8)
	w.quay.ForgetRequests()
	if exit, stdout, stderr := w.run(t.Context(), "", "rotate", "--all", "--max-age", "720h", "--parallel", "8", "--rate", "60"); exit != cli.ExitOK {
		t.Fatalf("exit %d\n%s%s", exit, stdout, stderr)
	}
	requests := w.quay.Requests()
	if most := fastest(requests, time.Second); len(requests) < 150 || most > 95 {
		t.Errorf("%d requests, %d within a second", len(requests), most)
	}
}

func TestFastest(t *testing.T) {
	at := time.Now()
	requests := []quaytest.Request{}
	for _, ms := range []int{0, 10, 400, 1005, 1400, 3000} {
		requests = append(requests, quaytest.Request{Arrived: at.Add(time.Duration(ms) * time.Millisecond)})
	}
	if got := fmt.Sprint(fastest(requests, time.Second), fastest(requests, time.Minute), fastest(nil, time.Second)); got != "3 6 0" {
		t.Errorf("fastest is %s", got)
	}
}
