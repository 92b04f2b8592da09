// Package tenant decides which team a run belongs to and derives every name that follows from the team.
// It is pure: no clock, no network, neither Kubernetes nor Tekton; controller, CLI and tests ask the same code.
package tenant

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Convention is the platform's naming, the content of ConfigMap config-tenancy. In the templates <team>, <division>
// and <app> stand for the tenant's names. The zero value is not valid: start from Default.
type Convention struct {
	// Registry is the host[:port] of Quay, and the key in the Secret's auths.
	Registry string
	// TeamPrefix is an optional prefix of label values: "team-payments" and "payments" are the same team.
	TeamPrefix string
	// Organization is the template of the team's Quay organization.
	Organization string
	// Robot and StandbyRobot are short names: Quay makes <organization>+<short name> of them.
	Robot, StandbyRobot string
	// Secret is the template of the Secret's name.
	Secret string
	// SecretNamespace is where External Secrets puts the Secrets of runs in the shared namespace.
	SecretNamespace string
	// VaultMount and VaultPath say where the robot's username and token are in Vault, KV v2.
	VaultMount, VaultPath string
	// SecretStore is the External Secrets store that reads VaultPath.
	SecretStore string
	// TeamLabel, DivisionLabel and AppLabel are the namespace labels that the platform sets.
	TeamLabel, DivisionLabel, AppLabel string
	// RunLabels are the PipelineRun labels that may name a team; all that are present must agree.
	RunLabels []string
	// SharedNamespaces are the namespaces where a run's own label names the team, if the policy guards it.
	SharedNamespaces []string
	// InternalRegistries are the hosts, with their ports, of registries where the repositories <namespace>/… are the
	// namespace's own, such as OpenShift's. A run may push from there; empty: only from a workspace.
	InternalRegistries []string
}

// Default returns the seed's convention, as DESIGN §3 lists it.
func Default() Convention {
	return Convention{
		Registry:         "quay.apps.sub.comptech-lab.com",
		TeamPrefix:       "team-",
		Organization:     "team-<team>",
		Robot:            "ci",
		StandbyRobot:     "ci-b",
		Secret:           "quay-robot-team-<team>",
		SecretNamespace:  "openshift-pipelines",
		VaultMount:       "secret",
		VaultPath:        "apps/<division>/<app>/ci/quay-robot",
		SecretStore:      "pipelines-vault-apps",
		TeamLabel:        "apps.platform/team",
		DivisionLabel:    "apps.platform/division",
		AppLabel:         "apps.platform/app",
		RunLabels:        []string{"apps.platform/team", "pipeline.comptech-lab.com/team"},
		SharedNamespaces: []string{"openshift-pipelines"},
	}
}

var (
	hostPattern  = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$`)
	shortPattern = regexp.MustCompile(`^[a-z0-9]+([._-][a-z0-9]+)*$`)
)

// Validate reports the first setting that could not name anything, or would give two teams the same name.
func (c Convention) Validate() error {
	if !hostPattern.MatchString(c.Registry) {
		return fmt.Errorf("registry %q is not a host or host:port", c.Registry)
	}
	for key, template := range map[string]string{"organization": c.Organization, "secret": c.Secret} {
		if strings.Count(template, "<team>") != 1 {
			return fmt.Errorf("%s %q must hold <team> once: without it all teams would share it", key, template)
		}
		if name := strings.ReplaceAll(template, "<team>", "x1"); !namePattern.MatchString(name) {
			return fmt.Errorf("%s %q does not make a name of lower case letters, digits and single hyphens", key, template)
		}
	}
	for key, short := range map[string]string{"robot": c.Robot, "standby-robot": c.StandbyRobot} {
		// Quay's shortest user name has two characters (quay/quay util/validation.py).
		if len(short) < 2 || !shortPattern.MatchString(short) {
			return fmt.Errorf("%s %q is not a robot short name", key, short)
		}
	}
	if c.Robot == c.StandbyRobot {
		return fmt.Errorf("robot and standby-robot are both %q", c.Robot)
	}
	for _, host := range c.InternalRegistries {
		if !hostPattern.MatchString(host) {
			return fmt.Errorf("internal-registries: %q is not a host or host:port", host)
		}
	}
	if c.TeamLabel == "" || len(c.RunLabels) == 0 || slices.Contains(c.RunLabels, "") {
		return fmt.Errorf("team-label and run-labels must not be empty")
	}
	return nil
}

// Names is everything that a team's name decides.
type Names struct {
	// Organization is the team's Quay organization, Registry the host that serves it.
	Organization, Registry string
	// Robot and StandbyRobot are full robot names, <organization>+<short name>.
	Robot, StandbyRobot string
	// Secret is the name of the dockerconfigjson Secret.
	Secret string
}

// Names returns the names of team, which must have passed ParseTeam.
func (c Convention) Names(team string) Names {
	organization := strings.ReplaceAll(c.Organization, "<team>", team)
	return Names{
		Organization: organization,
		Registry:     c.Registry,
		Robot:        organization + "+" + c.Robot,
		StandbyRobot: organization + "+" + c.StandbyRobot,
		Secret:       strings.ReplaceAll(c.Secret, "<team>", team),
	}
}

// OwnsRobot reports whether username is one of the team's two robots.
func (n Names) OwnsRobot(username string) bool {
	return username == n.Robot || username == n.StandbyRobot
}
