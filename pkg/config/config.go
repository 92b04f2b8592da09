// Package config reads ConfigMap config-tenancy into the names that the controller works with.
package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// Name is the ConfigMap's. Namespace is where it is, as the policies of config/ have it: that of the controller.
const (
	Name      = "config-tenancy"
	Namespace = "quay-push"
)

// Config is ConfigMap config-tenancy, typed and checked.
type Config struct {
	tenant.Convention
	// Task and TaskNamespace name the shared Task that pushes. The cluster resolver reads it there, so that no tenant can put
	// a Task of the same name in its place.
	Task, TaskNamespace string
	// CopyTask is the Task in TaskNamespace that pushes from a registry, and the ServiceAccount in CustodyNamespace that it runs as.
	CopyTask string
	// CustodyNamespace is where the robots' Secrets are if tenants' namespaces have none: each run then gets a copy for itself.
	// Empty: every namespace has its own.
	CustodyNamespace string
	// FederationAudience is the audience of the tokens by which Quay knows a keyless team; empty: the registry's host.
	FederationAudience string
	// VerifyResults makes the controller itself ask the registry for the image before a run succeeds.
	VerifyResults bool
	// Gate is what no image of any team may have to get its tags, as verdict.ParsePolicy reads it, such as high+fixable-only; empty: all is let
	// through. TeamGates are <team>=<gate>, each in its place for one team.
	Gate      string
	TeamGates []string
	// ReceiptKey, ReceiptVault and ReceiptVaultLogin say what receipts of pushes are signed with, see Receipts.
	ReceiptKey, ReceiptVault, ReceiptVaultLogin string
	// Clusters are the contexts, in the kubeconfig of whoever runs tkn quay, of all clusters that render teams' credentials from the same
	// Vault. Empty: it is this one alone.
	Clusters []string
	// GitHosts are the hosts, with their ports, to which the step of update-overlay-digest may send a team's Git credential. An
	// admission policy refuses a TaskRun with another one in a shared namespace; empty: none is allowed there.
	GitHosts []string
}

// Default returns what a ConfigMap that sets nothing says.
func Default() *Config {
	return &Config{Convention: tenant.Default(), Task: "push-image-quay", CopyTask: "copy-image-quay", TaskNamespace: "openshift-pipelines"}
}

// Audience is for whom a keyless team's token is.
func (c *Config) Audience() string { return cmp.Or(c.FederationAudience, c.Registry) }

// FromConfigMap returns the defaults with what the ConfigMap says in their place. A key that is unknown, and a value that
// could not name anything, is an error: a typo must not silently be the default.
func FromConfigMap(from *corev1.ConfigMap) (*Config, error) {
	c := Default()
	if err := c.readTwoRobots(from.Data); err != nil {
		return nil, fmt.Errorf("reading ConfigMap %q: %w", Name, err)
	}
	texts, lists, switches := c.texts(), c.lists(), c.switches()
	for _, key := range slices.Sorted(maps.Keys(from.Data)) {
		value := strings.TrimSpace(from.Data[key])
		switch {
		case key == "_example" || slices.Contains(twoRobots, key):
		case texts[key] != nil:
			*texts[key] = value
		case lists[key] != nil:
			*lists[key] = Fields(value)
		case switches[key] != nil:
			if value != "true" && value != "false" {
				return nil, fmt.Errorf("reading ConfigMap %q: %s is %q, not true or false", Name, key, value)
			}
			*switches[key] = value == "true"
		default:
			return nil, fmt.Errorf("reading ConfigMap %q: no key is named %q", Name, key)
		}
	}
	if c.Task == "" || c.TaskNamespace == "" {
		return nil, fmt.Errorf("reading ConfigMap %q: task and task-namespace must not be empty", Name)
	}
	if len(c.InternalRegistries) > 0 && (c.CustodyNamespace == "" || c.CopyTask == "") {
		return nil, fmt.Errorf("reading ConfigMap %q: internal-registries needs custody-namespace and copy-task: runs that push from there run in custody", Name)
	}
	for _, host := range c.GitHosts {
		if err := checkGitHost(host); err != nil {
			return nil, fmt.Errorf("reading ConfigMap %q: git-hosts: %w", Name, err)
		}
	}
	if err := c.checkGates(); err != nil {
		return nil, fmt.Errorf("reading ConfigMap %q: %w", Name, err)
	}
	if err := c.checkReceipts(); err != nil {
		return nil, fmt.Errorf("reading ConfigMap %q: %w", Name, err)
	}
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("reading ConfigMap %q: %w", Name, err)
	}
	return c, nil
}

// Fields returns the values of a list, which commas, spaces and line breaks are between, as in the policies of config/.
func Fields(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(", \n\r\t", r) })
}

// texts are the keys with one value.
func (c *Config) texts() map[string]*string {
	return map[string]*string{
		"registry":            &c.Registry,
		"team-prefix":         &c.TeamPrefix,
		"organization":        &c.Organization,
		"secret":              &c.Secret,
		"secret-namespace":    &c.SecretNamespace,
		"vault-mount":         &c.VaultMount,
		"vault-path":          &c.VaultPath,
		"secret-store":        &c.SecretStore,
		"team-label":          &c.TeamLabel,
		"division-label":      &c.DivisionLabel,
		"app-label":           &c.AppLabel,
		"task":                &c.Task,
		"task-namespace":      &c.TaskNamespace,
		"copy-task":           &c.CopyTask,
		"custody-namespace":   &c.CustodyNamespace,
		"run-account":         &c.RunAccount,
		"federation-audience": &c.FederationAudience,
		"gate":                &c.Gate,
		"receipt-key":         &c.ReceiptKey,
		"receipt-vault":       &c.ReceiptVault,
		"receipt-vault-login": &c.ReceiptVaultLogin,
	}
}

// lists are the keys with values that commas or spaces part.
func (c *Config) lists() map[string]*[]string {
	return map[string]*[]string{
		"robot-names":         &c.RobotNames,
		"adopted-robots":      &c.AdoptedRobots,
		"run-labels":          &c.RunLabels,
		"shared-namespaces":   &c.SharedNamespaces,
		"internal-registries": &c.InternalRegistries,
		"run-secrets":         &c.RunSecrets,
		"pipeline-namespaces": &c.PipelineNamespaces,
		"tekton-accounts":     &c.TektonAccounts,
		"git-hosts":           &c.GitHosts,
		"team-gates":          &c.TeamGates,
		"clusters":            &c.Clusters,
	}
}

// switches are the keys that are true or false.
func (c *Config) switches() map[string]*bool {
	return map[string]*bool{
		"verify-results": &c.VerifyResults,
	}
}
