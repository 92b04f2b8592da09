package tenant

import (
	"strings"
	"testing"
)

func TestParseTeam(t *testing.T) {
	for value, want := range map[string]string{
		"payments":              "payments",
		"team-payments":         "payments",
		"team-a":                "a",
		"x-1":                   "x-1",
		strings.Repeat("a", 47): strings.Repeat("a", 47),
	} {
		if got, err := Default().ParseTeam(value); err != nil || got != want {
			t.Errorf("ParseTeam(%q) = %q, %v, want %q", value, got, err, want)
		}
	}
	for _, value := range []string{
		"", "team-", "team-team-x", "Payments", "pay_ments", "pay.ments", "pay--ments", "-pay", "pay-", "pay/ments",
		"pay ments", "päy", "payments\n", "<team>", "$(x)", strings.Repeat("a", 48),
	} {
		if got, err := Default().ParseTeam(value); err == nil {
			t.Errorf("ParseTeam(%q) = %q, want an error", value, got)
		}
	}
	bare := Default()
	bare.TeamPrefix = ""
	if got, err := bare.ParseTeam("team-x"); err != nil || got != "team-x" {
		t.Errorf("without a prefix ParseTeam(team-x) = %q, %v", got, err)
	}
}

// Two teams never share a name: otherwise one team's Secret would be the other's.
func TestNamesAreDistinct(t *testing.T) {
	seen := map[string]string{}
	for _, team := range []string{"a", "b", "a-b", "a-ci", "ci", "ci-b"} {
		names := Default().Names(team)
		for _, name := range []string{names.Organization, names.Secret, names.Robot(1), names.Robot(2)} {
			if other, ok := seen[name]; ok {
				t.Errorf("teams %q and %q have the same name %q", team, other, name)
			}
			seen[name] = team
		}
		for _, other := range []string{"a", "b", "a-b", "a-ci", "ci", "ci-b"} {
			for generation := range 3 {
				if theirs := Default().Names(other).Robot(generation + 1); (other == team) != names.OwnsRobot(theirs) {
					t.Errorf("team %q and robot %q", team, theirs)
				}
			}
		}
	}
}

func TestValidate(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Fatalf("default: %v", err)
	}
	for want, edit := range map[string]func(*Convention){
		"registry":                 func(c *Convention) { c.Registry = "https://quay.io" },
		"organization":             func(c *Convention) { c.Organization = "all-teams" },
		"secret":                   func(c *Convention) { c.Secret = "quay_<team>" },
		"<team> once":              func(c *Convention) { c.Secret = "<team>-<team>" },
		"robot-names is empty":     func(c *Convention) { c.RobotNames = nil },
		`robot-names: "c"`:         func(c *Convention) { c.RobotNames = []string{"c"} },
		`robot-names: "ci+b"`:      func(c *Convention) { c.RobotNames = []string{"ci", "ci+b"} },
		`"ci" is named by "ci"`:    func(c *Convention) { c.RobotNames = []string{"ci", "ci"} },
		`"ci-7" is named by "ci"`:  func(c *Convention) { c.RobotNames = []string{"ci", "ci-b", "ci-7"} },
		"run-account":              func(c *Convention) { c.RunAccount = "" },
		"tekton-accounts":          func(c *Convention) { c.TektonAccounts = []string{"tekton-pipelines-controller"} },
		"all teams would share it": func(c *Convention) { c.RunSecrets = []string{"git"} },
		// Team bot-x has the Secret of team x.
		"for two teams":       func(c *Convention) { c.RunSecrets = []string{"git-<team>", "git-bot-<team>"} },
		"the same Secret":     func(c *Convention) { c.RunSecrets = []string{"quay-<team>"} },
		"shared-namespaces":   func(c *Convention) { c.SharedNamespaces = []string{"openshift-pipelines\v"} },
		"pipeline-namespaces": func(c *Convention) { c.PipelineNamespaces = []string{"Pipelines"} },
		"team-label":          func(c *Convention) { c.TeamLabel = "" },
		"run-labels":          func(c *Convention) { c.RunLabels = nil },
	} {
		c := Default()
		edit(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate() = %v, want it to speak of %q", err, want)
		}
	}
	apart := Default()
	apart.Secret, apart.RunSecrets = "quay-<team>-robot", []string{"quay-<team>-git", "cosign-<team>-key"}
	if err := apart.Validate(); err != nil {
		t.Errorf("Secrets that differ in their ends: %v", err)
	}
	local := Default()
	local.Registry = "quaytest.quay-push.svc:8443"
	if err := local.Validate(); err != nil {
		t.Errorf("registry with a port: %v", err)
	}
}

// The team of an image is the one that may push it, by any template, and never one that a path only looks like.
func TestTeamOf(t *testing.T) {
	c := Default()
	around := c
	around.Organization, around.TeamPrefix = "org-<team>-images", ""
	for image, want := range map[string]string{
		c.Registry + "/team-payments/checkout":      "payments",
		c.Registry + "/team-payments/a/b:v1":        "payments",
		c.Registry + "/team-/checkout":              "",
		c.Registry + "/payments/checkout":           "",
		c.Registry + "/team-payments":               "",
		c.Registry + "/team-team-payments/checkout": "",
		c.Registry + "/team-PAYMENTS/checkout":      "",
		"quay.io/team-payments/checkout":            "",
		"":                                          "",
	} {
		if got, ok := c.TeamOf(image); got != want && ok || ok != (want != "") {
			t.Errorf("TeamOf(%q) = %q, %v, want %q", image, got, ok, want)
		}
	}
	if got, ok := around.TeamOf(c.Registry + "/org-payments-images/checkout"); !ok || got != "payments" {
		t.Errorf("with a template around the name: %q, %v", got, ok)
	}
	if got, ok := around.TeamOf(c.Registry + "/org-images/checkout"); ok {
		t.Errorf("where the template overlaps: %q", got)
	}
}
