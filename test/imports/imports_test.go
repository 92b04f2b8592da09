// Package imports holds the rules about which package may know which: no domain package knows of Kubernetes.
package imports

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/comptech-lab/quay-push/"

// cluster is everything that only makes sense with a Kubernetes around it. A name that ends in / stands for all below it.
var cluster = []string{"k8s.io/api/", "k8s.io/apimachinery/", "k8s.io/client-go/", "knative.dev/", "github.com/tektoncd/", module + "pkg/reconciler/", module + "pkg/config"}

// rules say what a package must not import, itself or through others.
var rules = []struct {
	packages []string
	never    []string
}{
	{[]string{"pkg/apis/...", "pkg/tenant", "pkg/secret", "pkg/dockerconfig", "pkg/quay/...", "pkg/vault/...", "pkg/robot/...", "pkg/overlay/...", "pkg/onboard/...", "pkg/fleet", "pkg/report", "pkg/platformtoken", "pkg/retention", "pkg/pushlog", "pkg/gitops/...", "pkg/push/...",
		"pkg/cafile", "pkg/federation", "pkg/receipt", "pkg/reference", "pkg/retryafter", "pkg/shown", "pkg/stepargs", "pkg/steplog", "internal/...", "cmd/push-image", "test/story", "test/try"}, cluster},
	{[]string{"pkg/push/...", "cmd/push-image"}, []string{"github.com/spf13/", module + "pkg/vault", module + "pkg/cli", module + "pkg/quay"}},
	{[]string{"pkg/push/failure"}, slices.Concat(room("strict"), room("credential"), room("registry"), room("source"), room(""))},
	{[]string{"pkg/push/credential"}, slices.Concat(room("registry"), room("source"), room(""))},
	{[]string{"pkg/push/strict"}, slices.Concat(room("registry"), room("source"), room(""))},
	{[]string{"pkg/push/registry/..."}, slices.Concat(room("source"), room(""))},
	{[]string{"pkg/push/source/..."}, room("")},
	{[]string{"pkg/secret"}, []string{module + "pkg/"}},
	{[]string{"pkg/tenant"}, []string{"net", "net/http"}},
	{[]string{"pkg/federation"}, []string{module + "pkg/quay", module + "pkg/push/"}},
	{[]string{"pkg/...", "cmd/..."}, []string{module + "cmd/", module + "test/", module + "internal/"}},
}

// room is one of those of a push, with what is below it; "" is the push itself, which knows them all.
func room(name string) []string {
	if name == "" {
		return []string{module + "pkg/push"}
	}
	return []string{module + "pkg/push/" + name, module + "pkg/push/" + name + "/"}
}

func TestImports(t *testing.T) {
	for _, rule := range rules {
		for pkg, deps := range dependencies(t, rule.packages) {
			for _, dep := range deps {
				for _, forbidden := range rule.never {
					if dep != pkg && (dep == forbidden || strings.HasSuffix(forbidden, "/") && strings.HasPrefix(dep, forbidden)) {
						t.Errorf("%s imports %s", pkg, dep)
					}
				}
			}
		}
	}
}

// dependencies returns for each package that the patterns match everything that it is built from.
func dependencies(t *testing.T, patterns []string) map[string][]string {
	t.Helper()
	args := []string{"list", "-f", `{{.ImportPath}}{{range .Deps}} {{.}}{{end}}`}
	for _, p := range patterns {
		args = append(args, module+p)
	}
	var stderr strings.Builder
	cmd := exec.Command("go", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	all := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		all[fields[0]] = fields[1:]
	}
	return all
}
