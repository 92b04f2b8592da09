package cli_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/cli"
)

// doctor tells which organizations do not keep anchors, why, and which auto-prune policy takes some.
func TestDoctorLooksAtAnchors(t *testing.T) {
	w := newWorld(t)
	w.install()
	expect := func(when, look, want string) {
		t.Helper()
		if _, byID := w.doctor(); !strings.HasPrefix(byID[look], want) {
			t.Errorf("%s, %s: %s\nwant %s", when, look, byID[look], want)
		}
	}
	expect("without a team", "quay-anchors", "unknown it takes a team to look at")
	w.onboard("payments")
	w.onboard("platform")
	expect("onboarded", "quay-anchors", "ok an immutability policy keeps the anchors of 2 organizations; ")
	expect("onboarded", "quay-auto-prune", "ok Quay does not prune tags by itself; ")
	expect("onboarded", "quay-time-machine", "warning the time machine is shorter than the grace period of retention gc, 30 days: organization team-payments, team-platform: 14 days; let it be as long")
	w.quay.SetTimeMachine("team-platform", 30*24*time.Hour)
	expect("one remembers", "quay-time-machine", "warning the time machine is shorter than the grace period of retention gc, 30 days: organization team-payments: 14 days; ")
	w.quay.SetTimeMachine("team-payments", 60*24*time.Hour)
	expect("both do", "quay-time-machine", "ok Quay remembers for 30 days")

	w.quay.AddAutoPrune("team-platform", "number_of_tags", "10", "", true)
	w.quay.AddAutoPrune("team-payments", "creation_date", "7d", "^pr-", true)
	expect("kept", "quay-auto-prune", "ok no auto-prune policy takes an anchor of 2 organizations; ")
	w.quay.SetImmutable("team-platform", false)
	expect("one does not", "quay-anchors", "warning organization team-platform: the organization has no immutability policy for anchors: "+
		"whoever may push can delete or move one, and quay.expires-after ends it; run bootstrap, which sets it; ")
	expect("one does not", "quay-auto-prune", "warning organization team-platform: the auto-prune policy of the organization leaves the newest 10 tags, anchors too; "+
		"have Quay keep anchors, or give that policy the tagPattern ^digest-[0-9a-f]{32}$ with tagPatternMatches false")
	w.must("bootstrap", "platform", "--division", "platform", "--app", "app")
	expect("bootstrapped", "quay-auto-prune", "ok ")

	w.quay.SetImmutability(false)
	expect("an older Quay", "quay-anchors", "warning organization team-payments, team-platform: anchors are not kept: this Quay has no immutability policies")
	expect("an older Quay", "quay-auto-prune", "warning organization team-platform: the auto-prune policy of the organization leaves the newest 10 tags, anchors too; ")
}

// What verify warns of makes nothing wrong, and is told once for all teams.
func TestVerifyWarns(t *testing.T) {
	w := newWorld(t)
	w.onboard("payments")
	w.onboard("platform")
	if stdout := w.must("verify", "--all"); strings.Contains(stdout, "warning") {
		t.Errorf("where anchors are kept:\n%s", stdout)
	}
	w.quay.SetImmutability(false)
	const want = "warning team payments, platform: anchors are not kept: this Quay has no immutability policies"
	if stdout := w.must("verify", "--all"); strings.Count(stdout, "warning ") != 1 || !strings.Contains(stdout, want) || !strings.Contains(stdout, "2 tenants, 2 are right") {
		t.Errorf("without immutability:\n%s\nwant one line with %s", stdout, want)
	}
	w.quay.AddAutoPrune("team-payments/app", "creation_date", "7d", "", true)
	var found struct{ Reports []struct{ Warnings []string } }
	if err := json.Unmarshal([]byte(w.must("verify", "payments", "-o", "json")), &found); err != nil || len(found.Reports) != 1 || len(found.Reports[0].Warnings) != 2 ||
		!strings.HasPrefix(found.Reports[0].Warnings[1], `the auto-prune policy of repository "team-payments/app" takes tags after 7d, anchors too: the digests that overlays pin go with them; `) {
		t.Errorf("%v: %+v", err, found)
	}
}

// An older Quay stops no onboarding: the warning is on stderr, beside the manifests, and bootstrap's table has it.
func TestOnboardWithoutImmutability(t *testing.T) {
	w := newWorld(t)
	w.quay.SetImmutability(false)
	const text = "anchors are not kept: this Quay has no immutability policies: they came with 3.17, and FEATURE_IMMUTABLE_TAGS turns them on; have Quay 3.17 or newer"
	args := []string{"payments", "--division", "payments", "--app", "app"}
	exit, stdout, stderr := w.run(t.Context(), "", append([]string{"onboard"}, args...)...)
	if exit != cli.ExitOK || !strings.Contains(stdout, "kind: ExternalSecret") || strings.Contains(stdout, "anchors") ||
		!strings.Contains(stderr, "warning  have the organization keep the anchors of what is pushed: "+text) {
		t.Errorf("exit %d\n%s%s", exit, stdout, stderr)
	}
	for _, dry := range [][]string{nil, {"--dry-run"}} {
		if stdout := w.must(append(append([]string{"bootstrap"}, args...), dry...)...); strings.Count(stdout, text) != 1 {
			t.Errorf("bootstrap %q:\n%s", dry, stdout)
		}
	}
	w.quay.SetImmutability(true)
	if stdout := w.must(append(append([]string{"bootstrap"}, args...), "--dry-run")...); !strings.Contains(stdout, `it has no immutability policy for "digest-[0-9a-f]{32}"`) ||
		len(w.quay.ImmutabilityPolicies("team-payments")) != 0 {
		t.Errorf("the plan:\n%s", stdout)
	}
}
