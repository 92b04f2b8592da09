package cli_test

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comptech-lab/quay-push/internal/nexttest"
	"github.com/comptech-lab/quay-push/pkg/cli"
)

// refuse has the API server answer a verb on a resource with err.
func (w *world) refuse(verb, resource string, err error) {
	refusal := func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, err }
	w.kube.PrependReactor(verb, resource, refusal)
	w.tekton.PrependReactor(verb, resource, refusal)
}

// file writes a file and returns its path.
func (w *world) file(content string) string {
	w.Helper()
	path := filepath.Join(w.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		w.Fatal(err)
	}
	return path
}

// What is wrong is told with the exit code for it and a next step for its cause. args is the command line, or set by prepare.
func TestErrors(t *testing.T) {
	forbidden := func(resource string) error {
		return apierrs.NewForbidden(schema.GroupResource{Resource: resource}, "x", errors.New("no"))
	}
	none := func(*world, *[]string) {}
	seen := []string{}
	for cause, test := range map[string]struct {
		args          string
		prepare       func(*world, *[]string)
		exit          cli.Exit
		problem, next string
	}{
		"no such flag":              {"rotate payments --plan", none, cli.ExitUsage, "unknown flag: --plan", "see tkn quay rotate --help"},
		"no such command":           {"rotat payments", none, cli.ExitUsage, `unknown argument "rotat" of tkn quay`, "did you mean tkn quay rotate?"},
		"no such help":              {"help nope", none, cli.ExitUsage, `unknown argument "nope" of tkn quay`, "see tkn quay --help"},
		"no such help of a group":   {"help explain pipelinerum", none, cli.ExitUsage, `unknown argument "pipelinerum" of tkn quay explain`, "did you mean tkn quay explain pipelinerun?"},
		"a group alone":             {"explain", none, cli.ExitUsage, "explain needs one of its commands", "see tkn quay explain --help"},
		"completion alone":          {"completion", none, cli.ExitUsage, "completion needs one of its commands", "see tkn quay completion --help"},
		"completion of no shell":    {"completion nope", none, cli.ExitUsage, `unknown argument "nope" of tkn quay completion`, "see tkn quay completion --help"},
		"help of no command":        {"nope --help", none, cli.ExitUsage, `unknown argument "nope" of tkn quay`, "see tkn quay --help"},
		"help within a group":       {"-o json explain nope -h", none, cli.ExitUsage, `unknown argument "nope" of tkn quay explain`, "see tkn quay explain --help"},
		"help with too much":        {"onboard a b --help", none, cli.ExitUsage, `unknown argument "b" of tkn quay onboard`, "see tkn quay onboard --help"},
		"no team":                   {"rotate", none, cli.ExitUsage, "rotate needs one team, or --all", "see tkn quay rotate --help"},
		"two teams":                 {"rotate a b", none, cli.ExitUsage, `unknown argument "b" of tkn quay rotate`, "see tkn quay rotate --help"},
		"a team and all":            {"rotate payments --all --max-age 1h", none, cli.ExitUsage, "rotate needs one team, or --all", "see tkn quay rotate --help"},
		"all of any age":            {"rotate --all", none, cli.ExitUsage, "--all needs --max-age: without it each run", "give the age from which on a token is replaced, such as --max-age 720h"},
		"all in place":              {"rotate --all --max-age 1h --in-place --yes", none, cli.ExitUsage, "--in-place does not go with --all: the pushes of every team would fail", "leave out --in-place, or name one team"},
		"all at one place":          {"rotate --all --max-age 1h -n x", none, cli.ExitUsage, "--namespace, --division and --app are for one team", "name the team, or leave them out"},
		"none at once":              {"rotate --all --max-age 1h --parallel 0", none, cli.ExitUsage, "--parallel is 0", "give 1 or more"},
		"one team at once":          {"rotate payments --parallel 2", none, cli.ExitUsage, "--parallel is for --all, and one team was named", "leave it out, or use --all"},
		"a rate below none":         {"rotate --all --max-age 1h --rate -1", none, cli.ExitUsage, "--rate is -1, which is not between 0 and 10000", "give how many requests a second Quay may be sent, such as 40"},
		"a rate that is no number":  {"rotate payments --rate nan", none, cli.ExitUsage, "--rate is NaN, which is not between 0 and 10000", "such as 40, or leave it out"},
		"all of no team":            {"rotate --all --max-age 1h", none, cli.ExitMissing, "no team has an ExternalSecret, or is keyless: there was nothing to rotate", "tkn quay onboard makes one for a team"},
		"no time":                   {"leak payments", none, cli.ExitUsage, "--since is missing", "such as --since 72h"},
		"an empty time":             {"leak payments --since=", none, cli.ExitUsage, "--since is missing", "such as --since 72h"},
		"no division and app":       {"onboard payments", none, cli.ExitUsage, "--division and --app are missing", "give both: they name the path in Vault"},
		"no address of the store":   {"onboard platform", none, cli.ExitUsage, "--vault-address is missing", "give the address at which External Secrets reaches Vault"},
		"no environment":            {"overlay promote x", none, cli.ExitUsage, "--to is missing", "name the next environment, such as --to stg"},
		"an empty name of a run":    {"logs", func(_ *world, args *[]string) { *args = append(*args, "") }, cli.ExitUsage, "logs needs the name of a PipelineRun", "see tkn quay logs --help"},
		"another output of pushes":  {"pushes -o xml", none, cli.ExitUsage, `--output is "xml"`, "use table, wide, json or yaml"},
		"another output":            {"verify --all -o xml", none, cli.ExitUsage, `--output is "xml"`, "use table, json or yaml"},
		"no time at all":            {"verify --all --timeout 0s", none, cli.ExitUsage, "--timeout 0s leaves no time", "give a duration such as 5m"},
		"a time that is none":       {"verify --all --timeout soon", none, cli.ExitUsage, `invalid argument "soon" for "--timeout"`, "see tkn quay verify --help"},
		"both tokens from stdin":    {"verify --all --quay-token-file - --vault-token-file -", none, cli.ExitUsage, "both read stdin", "put one of the tokens into a file or the environment"},
		"token and role":            {"verify --all --vault-token-file x --vault-role y", none, cli.ExitUsage, "cannot be used together", "use one of them"},
		"no scheme for Quay":        {"verify --all --quay-url quay.example.com", none, cli.ExitUsage, `--quay-url "quay.example.com" is not https://host`, "write --quay-url with its scheme"},
		"no scheme for Vault":       {"verify --all --vault-addr vault", none, cli.ExitUsage, `--vault-addr "vault" is not https://host`, "such as https://vault"},
		"no OAuth token":            {"verify --all", func(w *world, _ *[]string) { w.env["QUAY_TOKEN"] = "" }, cli.ExitUsage, "there is no OAuth token of Quay", "set QUAY_TOKEN, or name a file with --quay-token-file"},
		"no Vault token":            {"verify --all", func(w *world, _ *[]string) { w.env["VAULT_TOKEN"] = "" }, cli.ExitUsage, "there is no Vault token", "run vault login, set VAULT_TOKEN, or use --vault-token-file or --vault-role"},
		"no file with the token":    {"verify --all --quay-token-file /nope", none, cli.ExitUsage, `--quay-token-file "/nope" does not exist`, "give a file that exists"},
		"no file for Vault's token": {"report --html - --vault-token-file /nope", none, cli.ExitUsage, `--vault-token-file "/nope" does not exist`, "give a file that exists"},
		"no Git credential":         {"pushes --git-credential-dir /nope", none, cli.ExitUsage, `--git-credential-dir "/nope" does not exist`, "give a directory that exists"},
		"a directory as the token":  {"verify --all --quay-token-file .", none, cli.ExitUsage, "reading OAuth token of Quay: read .: is a directory", "give a file that can be read"},
		"no directory for the page": {"report --html /no/dir/r.html", none, cli.ExitUsage, `--html "/no/dir/r.html": directory "/no/dir" does not exist`, "make it, or name a file in another one"},
		"a place for no page":       {"report --html /proc/r.html", none, cli.ExitUsage, `--html "/proc/r.html" cannot be written: open /proc/`, "name a file in a directory that can be written to"},
		"a token with spaces":       {"verify --all", func(w *world, _ *[]string) { w.env["QUAY_TOKEN"] = "a b" }, cli.ExitUsage, "the OAuth token has a space", "the file or variable with the OAuth token"},
		"a wrong OAuth token":       {"verify payments --division retail --app x", func(w *world, _ *[]string) { w.env["QUAY_TOKEN"] = strings.Repeat("A", 40) }, cli.ExitNoRight, "401", "make another OAuth token in Quay"},
		"authorities that are DER":  {"verify --all", func(w *world, args *[]string) { *args = append(*args, "--quay-ca-file", w.file("0\x82\x01\x00")) }, cli.ExitUsage, "has no PEM certificate", "openssl x509 -inform der"},
		"authorities of Vault":      {"verify --all", func(w *world, args *[]string) { *args = append(*args, "--vault-ca-file", w.file("")) }, cli.ExitUsage, "has no PEM certificate", "openssl x509 -inform der"},
		"no file of authorities":    {"verify --all --quay-ca-file /nope", none, cli.ExitUsage, "reading --quay-ca-file: open /nope", "give a file with PEM certificates"},
		"no file for --config":      {"verify --all --config /nope", none, cli.ExitUsage, "reading --config: open /nope", "give --config a file with ConfigMap config-tenancy"},
		"a directory as --config":   {"verify --all --config .", none, cli.ExitUsage, "is a directory", "give --config a file with ConfigMap config-tenancy"},
		"text as --config":          {"verify --all", func(w *world, args *[]string) { *args = append(*args, "--config", w.file("text")) }, cli.ExitUsage, "cannot unmarshal", "kubectl get configmap config-tenancy --namespace quay-push --output yaml writes one"},
		"another kind in --config": {"verify --all", func(w *world, args *[]string) {
			*args = append(*args, "--config", w.file("apiVersion: v1\nkind: Secret\n"))
		}, cli.ExitUsage, "has v1 Secret, want v1 ConfigMap", "kubectl get configmap config-tenancy --namespace quay-push --output yaml writes one"},
		"two in --config": {"verify --all", func(w *world, args *[]string) { *args = append(*args, "--config", w.file("a: b\n---\nc: d\n")) }, cli.ExitUsage, "has 2 documents, want one", "leave ConfigMap config-tenancy alone in it"},
		"no registry for overlays": {"overlay verify x --registry", func(w *world, args *[]string) {
			*args = append(*args, "--config", w.file("apiVersion: v1\nkind: ConfigMap\n"))
		}, cli.ExitUsage, "names no registry", "use --quay-url, or set registry in ConfigMap config-tenancy"},
		"no namespace of ours": {"rotate payments", func(w *world, _ *[]string) {
			w.onboard("payments")
			w.refuse("create", "leases", apierrs.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "quay-push"))
		}, cli.ExitMissing, `namespaces "quay-push" not found`, "install quay-push first"},
		"no registry": {"verify --all", func(w *world, args *[]string) {
			*args = append(*args, "--config", w.file("apiVersion: v1\nkind: ConfigMap\n"))
		}, cli.ExitUsage, "names no registry", "name it: kubectl patch configmap config-tenancy"},
		"a typo in --config": {"verify --all", func(w *world, args *[]string) {
			*args = append(*args, "--config", w.file("apiVersion: v1\nkind: ConfigMap\ndata: {x: y}\n"))
		}, cli.ExitFailure, `no key is named "x"`, "correct /"},
		"another ConfigMap": {"verify --all", func(w *world, args *[]string) {
			*args = append(*args, "--config", w.file("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config-push}\n"))
		}, cli.ExitUsage, `has another ConfigMap, "config-push"`, "writes the one that is meant"},
		"an empty --config":      {"verify --all", func(w *world, args *[]string) { *args = append(*args, "--config", w.file("")) }, cli.ExitUsage, "has 0 documents, want one", "leave ConfigMap config-tenancy alone in it"},
		"the cluster's is wrong": {"verify --all", func(w *world, _ *[]string) { w.setConfig("x", "y") }, cli.ExitFailure, `no key is named "x"`, "kubectl edit configmap config-tenancy --namespace quay-push"},
		"it may not be read":     {"verify --all", func(w *world, _ *[]string) { w.refuse("get", "configmaps", forbidden("configmaps")) }, cli.ExitNoRight, "forbidden", "get the right; docs/cli.md lists"},
		"a stale login":          {"verify --all", func(w *world, _ *[]string) { w.refuse("get", "configmaps", apierrs.NewUnauthorized("no")) }, cli.ExitNoRight, "reading ConfigMap", "log in to the cluster again"},
		"no cluster": {"verify --all", func(w *world, _ *[]string) {
			w.refuse("get", "configmaps", &url.Error{Op: "Get", URL: "https://127.0.0.1:1", Err: errors.New("refused")})
		}, cli.ExitFailure, "127.0.0.1:1", "see whether kubectl version gets an answer"},
		"namespaces are not listed": {"verify payments", func(w *world, _ *[]string) { w.refuse("list", "namespaces", forbidden("namespaces")) }, cli.ExitNoRight, "listing namespaces", "get the right"},
		"runs are not listed": {"rotate payments", func(w *world, _ *[]string) {
			w.onboard("payments")
			w.refuse("list", "pipelineruns", forbidden("pipelineruns"))
		}, cli.ExitNoRight, "not allowed to list PipelineRuns", "get the right to list pipelineruns.tekton.dev"},
		"no Tekton": {"rotate payments", func(w *world, _ *[]string) {
			w.onboard("payments")
			w.refuse("list", "pipelineruns", apierrs.NewNotFound(schema.GroupResource{Resource: "pipelineruns"}, ""))
		}, cli.ExitMissing, "no PipelineRuns in this cluster", "see whether Tekton is installed in this cluster"},
		"no Lease":               {"rotate payments", func(w *world, _ *[]string) { w.onboard("payments"); w.refuse("*", "leases", forbidden("leases")) }, cli.ExitNoRight, "forbidden", `get the right to get, create and update Leases in namespace "quay-push"`},
		"an unknown team":        {"verify nobody", none, cli.ExitMissing, `team "nobody" has no ExternalSecret`, "give --division and --app, or make it with onboard"},
		"a team that is none":    {"verify -- -x", none, cli.ExitUsage, "", "correct the name"},
		"a namespace of another": {"verify payments -n quay-push", func(w *world, _ *[]string) { w.onboard("payments") }, cli.ExitMissing, `has no ExternalSecret in namespace "quay-push"`, "leave -n out to look in every namespace"},
		"no run":                 {"explain pipelinerun x", none, cli.ExitMissing, `there is no PipelineRun "x" in namespace "default"`, "name its namespace with -n"},
		"an age below nothing":   {"rotate payments --max-age -1s", none, cli.ExitUsage, "--max-age is -1s", "give a duration such as 720h"},
		"offboard without --yes": {"offboard payments", none, cli.ExitUsage, "cannot be undone", "look at it with --dry-run, then repeat it with --yes"},
		"pages of no kind":       {"docs pdf x", none, cli.ExitUsage, `no pages of kind "pdf"`, "use man or markdown"},
	} {
		t.Run(cause, func(t *testing.T) {
			w := newWorld(t)
			args := strings.Fields(test.args)
			test.prepare(w, &args)
			exit, _, stderr := w.run(t.Context(), "", args...)
			problem, next, found := strings.Cut(stderr[strings.LastIndex("\n"+stderr, "\ntkn quay: "):], "\nnext: ")
			seen = append(seen, strings.TrimSuffix(next, "\n"))
			if exit != test.exit || !found || !strings.Contains(problem, test.problem) || !strings.Contains(next, test.next) {
				t.Errorf("exit %d, want %d\n%s", exit, test.exit, stderr)
			}
		})
	}
	nexttest.Check(t, seen, "address.go", "authorities.go", "configfile.go", "connection.go", "quay.go", "token.go", "deadline.go", "clients.go", "root.go")
}

// setConfig adds a key to the cluster's config-tenancy.
func (w *world) setConfig(key, value string) {
	w.Helper()
	maps := w.kube.CoreV1().ConfigMaps("quay-push")
	found, err := maps.Get(w.Context(), "config-tenancy", metav1.GetOptions{})
	if err != nil {
		w.Fatal(err)
	}
	found = &corev1.ConfigMap{ObjectMeta: found.ObjectMeta, Data: map[string]string{key: value}}
	if _, err := maps.Update(w.Context(), found, metav1.UpdateOptions{}); err != nil {
		w.Fatal(err)
	}
}

// What is no mistake is none with --help either.
func TestHelpIsRight(t *testing.T) {
	w := newWorld(t)
	for _, line := range []string{"", "--help", "-h", "help", "help onboard", "onboard --help", "onboard payments --help", "onboard platform -h", "verify payments --help", "explain --help", "completion --help", "completion bash", "--version"} {
		if exit, stdout, stderr := w.run(t.Context(), "", strings.Fields(line)...); exit != cli.ExitOK || stdout == "" || stderr != "" {
			t.Errorf("%q: exit %d\n%s", line, exit, stderr)
		}
	}
}
