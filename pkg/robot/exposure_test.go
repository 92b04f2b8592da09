package robot_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// exposed has a team that was never rotated, which has pushed once since the time that is returned.
func exposed(t *testing.T) (*world, time.Time) {
	w := newWorld(t)
	w.onboard()
	since := w.quay.Now()
	w.quay.Advance(time.Minute)
	w.push("team-payments/api", "v1", first, w.quay.RobotToken(first))
	return w, since
}

// markdown is the report as people read it.
func markdown(t *testing.T, report robot.LeakReport) string {
	t.Helper()
	var text strings.Builder
	if err := report.WriteMarkdown(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// What nobody could look at is not known, in every format, and never 0; the rest is read all the same.
func TestLeakDoesNotTakeUnknownForNone(t *testing.T) {
	const pushes, noPushes, tags, noTags = `## Pushes in that time: 1`, `## Pushes in that time: not known`, `## Tags set in that time: 1`, `## Tags set in that time: not known`
	never := quaytest.Status(http.StatusNotImplemented, nil, `{"message":"Method not implemented, Splunk does not support log lookups"}`)
	crash := quaytest.Status(http.StatusInternalServerError, nil, "")
	for name, test := range map[string]struct {
		fault quaytest.Fault
		// lines are in the Markdown; failed says that the error is to be seen, reason is in the report.
		lines  []string
		failed bool
		reason string
	}{
		"the log is elsewhere":          {quaytest.Fault{Path: "/logs$", Effect: never}, []string{noPushes, tags}, true, `501 Not Implemented "Method not implemented, Splunk`},
		"the log crashes":               {quaytest.Fault{Path: "/logs$", Effect: crash}, []string{noPushes, tags}, true, "500 Internal Server Error"},
		"the log never ends":            {quaytest.Fault{Path: "/logs$", Effect: quaytest.Status(200, nil, `{"logs":[],"next_page":"x"}`)}, []string{noPushes, tags}, false, "more than 1000 pages"},
		"the repositories are not told": {quaytest.Fault{Path: "/api/v1/repository$", Effect: crash}, []string{pushes, noTags}, true, "listing repositories"},
		"the tags are not told":         {quaytest.Fault{Path: "/tag/$", Effect: crash}, []string{pushes, noTags}, true, "listing tags"},
		"one repository's are not":      {quaytest.Fault{Path: "/web/tag/$", Effect: crash}, []string{pushes, "## Tags set in that time: 1 or more"}, true, `tags of "team-payments/web" that are not listed`},
	} {
		for _, plan := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				w, since := exposed(t)
				test.fault.Times = -1
				w.quay.Faults.Add(test.fault)
				run := robot.Leak
				if plan {
					run = robot.PlanLeak
				}
				report, err := run(t.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: since, First: robot.FirstBurn})
				if (err != nil) != test.failed || report.Burnt.IsZero() != plan {
					t.Errorf("error is %v, burnt %s", err, report.Burnt)
				}
				text := markdown(t, report)
				for _, line := range test.lines {
					if !slices.Contains(strings.Split(text, "\n"), line) {
						t.Errorf("there is no line %q in\n%s", line, text)
					}
				}
				if !strings.Contains(text, test.reason) {
					t.Errorf("it does not say %q:\n%s", test.reason, text)
				}
				data, err := json.Marshal(report)
				if err != nil || strings.Contains(string(data), `"pushes":[]`) || strings.Contains(string(data), `"tags":[]`) {
					t.Errorf("an empty list stands for what is not known: %s, %v", data, err)
				}
				if want := strings.Contains(text, pushes+"\n"); report.PushesComplete != want || strings.Contains(string(data), `"pushes":null`) == want {
					t.Errorf("complete: %t, want %t: %s", report.PushesComplete, want, data)
				}
			})
		}
	}
}

// lastTags calls then when the tags of repository were read.
type lastTags struct {
	robot.Quay
	repository string
	then       func()
}

func (q lastTags) Tags(ctx context.Context, repository string, since time.Time) ([]quay.Tag, error) {
	tags, err := q.Quay.Tags(ctx, repository, since)
	if repository == q.repository {
		q.then()
	}
	return tags, err
}

// Nothing pushed is a 0 that somebody has looked for.
func TestLeakSaysThatNothingWasPushed(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	w.quay.Advance(time.Minute)
	report, err := robot.Leak(t.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: w.quay.Now(), First: robot.FirstBurn})
	if text := markdown(t, report); err != nil || !strings.Contains(text, "## Pushes in that time: 0\n") || !strings.Contains(text, "## Tags set in that time: 0\n") {
		t.Errorf("%v\n%s", err, text)
	}
	if report.Pushes == nil || report.Tags == nil || !report.PushesComplete || !report.TagsComplete {
		t.Errorf("report is %+v", report)
	}
}

// The Secret never comes: what was pushed is in the report, and so is that the team cannot push.
func TestLeakLooksWhileTheSecretDoesNotCome(t *testing.T) {
	w, since := exposed(t)
	w.external[w.Secret] = robot.ExternalSecret{Reason: "SecretSyncedError", Message: "permission denied", Path: w.VaultPath}
	// The time is up when the last tags were read, and the Secret is waited for.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var left atomic.Int32
	left.Store(2)
	done := func() {
		if left.Add(-1) == 0 {
			cancel()
		}
	}
	s := w.services()
	s.Quay = lastTags{s.Quay, "team-payments/web", done}
	s.Report = func(step robot.Step) {
		if step.ID == "secret" && step.State == robot.Running {
			done()
		}
	}
	report, err := robot.Leak(ctx, s, w.Tenant, robot.LeakOptions{Since: since, First: robot.FirstBurn})
	e := (*robot.Error)(nil)
	if !errors.As(err, &e) || e.Reason != robot.ReasonTimeout || len(report.Pushes) != 1 || !report.PushesComplete || len(report.Tags) != 1 || !report.TagsComplete {
		t.Errorf("report is %+v, %v", report, err)
	}
	if text := markdown(t, report); !strings.Contains(text, "- whether the team can push again: still waiting for Secret") {
		t.Errorf("report is\n%s", text)
	}
}

// Quay answers 500 for a performer that does not exist: a team that was never rotated has one robot, and the log of the other is not asked for.
func TestLeakOfATeamThatWasNeverRotated(t *testing.T) {
	w, since := exposed(t)
	w.quay.ForgetRequests()
	report, err := robot.Leak(t.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: since, First: robot.FirstBurn})
	if err != nil || len(report.Pushes) != 1 || !report.Verification.OK() {
		t.Errorf("report is %+v, %v", report, err)
	}
	asked := 0
	for _, r := range w.quay.Requests() {
		if strings.HasSuffix(r.Path, "/logs") {
			if asked++; r.Query.Get("performer") != first {
				t.Errorf("it asked for %q", r.Query)
			}
		}
	}
	if asked == 0 || !strings.Contains(markdown(t, report), "- pushes of robots that were deleted before: ") {
		t.Errorf("%d requests for the log:\n%s", asked, markdown(t, report))
	}
}
