// Package reporttest has reports for tests of the page: a platform on an ordinary day, and one that strangers wrote all over.
package reporttest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/comptech-lab/quay-push/pkg/pushlog"
	"github.com/comptech-lab/quay-push/pkg/report"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// Now is when the reports are made.
var Now = time.Date(2026, 11, 30, 9, 12, 0, 0, time.UTC)

const day = 24 * time.Hour

// checks are those of verify, by id and title.
var checks = [][2]string{
	{"organization", "the organization exists"},
	{"vault-data", "Vault has a user name and a token, and nothing else"},
	{"vault-robot", "the robot in Vault is one of the team's"},
	{"vault-token", "Vault has the token that Quay has"},
	{"external-secret", "the ExternalSecret is ready"},
	{"secret-token", "the Secret has the token that Vault has"},
	{"push-right", "the robot may push to every repository of the team"},
	{"no-right-elsewhere", "the robot may not push to another organization"},
	{"old-tokens", "no older version in Vault can be read"},
	{"vault-settings", "Vault keeps what is written for long enough"},
	{"not-shared", "no other team has the same token, Secret or path"},
}

// team returns a team of which every check passed, with a token of that age.
func team(name string, age time.Duration) report.Team {
	t := report.Team{Organization: "team-" + name, Namespace: "openshift-pipelines"}
	t.Tenant, t.Robot, t.Written = name, "team-"+name+"+ci-2", Now.Add(-age)
	found := map[string]string{
		"organization": fmt.Sprintf("%q exists, and the OAuth token administers it: true", t.Organization), "vault-robot": fmt.Sprintf("it is %q", t.Robot),
		"vault-token": fmt.Sprintf("the tokens of %q are equal: true", t.Robot), "push-right": "4 of 4 repositories", "no-right-elsewhere": "asked about 5 repositories of others",
		"vault-data": `version 3 has the keys ["token" "username"]`, "old-tokens": "older versions that can be read: []", "not-shared": "nothing is shared",
	}
	for _, c := range checks {
		t.Checks = append(t.Checks, robot.Check{ID: c[0], Title: c[1], Status: robot.Passed, Detail: found[c[0]]})
	}
	return t
}

// with has a check of the team end in another way.
func with(t report.Team, id string, status robot.Status, symptom robot.Symptom, detail, next string) report.Team {
	for i := range t.Checks {
		if c := &t.Checks[i]; c.ID == id {
			c.Status, c.Symptom, c.Detail, c.Next = status, symptom, detail, next
		}
	}
	return t
}

// Ordinary is a platform on an ordinary day: most is right, a little is not, and something did not answer.
func Ordinary() report.Report {
	keyless := team("mobile", 0)
	keyless.Keyless, keyless.Written, keyless.Robot, keyless.Namespace = true, time.Time{}, "team-mobile+ci", "quay-push-custody"
	keyless.Checks = []robot.Check{{ID: "federation", Title: "the robot trusts the ServiceAccount and nobody else", Status: robot.Passed,
		Detail: "system:serviceaccount:quay-push-custody:quay-robot-team-mobile"}}
	keyless.Unproved = []string{"exchange: only the controller may have a token of the ServiceAccount; the condition of the team's next run says whether it works"}
	search := team("search", 0)
	search.Robot, search.Written = "", time.Time{}
	search.Checks = append(search.Checks[:1:1], robot.Check{ID: "asked", Title: "everything about the team could be asked", Status: robot.Failed,
		Detail: `verifying team "search": reading "apps/search/index/ci/quay-robot": permission denied`, Next: "give the policy of this account in Vault the capability read on that path"})
	checkout := team("checkout", 12*day)
	checkout.Warnings = []string{`Quay's auto-prune policy of organization "team-checkout" keeps the 20 newest tags, and anchors are tags: the digests that overlays pin go with them; ` +
		"exclude tags of the form digest-<32 hex> from it"}
	r := report.Report{Made: Now, Registry: "quay.example.com", Cluster: "prod-east", Tool: "v0.1.0", MaxAge: 30 * day, Since: day, Pins: true, Teams: []report.Team{
		team("billing", 3*day), checkout, team("identity", 26*day), team("ledger", 19*day), keyless,
		with(team("payments", 9*day), "secret-token", robot.Failed, robot.SymptomUnauthorized, "it was rendered from version 3, Vault has 4",
			"run bootstrap, which has the Secret take it over"),
		with(team("platform", 41*day), "old-tokens", robot.Failed, robot.SymptomLeaked, "older versions that can be read: [1 2]",
			"run rotate: it finishes what was left undone, and destroys them"),
		with(team("retail", 2*day), "vault-settings", robot.Skipped, "", "the settings of the mount cannot be read",
			"give the policy of this account the capability read on sys/mounts/secret/tune"),
		search, team("warehouse", 5*time.Hour),
	}}
	r.Pushes.Pushes = []pushlog.Push{
		push(7*time.Minute, "checkout", "cart", "7x2kq", 18_432_511, "branch main of gitops.git"),
		refused(21*time.Minute, "payments", "payments-api", "m4hvd", "SecretInvalid: the registry does not take the token of team-payments+ci-2; run tkn quay verify payments"),
		push(48*time.Minute, "warehouse", "stock/api", "b8n7r", 0, "branch main of gitops.git", "branch release-1.8 of gitops.git"),
		push(2*time.Hour, "billing", "invoice", "q5t2z", 241_190_233),
		refused(3*time.Hour, "retail", "", "zz9x1", `ImageOutsideOrganization: image "quay.example.com/team-payments/api" is not in the organization of team "retail"; push to quay.example.com/team-retail/…`),
		push(5*time.Hour, "mobile", "gateway", "k2w8c", 64_003_120, "branch main of gitops.git"),
	}
	r.Pushes.Pushes = append(r.Pushes.Pushes, pushlog.Push{Time: Now.Add(-19 * time.Hour), Team: "ledger", Who: "team-ledger+ci-2", Repository: "quay.example.com/team-ledger/books",
		Digest: digest("books"), Bytes: pushlog.UnknownBytes, Source: pushlog.SourceQuay})
	r.Pushes.Gaps = []pushlog.Gap{{What: `Quay's log of "team-search"`, Err: errors.New("GET /api/v1/organization/team-search/logs: 403 Forbidden")}}
	return r
}

func digest(of string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(of))) }

func push(ago time.Duration, team, repository, run string, bytes int64, pinned ...string) pushlog.Push {
	return pushlog.Push{Time: Now.Add(-ago), Team: team, Namespace: "apps-" + team, Run: "build-" + run, Who: "team-" + team + "+ci-2", Rule: "namespace-label",
		Repository: "quay.example.com/team-" + team + "/" + repository, Digest: digest(repository), Bytes: bytes, Pinned: pinned, Source: pushlog.SourceController}
}

func refused(ago time.Duration, team, repository, run, why string) pushlog.Push {
	p := push(ago, team, repository, run, pushlog.UnknownBytes)
	p.Digest, p.Who, p.Refused = "", "", why
	if repository == "" {
		p.Repository = "quay.example.com/team-payments/api"
	}
	return p
}

// Strange returns a report in which every text is a stranger's.
func Strange(text string) report.Report {
	r := report.Report{Made: Now, Registry: text, Cluster: text, Tool: text, Since: day, Pins: true}
	t := report.Team{Organization: text, Namespace: text}
	t.Tenant, t.Robot, t.Warnings, t.Unproved = text, text, []string{text}, []string{text}
	t.Checks = []robot.Check{{ID: text, Title: text, Status: robot.Failed, Cluster: text, Detail: text, Next: text, Symptom: robot.Symptom(text)}}
	r.Teams = []report.Team{t, t}
	for _, why := range []string{"", text} {
		r.Pushes.Pushes = append(r.Pushes.Pushes, pushlog.Push{Time: Now, Team: text, Namespace: text, Run: text, Who: text, Repository: text, Digest: text, Rule: text,
			Refused: why, Pinned: []string{text, text}, Source: pushlog.Source(text)})
	}
	r.Pushes.Gaps = []pushlog.Gap{{What: text, Err: errors.New(text)}}
	return r
}

// Many is a report of n teams, each with everything wrong and a few pushes.
func Many(n int) report.Report {
	r := Ordinary()
	r.Teams, r.Pushes = nil, pushlog.List{}
	for i := range n {
		name := fmt.Sprintf("team%d", i)
		t := team(name, time.Duration(i)*time.Hour)
		for _, c := range checks {
			t = with(t, c[0], robot.Failed, robot.SymptomUnauthorized, "it is not as it should be", "run rotate, which makes another robot and ends this one")
		}
		r.Teams = append(r.Teams, t)
		for j := range 5 {
			r.Pushes.Pushes = append(r.Pushes.Pushes, push(time.Duration(j)*time.Hour, name, "app", fmt.Sprint(i, "-", j), 1<<20), refused(time.Hour, name, "app", "x", "PushDenied: no"))
		}
	}
	return r
}
