package report_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/comptech-lab/quay-push/internal/reporttest"
	"github.com/comptech-lab/quay-push/pkg/pushlog"
	"github.com/comptech-lab/quay-push/pkg/report"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// tiles are the numbers at the top.
func tiles(root *html.Node) (lines []string) {
	for _, list := range all(root, atom.Dl) {
		if attribute(list, "class") != "tiles" {
			continue
		}
		for _, tile := range all(list, atom.Div) {
			lines = append(lines, text(all(tile, atom.Dt)[0])+": "+text(all(tile, atom.Dd)[0]))
		}
	}
	return lines
}

func TestTheNumbers(t *testing.T) {
	_, root := rendered(t, reporttest.Ordinary())
	want := []string{"OK: 6 of 10 teams", "Failing: 2", "Not checked: 1 and 1 in part", "Oldest token: 41 days platform", "Pushed: 5", "Refused or failed: 2"}
	if diff := cmp.Diff(want, tiles(root)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Who is not right comes first, each with how it is, how old its token is, and what it pushed.
func TestTheTeams(t *testing.T) {
	_, root := rendered(t, reporttest.Ordinary())
	want := []string{
		"payments | failing | 9 days | team-payments+ci-2 | none | 0 | 1",
		"platform | failing | 41 days due | team-platform+ci-2 | none | 0 | 0",
		"search | not checked | not known | not known | none | 0 | 0",
		"retail | partly checked | 2 days | team-retail+ci-2 | none | 0 | 1",
		"billing | OK | 3 days | team-billing+ci-2 | 2026-11-30 07:12 | 1 | 0",
		"checkout | OK | 12 days | team-checkout+ci-2 | 2026-11-30 09:05 | 1 | 0",
		"identity | OK | 26 days | team-identity+ci-2 | none | 0 | 0",
		"ledger | OK | 19 days | team-ledger+ci-2 | 2026-11-29 14:12 | 1 | 0",
		"mobile | OK | none is stored | team-mobile+ci | 2026-11-30 04:12 | 1 | 0",
		"warehouse | OK | 5 hours | team-warehouse+ci-2 | 2026-11-30 08:24 | 1 | 0",
	}
	if diff := cmp.Diff(want, rows(section(t, root, "teams"))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What there is to do comes the worst first, each with its next step and its teams.
func TestWhatToDo(t *testing.T) {
	_, root := rendered(t, reporttest.Ordinary())
	got := []string{}
	for item := range all(section(t, root, "todo"), atom.Ol)[0].Descendants() {
		if item.DataAtom == atom.Li && item.Parent.DataAtom == atom.Ol {
			got = append(got, text(item))
		}
	}
	want := []string{
		"failed Expected: no older version in Vault can be read old-tokens Next: run rotate: it finishes what was left undone, and destroys them " +
			"platform: older versions that can be read: [1 2] What people see: Robot token leaked",
		"failed Expected: the Secret has the token that Vault has secret-token Next: run bootstrap, which has the Secret take it over " +
			"payments: it was rendered from version 3, Vault has 4 What people see: PipelineRun fails unauthorized",
		"not checked Expected: everything about the team could be asked asked Next: give the policy of this account in Vault the capability read on that path " +
			`search: verifying team "search": reading "apps/search/index/ci/quay-robot": permission denied`,
		"skipped Expected: Vault keeps what is written for long enough vault-settings Next: give the policy of this account the capability read on sys/mounts/secret/tune " +
			"retail: the settings of the mount cannot be read",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	said := text(section(t, root, "todo"))
	for _, want := range []string{"due 1 token older than 30 days, the age at which tkn quay rotate --all replaces them here.", `warning checkout: Quay's auto-prune policy of organization "team-checkout"`} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
}

// What many teams have is one finding, with the first ten of them.
func TestAFindingOfManyTeams(t *testing.T) {
	_, root := rendered(t, reporttest.Many(30))
	items := 0
	for _, item := range all(section(t, root, "todo"), atom.Li) {
		if item.Parent.DataAtom == atom.Ol {
			items++
			if said := text(item); strings.Count(said, "it is not as it should be") != 10 || !strings.Contains(said, "and 20 others, see Checks") {
				t.Errorf("a finding is %q", said)
			}
		}
	}
	if items != 11 {
		t.Errorf("%d findings", items)
	}
}

// Each push has who, what, how much, by which rule, who tells so and where it is pinned; and each that was refused has why.
func TestThePushes(t *testing.T) {
	_, root := rendered(t, reporttest.Ordinary())
	digest := "sha256:1c42ddc0285b9c25135be3bf345e6a041271b784b22a6f6cab6588dab93c5980"
	got := rows(section(t, root, "pushes"))
	want := "2026-11-30 09:05 | checkout | team-checkout/cart " + digest + " | 17.6 MiB | team-checkout+ci-2 apps-checkout/build-7x2kq | namespace-label the controller | branch main of gitops.git"
	if len(got) != 5 || got[0] != want {
		t.Errorf("%d pushes, the first is %q", len(got), got[0])
	}
	for i, ending := range []string{"", "| branch main of gitops.git branch release-1.8 of gitops.git", "| nowhere", "", "| not known | team-ledger+ci-2 | Quay's log | nowhere"} {
		if !strings.HasSuffix(got[i], ending) {
			t.Errorf("push %d is %q", i, got[i])
		}
	}
	if !strings.Contains(got[1], "| 0 B |") {
		t.Errorf("a push that had nothing to send is %q", got[1])
	}
	got = rows(section(t, root, "refused"))
	want = "2026-11-30 08:51 | payments | apps-payments/build-m4hvd team-payments/payments-api | refused or failed SecretInvalid: the registry does not take the token of team-payments+ci-2; run tkn quay verify payments"
	if len(got) != 2 || got[0] != want {
		t.Errorf("%d were refused, the first is %q", len(got), got[0])
	}
}

// Where nobody looked at what is pinned, the page does not say that nothing is.
func TestPinsThatNobodyLookedAt(t *testing.T) {
	r := reporttest.Ordinary()
	r.Pins = false
	_, root := rendered(t, r)
	if said := text(section(t, root, "pushes")); strings.Contains(said, "Pinned") || strings.Contains(said, "nowhere") {
		t.Errorf("it says %q", said)
	}
}

// The details of a team have every check, in the order of verify.
func TestTheChecksOfATeam(t *testing.T) {
	_, root := rendered(t, reporttest.Ordinary())
	first := all(section(t, root, "checks"), atom.Details)[0]
	if got := text(all(first, atom.Summary)[0]); got != "payments failing 10 of 11 checks passed" {
		t.Errorf("summary is %q", got)
	}
	got := rows(first)
	if len(got) != 11 || got[0] != `passed | the organization exists organization | "team-payments" exists, and the OAuth token administers it: true` ||
		got[5] != "failed | the Secret has the token that Vault has secret-token | it was rendered from version 3, Vault has 4 Next: run bootstrap, which has the Secret take it over" {
		t.Errorf("checks are %q", got)
	}
	if said := text(first); !strings.Contains(said, "Organization team-payments Namespace openshift-pipelines Robot team-payments+ci-2 Token since 2026-11-21 09:12") {
		t.Errorf("it says %q", said)
	}
}

// What could not be read is on the page, and there is no "None" that could be taken for knowledge.
func TestGaps(t *testing.T) {
	r := report.Report{Made: reporttest.Now, Since: time.Hour, Pushes: pushlog.List{Gaps: []pushlog.Gap{{What: "the runs of the cluster", Err: errors.New("forbidden")}}}}
	_, root := rendered(t, r)
	if said := text(section(t, root, "gaps")); !strings.Contains(said, "not read the runs of the cluster: forbidden") {
		t.Errorf("it says %q", said)
	}
	for _, id := range []string{"pushes", "refused"} {
		if said := text(section(t, root, id)); !strings.Contains(said, "None is known; see what could not be looked at.") {
			t.Errorf("%s says %q", id, said)
		}
	}
	r.Pushes.Gaps = nil
	page, root := rendered(t, r)
	if said := text(section(t, root, "pushes")); said != "Pushes None." || strings.Contains(page, `id="gaps"`) {
		t.Errorf("without gaps it says %q", said)
	}
	if said := text(section(t, root, "todo")); !strings.Contains(said, "No team has an ExternalSecret or is keyless") {
		t.Errorf("without teams it says %q", said)
	}
}

// A team is right only if every check passed, there were some, and everything could be asked.
func TestHowATeamIs(t *testing.T) {
	for want, statuses := range map[string]string{"OK": "passed passed", "failing": "failed asked", "not checked": "passed asked", "partly checked": "passed skipped", "failing ": "skipped failed",
		"partly checked ": "", "partly checked  ": "passed later"} {
		r := report.Report{Teams: []report.Team{{}}}
		for word := range strings.FieldsSeq(statuses) {
			c := robot.Check{ID: "organization", Status: robot.Status(word)}
			if word == "asked" {
				c = robot.Check{ID: "asked", Status: robot.Failed}
			}
			r.Teams[0].Checks = append(r.Teams[0].Checks, c)
		}
		_, root := rendered(t, r)
		if got := strings.Split(rows(section(t, root, "teams"))[0], " | ")[1]; got != strings.TrimSpace(want) {
			t.Errorf("%s: %q, want %q", statuses, got, want)
		}
	}
}

// Two teams of one name, as one with two Secrets is shown, have each a place of their own.
func TestTeamsOfOneName(t *testing.T) {
	_, root := rendered(t, reporttest.Strange("payments"))
	ids := []string{}
	for _, d := range all(root, atom.Details) {
		ids = append(ids, attribute(all(d, atom.Dl)[0], "id"))
	}
	if diff := cmp.Diff([]string{"team-payments", "team-payments.2"}, ids); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestAPageThatCannotBeWritten(t *testing.T) {
	if err := reporttest.Ordinary().Write(fullDisk{}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("error is %v", err)
	}
}
