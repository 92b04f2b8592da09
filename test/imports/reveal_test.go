package imports

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// revealing are the files that call Reveal of secret.Value, each with what it does with the secret. In every other one it
// is a value that nothing prints.
var revealing = map[string]string{
	"pkg/federation/answer.go":              "looks for its parts in what a server says",
	"pkg/federation/claims.go":              "reads what it says of itself",
	"pkg/federation/exchange.go":            "sends it to Quay",
	"pkg/gitops/credential.go":              "hands it to go-git",
	"pkg/push/gate/scanner.go":              "sends it to Quay's management API, for a verdict",
	"pkg/push/registry/download.go":         "sends it to the registry of a source",
	"pkg/push/registry/request.go":          "sends it to a registry and its token service",
	"pkg/cli/overlayverdict.go":             "sends it to Quay's scanner",
	"pkg/quay/client.go":                    "sends it to Quay",
	"pkg/reconciler/runsecret/runsecret.go": "writes it into the Secret of a run",
	"pkg/receipt/options.go":                "hands it to go-containerregistry",
	"pkg/robot/credential.go":               "reads the user's name from Vault and the Docker config file of a Secret",
	"pkg/robot/verifyall.go":                "hashes it with a key that no other process has",
	"pkg/vault/client.go":                   "sends it to Vault",
	"pkg/vault/session.go":                  "sends the token of a ServiceAccount to Vault",
	"pkg/vault/secret.go":                   "writes it to Vault",
}

// entering are the files that call New of package secret, each with where the text is from that it makes a secret. Before
// that it is a string, which anything may print.
var entering = map[string]string{
	"pkg/cli/cluster.go":                  "a Secret of the cluster",
	"pkg/cli/clusteraccount.go":           "a token that the API server made for a keyless team's ServiceAccount",
	"pkg/cli/doctorlogin.go":              "a token that the API server made for a ServiceAccount",
	"pkg/cli/token.go":                    "$QUAY_TOKEN",
	"pkg/cli/vault.go":                    "$VAULT_TOKEN, or the file of vault login",
	"pkg/dockerconfig/credential.go":      "an entry of a Docker config file",
	"pkg/federation/answer.go":            "Quay's answer with a robot's token, and the parts of the one that was sent",
	"pkg/gitops/credential.go":            "a mounted Secret",
	"pkg/vault/blocked.go":                "the header of a request that was sent",
	"pkg/push/credential/federated.go":    "the file that CI wrote its token to",
	"pkg/push/registry/token.go":          "a token service's answer",
	"pkg/quay/robot.go":                   "Quay's answer about a robot",
	"pkg/robot/credential.go":             "the user's name beside the token, which Vault keeps in one map",
	"pkg/vault/secret.go":                 "what Vault has",
	"pkg/reconciler/keyless/exchanger.go": "a token that the API server made for a keyless team's ServiceAccount",
	"pkg/reconciler/signing/transit.go":   "a token that the API server made for the controller's ServiceAccount",
	"pkg/cli/delivery.go":                 "the Secret with the platform's OAuth token",
	"pkg/quay/applicationtoken.go":        "Quay's answer about an OAuth token that it made",
	"pkg/platformtoken/make.go":           "the name of a token in Quay, which Vault keeps beside the token",
	"pkg/platformtoken/rotate.go":         "the same name, to compare it",
}

// No file makes or reveals a secret but those, and each of those does.
func TestReveal(t *testing.T) {
	for function, known := range map[string]map[string]string{"Reveal": revealing, "secret.New": entering} {
		found := callers(t, "../..", function)
		for _, path := range slices.Sorted(maps.Keys(found)) {
			if known[path] == "" {
				t.Errorf("%s calls %s: let it hand a secret.Value on, or say in the list what it does with the secret", path, function)
			}
		}
		for _, path := range slices.Sorted(maps.Keys(known)) {
			if !found[path] {
				t.Errorf("%s does not call %s any more", path, function)
			}
		}
	}
}

// A file is found whether it calls the method or takes it as a func; a test, and what only has the word in it, is not.
func TestCallers(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"new.go": `var x = secret.New("")`, "other.go": `var x = errors.New("")`,
		"call.go": "var x = v.Reveal()", "value.go": "var f = v.Reveal", "expression.go": "var f = secret.Value.Reveal", "deep/in/a.go": "func f() { g(func() { h(a.b.Reveal()) }) }",
		"x_test.go": "var x = v.Reveal()", "testdata/x.go": "var x = v.Reveal()", "word.go": `// Reveal() is v.Reveal().
const Reveal = "v.Reveal()"`, "pkg/secret/value.go": "var x = v.Reveal()", "x.txt": "v.Reveal()",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("package x\n\n"+content+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]bool{"call.go": true, "value.go": true, "expression.go": true, "deep/in/a.go": true}
	if found := callers(t, dir, "Reveal"); !maps.Equal(found, want) {
		t.Errorf("callers are %v, want %v", found, want)
	}
	if found := callers(t, dir, "secret.New"); !maps.Equal(found, map[string]bool{"new.go": true}) {
		t.Errorf("callers of New are %v", found)
	}
}

// callers returns the files of Go below dir that name a method so, or with a package before it a function, by their path
// below dir; tests, and the package that has it, may.
func callers(t *testing.T, dir, name string) map[string]bool {
	t.Helper()
	pkg, function, qualified := strings.Cut(name, ".")
	if !qualified {
		function = pkg
	}
	found := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "testdata") {
			return fs.SkipDir
		}
		below, err := filepath.Rel(dir, path)
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(below, "pkg/secret/") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok || selector.Sel.Name != function {
				return true
			}
			if x, ok := selector.X.(*ast.Ident); !qualified || ok && x.Name == pkg {
				found[below] = true
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
