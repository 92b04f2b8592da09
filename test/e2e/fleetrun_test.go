//go:build e2e

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/cli"
	records "github.com/comptech-lab/quay-push/pkg/fleet"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// maxAge is the --max-age of the test's rotations: longer than one takes, and short enough to wait for.
const maxAge = time.Minute

// What docs/fleet.md says, followed by its word on a real API server and a real Vault: both CronJobs run as their own accounts, leave what
// they found for the metrics, name the team that is broken and go on with the other; and two that rotate at once rotate each team once.
func TestFleet(t *testing.T) {
	ctx := within(t, 12*time.Minute)
	f := openFleet(t, ctx)
	f.switchOn(ctx)
	scrape := f.newScraper(ctx)

	t.Run("verify", func(t *testing.T) {
		printed := f.follow(ctx, f.page("kubectl create job"))
		j := f.end(ctx, "verify", "first-verify")
		if j.exit != cli.ExitOK || !strings.Contains(printed, "2 tenants, 2 are right") {
			t.Errorf("exit %d\n%s", j.exit, printed)
		}
		v := record[records.Verification](f, ctx, records.VerifyConfigMap)
		reports, _ := f.asked(ctx)
		want := f.verification(reports, v.Ended)
		for name, value := range rotation(records.Rotation{}, nil) {
			want[name] = value
		}
		scrape.tells(ctx, want, f.ages(ctx, teams...))
		f.guarded(t, ctx, j.pod)
	})
	t.Run("rotate leaves what is young", func(t *testing.T) {
		before := f.robotsInUse(ctx)
		f.begin(ctx, "rotate", "young")
		if j := f.end(ctx, "rotate", "young"); j.exit != cli.ExitOK || !strings.HasSuffix(j.log, "2 teams: 2 kept\n") {
			t.Errorf("exit %d\n%s", j.exit, j.log)
		}
		if now := f.robotsInUse(ctx); now != before {
			t.Errorf("the robots in use are %q, and were %q", now, before)
		}
	})
	f.shorten(ctx)
	t.Run("two Jobs rotate at once", func(t *testing.T) { f.rotateTwice(t, ctx) })
	t.Run("a team is broken", func(t *testing.T) { f.broken(t, ctx, scrape) })
	scrape.alerted(ctx)
	for _, team := range teams {
		f.tool(ctx, cli.ExitOK, "offboard", team, "--yes", "--apply")
	}
	f.hear(ctx)
}

// robotsInUse are the teams' robots, by Vault.
func (f *fleet) robotsInUse(ctx context.Context) (robots [2]string) {
	f.Helper()
	for i, team := range teams {
		stored, err := f.vault.client.Read(ctx, "apps/e2e/"+team+"/ci/quay-robot")
		if err != nil {
			f.Fatal(err)
		}
		username := stored.Data["username"]
		robots[i] = username.Reveal()
	}
	return robots
}

// written is when Vault wrote the teams' tokens.
func (f *fleet) written(ctx context.Context, of ...string) map[string]time.Time {
	f.Helper()
	written := map[string]time.Time{}
	for _, team := range of {
		written[team] = f.writtenAt(ctx, "apps/e2e/"+team+"/ci/quay-robot")
	}
	return written
}

// writtenAt is when Vault wrote what is at path.
func (f *fleet) writtenAt(ctx context.Context, path string) time.Time {
	f.Helper()
	stored, err := f.vault.client.Read(ctx, path)
	if err != nil {
		f.Fatal(err)
	}
	return stored.Created
}

// shorten has rotate replace what is older than maxAge, by the kustomization of the page.
func (f *fleet) shorten(ctx context.Context) {
	f.Helper()
	dir := filepath.Join(f.T.TempDir(), "checkout")
	if err := os.CopyFS(filepath.Join(dir, "config", "fleet"), os.DirFS("../../config/fleet")); err != nil {
		f.Fatal(err)
	}
	kustomization := f.page("# kustomization.yaml")
	if !strings.Contains(kustomization, `"--max-age=2160h"`) {
		f.Fatalf("the page changes no age:\n%s", kustomization)
	}
	files, err := filepath.Glob(filepath.Join(dir, "config", "fleet", "*.yaml"))
	if err != nil || len(files) < 5 {
		f.Fatalf("%q, %v", files, err)
	}
	for _, file := range files {
		if line := "  - config/fleet/" + filepath.Base(file) + "\n"; !strings.Contains(kustomization, line) {
			f.Errorf("the page's kustomization has not %q", line)
		}
	}
	writeFile(f.T, dir, "kustomization.yaml", []byte(strings.Replace(kustomization, "2160h", maxAge.String(), 1)))
	apply := strings.TrimSpace(f.page("kubectl kustomize . |"))
	f.run(ctx, checkout, strings.Replace(apply, "kustomize .", "kustomize "+dir, 1))
	// It is of the checkout, where the CronJobs are not suspended.
	f.follow(ctx, f.page("kubectl patch cronjob fleet-verify"))
}

// rotateTwice begins two Jobs while a stranger holds the Lease of the first team's credential, so that both wait for it.
func (f *fleet) rotateTwice(t *testing.T, ctx context.Context) {
	for team, at := range f.written(ctx, teams...) {
		waitUntil(t, ctx, "team "+team+"'s token is old", func() bool { return time.Since(at) > maxAge })
	}
	before, names := f.robotsInUse(ctx), []string{"rotate-a", "rotate-b"}
	// Else one would be deleted when the other has ended.
	f.run(ctx, checkout, `kubectl patch cronjob fleet-rotate --namespace quay-push --type merge --patch '{"spec":{"successfulJobsHistoryLimit":9}}'`)
	release := f.hold(t, ctx, "credential-"+teams[0])
	for _, name := range names {
		f.begin(ctx, "rotate", name)
	}
	waitUntil(t, ctx, "both Jobs are at work", func() bool {
		for _, name := range names {
			pods, err := s.Kube.CoreV1().Pods(system).List(ctx, metav1.ListOptions{LabelSelector: "batch.kubernetes.io/job-name=" + name})
			if err != nil || len(pods.Items) != 1 || pods.Items[0].Status.Phase != corev1.PodRunning {
				return false
			}
			log, err := s.Kube.CoreV1().Pods(system).GetLogs(pods.Items[0].Name, &corev1.PodLogOptions{}).DoRaw(ctx)
			if err != nil || !strings.Contains(string(log), "  still  ") {
				return false
			}
		}
		return f.robotsInUse(ctx)[1] != before[1] // The other team is done.
	})
	if now := f.robotsInUse(ctx); now[0] != before[0] {
		t.Errorf("team %s was rotated while another held its Lease: %s has the place of %s", teams[0], now[0], before[0])
	}
	release()
	rotated := 0
	for _, name := range names {
		j := f.end(ctx, "rotate", name)
		if j.exit != cli.ExitOK {
			t.Errorf("%s: exit %d\n%s", name, j.exit, j.log)
		}
		for _, team := range teams {
			if strings.Contains(j.log, "\n"+team+" ") {
				rotated++
			}
		}
		t.Logf("%s:\n%s", name, j.log)
	}
	now := f.robotsInUse(ctx)
	for i, team := range teams {
		if names := tenant.Default().Names(team); names.Generation(now[i]) != names.Generation(before[i])+1 {
			t.Errorf("team %s pushed with %s, and pushes with %s", team, before[i], now[i])
		}
		f.tool(ctx, cli.ExitOK, "verify", team)
	}
	if rotated != len(teams) {
		t.Errorf("%d rotations were told of, want %d", rotated, len(teams))
	}
}

// hold holds the Lease as somebody who works on the credential, until the returned function is called.
func (f *fleet) hold(t *testing.T, ctx context.Context, name string) (release func()) {
	t.Helper()
	leases, holding := s.Kube.CoordinationV1().Leases(system), sync.WaitGroup{}
	put := func(ctx context.Context, holder string) error {
		now := metav1.NowMicro()
		spec := coordinationv1.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: new(int32(30)), AcquireTime: &now, RenewTime: &now}
		lease, err := leases.Get(ctx, name, metav1.GetOptions{})
		if apierrs.IsNotFound(err) {
			_, err = leases.Create(ctx, &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}, metav1.CreateOptions{})
			return err
		} else if err != nil {
			return err
		}
		lease.Spec = spec
		_, err = leases.Update(ctx, lease, metav1.UpdateOptions{})
		return err
	}
	if err := put(ctx, "e2e"); err != nil {
		t.Fatal(err)
	}
	renewing, stop := context.WithCancel(ctx)
	holding.Go(func() {
		for tick := time.NewTicker(2 * time.Second); ; {
			select {
			case <-renewing.Done():
				return
			case <-tick.C:
			}
			if err := put(renewing, "e2e"); err != nil && renewing.Err() == nil {
				t.Errorf("holding %s: %v", name, err)
			}
		}
	})
	release = sync.OnceFunc(func() {
		stop()
		holding.Wait()
		if err := put(context.WithoutCancel(ctx), ""); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(release)
	return release
}

// broken has Vault lose the credential of a team: both runs name it, and what is to be done; the other team is looked at and rotated.
func (f *fleet) broken(t *testing.T, ctx context.Context, scrape *scraper) {
	whole, lost := teams[0], teams[1]
	if err := f.vault.client.Delete(ctx, "apps/e2e/"+lost+"/ci/quay-robot"); err != nil {
		t.Fatal(err)
	}
	f.begin(ctx, "verify", "broken-verify")
	j := f.end(ctx, "verify", "broken-verify")
	reports, exit := f.asked(ctx)
	if j.exit != exit || exit == cli.ExitOK || !strings.Contains(j.log, "\n"+lost+" ") || strings.Contains(j.log, "\n"+whole+" ") || !strings.Contains(j.log, "2 tenants, 1 are right") {
		t.Errorf("verify: exit %d\n%s", j.exit, j.log)
	}
	v := record[records.Verification](f, ctx, records.VerifyConfigMap)
	want := f.verification(reports, v.Ended)
	for team, at := range f.written(ctx, whole) {
		waitUntil(t, ctx, "team "+team+"'s token is old", func() bool { return time.Since(at) > maxAge })
	}
	ages := f.ages(ctx, whole)
	names, old := tenant.Default().Names(whole), f.inUse(ctx)
	f.begin(ctx, "rotate", "broken-rotate")
	j = f.end(ctx, "rotate", "broken-rotate")
	if j.exit == cli.ExitOK || !strings.Contains(j.log, "\n"+lost+" ") || !strings.Contains(j.log, "1 of 2 teams are left") {
		t.Errorf("rotate: exit %d\n%s", j.exit, j.log)
	}
	t.Logf("rotate with a team that is broken: exit %d\n%s", j.exit, j.log)
	if now := f.inUse(ctx); names.Generation(now) != names.Generation(old)+1 {
		t.Errorf("team %s pushed with %s, and pushes with %s", whole, old, now)
	}
	f.tool(ctx, cli.ExitOK, "verify", whole)
	r := record[records.Rotation](f, ctx, records.RotateConfigMap)
	if r.MaxAgeSeconds != maxAge.Seconds() || !r.Good.Equal(r.Ended) {
		t.Errorf("rotate left %+v", r)
	}
	for name, value := range rotation(r, map[robot.Outcome]float64{robot.OutcomeRotated: 1, robot.OutcomeFailed: 1}) {
		want[name] = value
	}
	// Of the token that rotate wrote the next verify tells.
	scrape.tells(ctx, want, ages)
	f.onboard(ctx, lost)
	f.eventually(ctx, "verify", lost)
}
