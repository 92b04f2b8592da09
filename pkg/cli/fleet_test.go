package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/pkg/cli"
)

// granted is a rule of a ServiceAccount: everywhere if namespace is empty.
type granted struct {
	namespace string
	rbacv1.PolicyRule
}

// fleetRights returns the rules that config/fleet/ and what onboard fleet renders give to a ServiceAccount of quay-push.
func fleetRights(t *testing.T, rendered, account string) (rules []granted) {
	t.Helper()
	applied, err := os.ReadFile("../../config/fleet/200-rbac.yaml")
	if err != nil {
		t.Fatal(err)
	}
	roles, bound := map[string][]rbacv1.PolicyRule{}, []rbacv1.RoleBinding{}
	for document := range strings.SplitSeq(string(applied)+"\n---\n"+rendered, "\n---\n") {
		var o struct {
			Kind     string
			Metadata struct{ Namespace, Name string }
			Rules    []rbacv1.PolicyRule
		}
		if err := yaml.Unmarshal([]byte(document), &o); err != nil {
			t.Fatal(err)
		}
		switch o.Kind {
		case "Role", "ClusterRole":
			roles[o.Metadata.Namespace+"/"+o.Metadata.Name] = o.Rules
		case "RoleBinding", "ClusterRoleBinding":
			var b rbacv1.RoleBinding
			if err := yaml.Unmarshal([]byte(document), &b); err != nil {
				t.Fatal(err)
			}
			bound = append(bound, b)
		}
	}
	for _, b := range bound {
		if slices.ContainsFunc(b.Subjects, func(s rbacv1.Subject) bool { return s.Namespace == "quay-push" && s.Name == account }) {
			for _, r := range roles[b.Namespace+"/"+b.RoleRef.Name] {
				rules = append(rules, granted{b.Namespace, r})
			}
		}
	}
	return rules
}

// named is the name of the object that an action is about; empty where it is about many, or one that is made.
func named(action clienttesting.Action) string {
	// Those that get, patch and delete have it.
	if a, ok := action.(clienttesting.GetAction); ok {
		return a.GetName()
	}
	return ""
}

// allows reports whether the rule lets somebody do it.
func (g granted) allows(action clienttesting.Action) bool {
	return (g.namespace == "" || g.namespace == action.GetNamespace()) && slices.Contains(g.APIGroups, action.GetResource().Group) &&
		slices.Contains(g.Resources, action.GetResource().Resource) && slices.Contains(g.Verbs, action.GetVerb()) &&
		(len(g.ResourceNames) == 0 || slices.Contains(g.ResourceNames, named(action)))
}

// The accounts of config/fleet/ have every right that their command uses, and no other: each request to the API server is allowed, and
// each verb of each rule is used by one.
func TestFleetHasTheRightsThatItUses(t *testing.T) {
	t.Parallel()
	for account, test := range map[string]struct {
		args []string
		// notReady is the exit code where an ExternalSecret is not ready, and stays as it is.
		notReady cli.Exit
	}{
		"fleet-verify": {[]string{"verify", "--all", "--record"}, cli.ExitNotReady},
		"fleet-rotate": {[]string{"rotate", "--all", "--record", "--max-age", "720h"}, cli.ExitTimeout},
	} {
		t.Run(account, func(t *testing.T) {
			w := newWorld(t).withRecords()
			w.onboard("payments")
			w.onboard("platform")
			rendered := w.must("onboard", "fleet", "--vault-address", "https://vault.example.com:8200")
			w.quay.Advance(800 * time.Hour)
			w.kube.ClearActions()
			w.dynamic.ClearActions()
			w.tekton.ClearActions()
			w.must(test.args...)
			// Where an ExternalSecret is not ready its Events say why.
			w.failing()
			w.mu.Lock()
			w.asleep = true
			w.mu.Unlock()
			w.quay.Advance(800 * time.Hour)
			if exit, _, stderr := w.run(w.Context(), "", append(test.args, "--timeout", "5s")...); exit != test.notReady {
				t.Errorf("with an ExternalSecret that is not ready: exit %d, want %d\n%s", exit, test.notReady, stderr)
			}
			rules, used := fleetRights(t, rendered, account), map[string]bool{}
			for _, action := range slices.Concat(w.kube.Actions(), w.dynamic.Actions(), w.tekton.Actions()) {
				allowed := false
				for i, rule := range rules {
					if rule.allows(action) {
						allowed, used[fmt.Sprint(i, action.GetVerb())] = true, true
					}
				}
				if !allowed {
					t.Errorf("%s may not %s %s %s/%s", account, action.GetVerb(), action.GetResource(), action.GetNamespace(), named(action))
				}
			}
			for i, rule := range rules {
				for _, verb := range rule.Verbs {
					// What the admission policy asks about is no request.
					if !used[fmt.Sprint(i, verb)] && !slices.Contains(rule.Resources, "externalsecrets/finalizers") {
						t.Errorf("%s has no use for %s on %v %v in %q", account, verb, rule.Resources, rule.ResourceNames, rule.namespace)
					}
				}
			}
			if len(used) < 6 {
				t.Errorf("only %d rights are used", len(used))
			}
		})
	}
}

// In custody one Role is for all teams; elsewhere there is one for each team's Secret, by its name.
func TestOnboardFleetRendersTheRightToSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onboard("payments")
	out := w.must("onboard", "fleet", "--vault-address", "https://vault.example.com:8200", "-o", "json")
	var list struct {
		Items []struct {
			Kind     string
			Metadata struct{ Namespace, Name string }
			Rules    []rbacv1.PolicyRule
		}
		VaultFiles map[string]string
		Commands   []string
	}
	read := func(out string) (found []string) {
		list.Items = nil
		if err := json.Unmarshal([]byte(out), &list); err != nil {
			t.Fatal(err)
		}
		for _, o := range list.Items {
			line := o.Kind + " " + o.Metadata.Namespace + "/" + o.Metadata.Name
			for _, r := range o.Rules {
				line += fmt.Sprint(" ", r.Verbs, r.Resources, r.ResourceNames)
			}
			found = append(found, line)
		}
		return found
	}
	want := []string{"ConfigMap quay-push/config-fleet", "ServiceAccount quay-push/fleet-quay-token", "SecretStore quay-push/fleet-quay-token", "ExternalSecret quay-push/fleet-quay-token",
		"Role openshift-pipelines/quay-push-fleet-payments [get] [secrets] [quay-robot-team-payments]", "RoleBinding openshift-pipelines/quay-push-fleet-payments"}
	if got := read(out); !slices.Equal(got, want) || len(list.VaultFiles) != 6 || len(list.Commands) != 6 {
		t.Errorf("it renders %q, %d files and %d commands for Vault", got, len(list.VaultFiles), len(list.Commands))
	}
	configuration := w.file(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"config-tenancy"},"data":{"registry":"quay.example.com","custody-namespace":"quay-push-custody"}}`)
	out = w.must("onboard", "fleet", "--vault-address", "https://vault.example.com:8200", "-o", "json", "--config", configuration)
	want = append(want[:4], "Role quay-push-custody/quay-push-fleet [get] [secrets] [] [get list] [serviceaccounts] []", "RoleBinding quay-push-custody/quay-push-fleet",
		"Role quay-push-custody/quay-push-fleet-rotate [patch] [serviceaccounts] [] [rotate] [tenants] []", "RoleBinding quay-push-custody/quay-push-fleet-rotate")
	if got := read(out); !slices.Equal(got, want) {
		t.Errorf("in custody it renders %q", got)
	}
}

// What a run asks of Quay for each team, with one repository, is what docs/fleet.md says.
func TestWhatTheFleetCostsQuay(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/fleet.md")
	if err != nil {
		t.Fatal(err)
	}
	asked := func(age time.Duration, args ...string) (costs []int) {
		for _, teams := range [][]string{{"payments"}, {"payments", "platform"}} {
			w := newWorld(t).withRecords()
			for _, team := range teams {
				w.onboard(team)
			}
			w.quay.Advance(age)
			w.quay.ForgetRequests()
			w.must(args...)
			costs = append(costs, len(w.quay.Requests()))
		}
		return costs
	}
	for what, costs := range map[string][]int{
		"`verify` of a team":                    asked(0, "verify", "--all"),
		"`rotate` of a team that is left alone": asked(0, "rotate", "--all", "--max-age", "720h"),
	} {
		if row := fmt.Sprintf("\n| %s | %d |", what, costs[1]-costs[0]); !strings.Contains(string(page), row) {
			t.Errorf("the page has no row %q: %v", row, costs)
		}
	}
	costs := asked(800*time.Hour, "rotate", "--all", "--max-age", "720h")
	if n := costs[1] - costs[0]; n < 15 || n > 40 || !strings.Contains(string(page), "\n| `rotate` of a team that gets a new token | 15 to 40 |") {
		t.Errorf("a new token takes %d requests", n)
	}
}
