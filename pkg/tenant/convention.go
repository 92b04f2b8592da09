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
	// Registry is the host[:port] of Quay, and the key in the Secret's auths. It has no default: while it is empty, every run is
	// refused.
	Registry string
	// TeamPrefix is an optional prefix of label values: "team-payments" and "payments" are the same team.
	TeamPrefix string
	// Organization is the template of the team's Quay organization.
	Organization string
	// RobotNames are short names of robots; Quay makes <organization>+<short name> of one. The first is that of a team's first robot,
	// and <first>-2, <first>-3 … are those that follow it. The others are names of before: a robot that has one is the team's, and
	// none is made any more.
	RobotNames []string
	// AdoptedRobots are full names of robots that were made by hand and that a team pushed with when it was adopted, until it is rotated: each
	// is a robot of its organization's team, and of no other.
	AdoptedRobots []string
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
	// RunAccount is the ServiceAccount of every run in a shared namespace.
	RunAccount string
	// RunSecrets are the templates of the Secrets that a run in a shared namespace may have besides Secret.
	RunSecrets []string
	// PipelineNamespaces are those from which a run in a shared namespace may take its Pipeline.
	PipelineNamespaces []string
	// TektonAccounts are the ServiceAccounts of Tekton's controller, <namespace>:<name>.
	TektonAccounts []string
	// SharedNamespaces are the namespaces where a run's own label names the team, if the policy guards it.
	SharedNamespaces []string
	// InternalRegistries are the hosts, with their ports, of registries where the repositories <namespace>/… are the
	// namespace's own, such as OpenShift's. A run may push from there; empty: only from a workspace.
	InternalRegistries []string
}

// Default returns the convention of a platform that sets nothing. It names no registry.
func Default() Convention {
	return Convention{
		TeamPrefix:         "team-",
		Organization:       "team-<team>",
		RobotNames:         []string{"ci", "ci-b"},
		Secret:             "quay-robot-team-<team>",
		SecretNamespace:    "openshift-pipelines",
		VaultMount:         "secret",
		VaultPath:          "apps/<division>/<app>/ci/quay-robot",
		SecretStore:        "pipelines-vault-apps",
		TeamLabel:          "apps.platform/team",
		DivisionLabel:      "apps.platform/division",
		AppLabel:           "apps.platform/app",
		RunLabels:          []string{"apps.platform/team", "pipeline.comptech-lab.com/team"},
		RunAccount:         "pipeline",
		RunSecrets:         []string{"git-<team>"},
		PipelineNamespaces: []string{"openshift-pipelines"},
		TektonAccounts:     []string{"tekton-pipelines:tekton-pipelines-controller", "openshift-pipelines:tekton-pipelines-controller"},
		SharedNamespaces:   []string{"openshift-pipelines"},
	}
}

var (
	hostPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$`)
	// labelPattern is RFC 1123's label, of which a namespace's name is one.
	labelPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	shortPattern = regexp.MustCompile(`^[a-z0-9]+([._-][a-z0-9]+)*$`)
)

// Validate reports the first setting that could not name anything, or would give two teams the same name.
func (c Convention) Validate() error {
	if c.Registry != "" && !hostPattern.MatchString(c.Registry) {
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
	if err := c.validateRobots(); err != nil {
		return err
	}
	if err := c.validateAdopted(); err != nil {
		return err
	}
	for _, host := range c.InternalRegistries {
		if !hostPattern.MatchString(host) {
			return fmt.Errorf("internal-registries: %q is not a host or host:port", host)
		}
	}
	if err := c.validateShared(); err != nil {
		return err
	}
	if c.TeamLabel == "" || len(c.RunLabels) == 0 || slices.Contains(c.RunLabels, "") {
		return fmt.Errorf("team-label and run-labels are empty")
	}
	return nil
}

// validateShared reports the first setting that would let a run in a shared namespace have what is another team's.
func (c Convention) validateShared() error {
	if !namePattern.MatchString(c.RunAccount) {
		return fmt.Errorf("run-account %q is not the name of a ServiceAccount", c.RunAccount)
	}
	for key, namespaces := range map[string][]string{"shared-namespaces": c.SharedNamespaces, "pipeline-namespaces": c.PipelineNamespaces} {
		for _, namespace := range namespaces {
			if !labelPattern.MatchString(namespace) {
				return fmt.Errorf("%s: %q is not the name of a namespace", key, namespace)
			}
		}
	}
	for _, account := range c.TektonAccounts {
		if namespace, name, ok := strings.Cut(account, ":"); !ok || !namePattern.MatchString(namespace) || !namePattern.MatchString(name) {
			return fmt.Errorf("tekton-accounts: %q is not <namespace>:<name>", account)
		}
	}
	templates := append([]string{c.Secret}, c.RunSecrets...)
	for i, template := range templates {
		if strings.Count(template, "<team>") != 1 {
			return fmt.Errorf("run-secrets: %q does not hold <team> once: all teams would share it", template)
		}
		for _, other := range templates[:i] {
			if overlap(template, other) {
				return fmt.Errorf("run-secrets: %q and %q can name the same Secret for two teams", other, template)
			}
		}
	}
	return nil
}

// overlap reports whether two templates can make one name of two teams' names.
func overlap(a, b string) bool {
	aHead, aTail, _ := strings.Cut(a, "<team>")
	bHead, bTail, _ := strings.Cut(b, "<team>")
	heads := strings.HasPrefix(aHead, bHead) || strings.HasPrefix(bHead, aHead)
	tails := strings.HasSuffix(aTail, bTail) || strings.HasSuffix(bTail, aTail)
	return heads && tails
}

// Names is everything that a team's name decides.
type Names struct {
	// Organization is the team's Quay organization, Registry the host that serves it.
	Organization, Registry string
	// RobotNames are those of the convention as full names, <organization>+<short name>, and the adopted ones; see Generation.
	RobotNames []string
	// Secret is the name of the dockerconfigjson Secret.
	Secret string
}

// Names returns the names of team, which must have passed ParseTeam.
func (c Convention) Names(team string) Names {
	organization := strings.ReplaceAll(c.Organization, "<team>", team)
	robots := []string{}
	for _, short := range c.RobotNames {
		robots = append(robots, organization+"+"+short)
	}
	return Names{Organization: organization, Registry: c.Registry, RobotNames: append(robots, c.adopted(organization)...), Secret: strings.ReplaceAll(c.Secret, "<team>", team)}
}
