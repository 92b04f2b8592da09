package olm_test

import (
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/release/olm"
)

// What would be lost, or would be installed in another way than it is meant, is no bundle.
func TestNoBundle(t *testing.T) {
	good := string(released(t, "config/*.yaml"))
	digest := "@sha256:" + strings.Repeat("0", 64)
	for want, c := range map[string]struct{ version, install string }{
		`version "0.2.0": it is not like v0.2.0`:    {"0.2.0", good},
		`version "v0.2": it is not like`:            {"v0.2", good},
		`version "": it is not like`:                {"", good},
		`nothing says where Secret "s" goes`:        {"v0.2.0", good + "\n---\nkind: Secret\nmetadata: {name: s}\n"},
		`Service "controller" is there twice`:       {"v0.2.0", good + "\n---\nkind: Service\nmetadata: {name: controller}\n"},
		"it has no kind or no name":                 {"v0.2.0", good + "\n---\nspec: {}\n"},
		"reading the manifest's object":             {"v0.2.0", good + "\n---\n{\n"},
		"is not by digest":                          {"v0.2.0", strings.ReplaceAll(good, digest, ":latest")},
		"2 Deployments":                             {"v0.2.0", good + "\n---\nkind: Deployment\nmetadata: {name: second}\n"},
		"0 Deployments":                             {"v0.2.0", "kind: Service\nmetadata: {name: controller}\n"},
		`need Kubernetes ""`:                        {"v0.2.0", strings.ReplaceAll(good, "KUBERNETES_MIN_VERSION", "OTHER")},
		"have the same name":                        {"v0.2.0", good + "\n---\nkind: Task\nmetadata: {name: t}\nspec: {image: other.example.com/x/controller" + digest + " }\n"},
		`ServiceAccount "other" is no Deployment's`: {"v0.2.0", good + "\n---\nkind: ServiceAccount\nmetadata: {name: other}\n"},
		`ClusterRoleBinding "b" binds "edit"`:       {"v0.2.0", good + "\n---\nkind: ClusterRoleBinding\nmetadata: {name: b}\nroleRef: {kind: ClusterRole, name: edit}\nsubjects: [{kind: ServiceAccount, name: controller}]\n"},
		`ClusterRoleBinding "c" binds`:              {"v0.2.0", good + "\n---\nkind: ClusterRoleBinding\nmetadata: {name: c}\nroleRef: {kind: ClusterRole, name: quay-push-metrics-reader}\nsubjects: [{kind: Group, name: all}]\n"},
		// Neither a person who is called as the controller is, nor another account.
		`ClusterRoleBinding "d" binds`: {"v0.2.0", good + "\n---\nkind: ClusterRoleBinding\nmetadata: {name: d}\nroleRef: {kind: ClusterRole, name: quay-push-metrics-reader}\nsubjects: [{kind: User, name: controller}]\n"},
		`ClusterRoleBinding "e" binds`: {"v0.2.0", good + "\n---\nkind: ClusterRoleBinding\nmetadata: {name: e}\nroleRef: {kind: ClusterRole, name: quay-push-metrics-reader}\nsubjects: [{kind: ServiceAccount, name: default}]\n"},
	} {
		if _, err := olm.Files(c.version, []byte(c.install)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q", err, want)
		}
	}
}
