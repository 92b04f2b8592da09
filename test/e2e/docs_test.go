//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/docs"
	"github.com/comptech-lab/quay-push/test/stage"
)

// docsNamespace is a tenant's, and has nothing in it but what a test of the docs puts there.
const docsNamespace = "payments-docs"

// inOrder are the pages whose blocks tests of their own run for good.
var inOrder = []string{"quickstart.md", "releasing.md", "shared-namespace.md", "tutorial.md", "uninstall.md"}

// notRun are commands that cannot be run here, and why.
var notRun = map[string]string{
	"kubectl apply -f config/monitoring/": "the cluster has no Prometheus operator; make argocd applies them",
	"go install github.com/comptech-lab/quay-push/cmd/tkn-quay@latest   # in PATH it is `tkn quay` too":                             "it fetches a release from the Internet",
	"go test ./test/conformance -run TestConformance -v   # what needs no cluster":                                                  "it is a test itself, of make test",
	"jq --raw-input 'split(\".\")[1] | gsub(\"-\"; \"+\") | gsub(\"_\"; \"/\") | @base64d | fromjson | {iss, sub, aud, exp}' token": "there is no token of CI; cmd/push-image runs it with one",
	"kubectl apply -f release.yaml":                       "there is no release at hand; make release-test makes one",
	"kubectl krew install --manifest=quay.yaml":           "krew is not on this machine",
	"openssl ec -in receipt.key -pubout -out receipt.pub": "it leaves a file in the repository",
	"tkn taskrun logs RUN-push --namespace NAMESPACE":     "Tekton's own tool is not on this machine",
}

// programs stand in for those that would change the cluster, or that another test knows better. Of kubectl and ko the API server gets
// everything, and keeps nothing.
var programs = map[string]string{
	"kubectl": `case "$1 $2" in
"create token") ;;
apply*|patch*|label*|annotate*|delete*|create*) exec KUBECTL "$@" --dry-run=server ;;
esac
exec KUBECTL "$@"`,
	"ko": `case "$1 $*" in
resolve*) exec KO "$@" ;;
*" -- "*) exec KO "$@" --dry-run=server ;;
esac
exec KO "$@" -- --dry-run=server`,
	"make":           `exec MAKE --dry-run "$@"`,
	"docker":         "cat >/dev/null # It does not run on this machine.",
	"kind":           "# It needs Docker.",
	"cosign":         "# Run by TestCosignVerifies of pkg/receipt, and by TestReceipt.",
	"vault":          "# TestTransit of pkg/vault does the same with the real Vault, whose program cannot be built from its module.",
	"tkn":            "# Parsed by TestCommandLinesOfThePages of pkg/cli.",
	"push-image":     "# Parsed by TestFlags of test/docs.",
	"update-overlay": "# Parsed by TestFlags of test/docs.",
}

// Every command of the pages is run. One that waits for a stranger's name gets one that is there.
func TestDocsCommands(t *testing.T) {
	ctx := within(t, 10*time.Minute)
	names := openDocs(t, ctx)
	env := append(os.Environ(), "KO_DEFAULTPLATFORMS=linux/"+runtime.GOARCH, "OVERLAY_IMAGE={}")
	env = append(env, "PATH="+standIns(t, programs)+":"+os.Getenv("PATH"))
	unused := len(notRun)
	for _, block := range pages(t, "sh") {
		if slices.Contains(inOrder, filepath.Base(block.Page)) || strings.Contains(block.Text, "port-forward") {
			continue
		}
		for line := range strings.Lines(block.Text) {
			if why := notRun[strings.TrimSpace(line)]; why != "" {
				t.Logf("%s: not run, %s: %s", block, why, line)
				block.Text = strings.Replace(block.Text, line, "", 1)
				unused--
			}
		}
		block.Text = names.Replace(block.Text)
		runBlock(t, ctx, env, block)
	}
	if unused > 0 {
		t.Errorf("%d commands that are not to be run are on no page", unused)
	}
}

// The API server takes every whole object of the pages, and the Pipelines that their parts are of, in a tenant's namespace.
func TestDocsYAML(t *testing.T) {
	ctx := within(t, 5*time.Minute)
	openDocs(t, ctx)
	for _, block := range pages(t, "yaml") {
		documents, err := docs.Documents(block)
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range documents {
			object, ok := docs.Pipeline(document)
			if !ok && docs.IsObject(document) {
				object, ok = document.(docs.Object)
			}
			// Tekton Triggers is not on the cluster; TestTriggers of test/docs knows its fields. test/argocd reads Argo CD's kinds by their own
			// definition, and test/olm those of the Operator Lifecycle Manager by its types.
			group, _, _ := strings.Cut(fmt.Sprint(object["apiVersion"]), "/")
			if !ok || slices.Contains([]string{"triggers.tekton.dev", "argoproj.io", "operators.coreos.com"}, group) {
				continue
			}
			if meta := object["metadata"].(docs.Object); object["kind"] != "Namespace" {
				meta["namespace"] = docsNamespace
			}
			encoded, err := json.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			verb := "apply"
			if object["metadata"].(docs.Object)["generateName"] != nil {
				verb = "create"
			}
			cmd := exec.CommandContext(ctx, "kubectl", verb, "--dry-run=server", "--filename=-")
			cmd.Stdin = bytes.NewReader(encoded)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", block, err, out)
			}
		}
	}
}

// The metrics are read as operations.md tells.
func TestDocsMetrics(t *testing.T) {
	ctx := within(t, 3*time.Minute)
	names := openDocs(t, ctx)
	t.Cleanup(func() {
		if err := s.Kube.RbacV1().ClusterRoleBindings().Delete(within(t, time.Minute), "me-quay-push-metrics", metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	for _, block := range pages(t, "sh") {
		if strings.Contains(block.Text, "port-forward") {
			block.Text = "trap 'kill $(jobs -p)' EXIT\n" + names.Replace(block.Text)
			if printed := runBlock(t, ctx, os.Environ(), block); !strings.Contains(printed, "\nquay_push_leading{") {
				t.Errorf("%s prints\n%.2000s", block, printed)
			}
			return
		}
	}
	t.Error("no page has the command")
}

// pages returns the blocks of the language of all pages.
func pages(t *testing.T, language string) []docs.Block {
	t.Helper()
	found, err := docs.Blocks("../..", language)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// openDocs makes the tenant's fresh namespace with a run in it, and the one of robots in custody, and returns what puts their names and
// those of the reader's files into a command. All is gone when the test ends.
func openDocs(t *testing.T, ctx context.Context) *strings.Replacer {
	t.Helper()
	forget(t, ctx, docsNamespace, stage.Custody)
	for name, labels := range map[string]map[string]string{stage.Custody: nil,
		docsNamespace: {"apps.platform/team": stage.Payments.Team, v1alpha1.LabelGuarded: "true"}} {
		if _, err := s.Kube.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	tenant := stage.Payments
	tenant.Namespace = docsNamespace
	run, err := s.Run(ctx, stage.NewPush(tenant, stage.Platform.Repository))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	return strings.NewReplacer("RUN-push", run.Name+"-push", "NAMESPACE", docsNamespace, "ACCOUNT", "default", "HOST", s.Quay.Host, "USER", "puller",
		"TOKEN-FILE", writeFile(t, dir, "token", []byte("none")), "team-payments-ci-auth.json", writeFile(t, dir, "auth.json", []byte(`{"auths":{}}`)),
		"quay-ca.crt", writeFile(t, dir, "ca.crt", s.Quay.CA), "apps-payments-checkout", docsNamespace, "namespace monitoring", "namespace "+docsNamespace,
		"export KO_DOCKER_REPO=registry.example.com/quay-push\n", "", "> payments.yaml", "> "+filepath.Join(dir, "payments.yaml"))
}

// standIns returns a directory with programs that stand in for those of the same names.
func standIns(t *testing.T, programs map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	real := []string{}
	for _, name := range []string{"kubectl", "ko", "make"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		real = append(real, strings.ToUpper(name), path)
	}
	for name, script := range programs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/bash\n"+strings.NewReplacer(real...).Replace(script)+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
