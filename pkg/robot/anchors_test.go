package robot_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

const anchorPattern = "digest-[0-9a-f]{32}"

// anchors are the policies of the organization, and what bootstrap says of the step.
func (w *world) anchors() (policies []string, step robot.Step) {
	w.Helper()
	steps, err := robot.Bootstrap(w.Context(), w.observer(), w.Tenant, robot.BootstrapOptions{})
	if err != nil {
		w.Fatal(err)
	}
	step = anchorStep(steps)
	for _, p := range w.quay.ImmutabilityPolicies(w.Organization) {
		policies = append(policies, p.TagPattern)
	}
	return policies, step
}

// anchorStep is that of the policy; empty if there is none.
func anchorStep(steps []robot.Step) robot.Step {
	if i := slices.IndexFunc(steps, func(s robot.Step) bool { return s.ID == "anchors" }); i >= 0 {
		return steps[i]
	}
	return robot.Step{}
}

// Bootstrap sets the policy once, a plan says so, and then an anchor may neither be deleted nor moved, and outlives its label.
func TestBootstrapKeepsAnchors(t *testing.T) {
	w := newWorld(t)
	planned, err := robot.PlanBootstrap(t.Context(), w.observer(), w.Tenant, robot.BootstrapOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if last := anchorStep(planned); last.State != robot.Pending || len(w.quay.ImmutabilityPolicies(w.Organization)) > 0 {
		t.Errorf("the plan has %+v, and there are policies %v", last, w.quay.ImmutabilityPolicies(w.Organization))
	}
	for _, state := range []robot.State{robot.Changed, robot.Kept, robot.Kept} {
		policies, step := w.anchors()
		if !slices.Equal(policies, []string{anchorPattern}) || step.State != state {
			t.Errorf("policies %q, step %+v, want it %s", policies, step, state)
		}
	}
}

// What keeps every anchor already is enough, and what keeps some is not.
func TestBootstrapWithAnotherPolicy(t *testing.T) {
	for pattern, enough := range map[string]bool{".*": true, "v.*|digest-.*": true, "v.*": false, "digest-0.*": false} {
		w := newWorld(t)
		w.quay.AddImmutability(w.Organization, pattern, true)
		want := []string{pattern}
		if !enough {
			want = append(want, anchorPattern)
		}
		if policies, step := w.anchors(); !slices.Equal(policies, want) || (step.State == robot.Kept) != enough {
			t.Errorf("with %q: policies %q, step %+v", pattern, policies, step)
		}
	}
}

// Where Quay cannot keep anchors, bootstrap says why and what to do, in one line, and does all the rest.
func TestBootstrapWithoutAPolicy(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(w *world)
		says    []string
	}{
		"an older Quay": {func(w *world) { w.quay.SetImmutability(false) },
			[]string{"this Quay has no immutability policies", "3.17", "FEATURE_IMMUTABLE_TAGS", "; have Quay 3.17 or newer", "then run bootstrap"}},
		"a mirror": {func(w *world) {
			w.quay.AddRobot(w.Organization, "mirror")
			w.quay.SetMirror(w.Organization, w.Organization+"+mirror")
		}, []string{"the organization is the mirror of another registry's", "; push to an organization that is none"}},
		"the pattern the other way round": {func(w *world) { w.quay.AddImmutability(w.Organization, anchorPattern, false) },
			[]string{"is for all tags but those", "; delete it in Quay, then run bootstrap"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			test.prepare(w)
			before := len(w.quay.ImmutabilityPolicies(w.Organization))
			policies, step := w.anchors()
			if len(policies) != before || step.State != robot.Warned || strings.Contains(step.Detail, "\n") {
				t.Errorf("policies %q, step %+v", policies, step)
			}
			for _, text := range test.says {
				if !strings.Contains(step.Detail, text) {
					t.Errorf("the step says %q, and not %q", step.Detail, text)
				}
			}
			w.onboard()
			w.pushes("without a policy")
			// Verify says the same, and calls the credential right.
			report := w.verified()
			if len(report.Warnings) != 1 || !report.OK() {
				t.Errorf("verify: right %t, warnings %q", report.OK(), report.Warnings)
			}
			if step.Detail != report.Warnings[0] {
				t.Errorf("bootstrap says %q, verify %q", step.Detail, report.Warnings[0])
			}
		})
	}
}

func (w *world) verified() robot.Report {
	w.Helper()
	report, err := robot.Verify(w.Context(), w.observer(), w.Tenant, nil, nil)
	if err != nil {
		w.Fatal(err)
	}
	return report
}

// Verify warns of a policy that is missing, and of each auto-prune policy that takes anchors, while nothing keeps those.
func TestVerifyWarnsOfWhatTakesAnchors(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	q := w.quay
	q.AddAutoPrune(w.Organization, "number_of_tags", "10", "", true)
	q.AddAutoPrune(w.Organization, "creation_date", "7d", "^pr-", true)
	q.AddAutoPrune("team-payments/web", "creation_date", "30d", "^v", false)
	q.SetDefaultAutoPrune(&quaytest.AutoPrune{Method: "creation_date", Value: "1y"})
	if report := w.verified(); len(report.Warnings) > 0 || !report.OK() {
		t.Errorf("where anchors are kept, the warnings are %q", report.Warnings)
	}
	asked := w.requests("autoprunepolicy")
	w.forget()
	report := w.verified()
	got := []string{}
	for _, warning := range report.Warnings {
		problem, next, ok := strings.Cut(warning, "; ")
		if !ok || next == "" {
			t.Errorf("%q has no next step", warning)
		}
		got = append(got, strings.TrimSuffix(problem, ": the digests that overlays pin go with them"))
	}
	want := []string{
		"the organization has no immutability policy for anchors: whoever may push can delete or move one, and quay.expires-after ends it",
		"the auto-prune policy of all organizations takes tags after 1y, anchors too",
		"the auto-prune policy of the organization leaves the newest 10 tags, anchors too",
		`the auto-prune policy of repository "team-payments/web" takes tags that do not match "^v" after 30d, anchors too`,
	}
	if diff := cmp.Diff(want, got); diff != "" || !report.OK() {
		t.Errorf("right %t, warnings (-want +got):\n%s", report.OK(), diff)
	}
	if asked > 0 {
		t.Errorf("auto-prune policies were asked for %d times where they take no anchor", asked)
	}
	// Quay does as it was told: what is warned of takes an anchor, and what is not leaves it.
	q.SetAutoPrune(false)
	if report := w.verified(); len(report.Warnings) != 1 {
		t.Errorf("where Quay does not prune, the warnings are %q", report.Warnings)
	}
}

// forget takes the organization's policies away, as somebody may in Quay.
func (w *world) forget() {
	w.Helper()
	w.quay.SetImmutable(w.Organization, false)
	if left := w.quay.ImmutabilityPolicies(w.Organization); len(left) > 0 {
		w.Fatalf("the policies are %v", left)
	}
}

// requests counts those whose path has the given part.
func (w *world) requests(part string) (n int) {
	for _, r := range w.quay.Requests() {
		if strings.Contains(r.Path, part) {
			n++
		}
	}
	return n
}

// A keyless team's organization keeps anchors, too.
func TestKeylessKeepsAnchors(t *testing.T) {
	w := newKeyless(t)
	w.keyless()
	if got := w.quay.ImmutabilityPolicies(w.Organization); len(got) != 1 || got[0].TagPattern != anchorPattern || !got[0].Matches {
		t.Errorf("policies %+v", got)
	}
	w.forget()
	if report := w.verified(); len(report.Warnings) != 1 || !report.OK() {
		t.Errorf("right %t, warnings %q", report.OK(), report.Warnings)
	}
}

var _ robot.AnchorQuay = (*quay.Client)(nil)
