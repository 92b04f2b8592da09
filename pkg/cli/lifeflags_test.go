package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A next step of package robot can come from every command on a team: the flags that it names are on all of them, but for those that say
// what only some do, and for those that stand behind the name of a command which has them.
func TestFlagsOfRobotAreOnEveryCommand(t *testing.T) {
	lives := []string{"onboard", "bootstrap", "rotate", "verify", "leak", "offboard", "adopt"}
	only := map[string][]string{"create-organization": lives[:2], "email": lives[:2], "keyless": {"onboard"}, "issuer": {"onboard", "verify"},
		"yes": {"rotate", "leak", "offboard"}, "apply": {"onboard", "offboard", "adopt"},
		"fix-permissions": {"adopt"}, "robot": {"adopt"}, "vault-path": {"adopt"}, "from-secret": {"adopt"}, "all": {"rotate", "verify"}}
	files, err := filepath.Glob("../robot/*.go")
	if err != nil {
		t.Fatal(err)
	}
	root, named := New().newRoot(), []string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || strings.Contains(literal.Value, "kubectl ") {
				return true
			}
			for _, text := range flagged.FindAllString(literal.Value, -1) {
				flag := strings.TrimPrefix(text, "--")
				named = append(named, flag)
				commands := lives
				if some := only[flag]; some != nil {
					commands = some
				}
				for _, name := range commands {
					if cmd, _, err := root.Find([]string{name}); err != nil || cmd.Flag(flag) == nil {
						t.Errorf("%s names --%s, which %s does not have: %s", file, flag, name, literal.Value)
					}
				}
			}
			return true
		})
	}
	for _, flag := range []string{"division", "app", "create-organization", "email"} {
		if !slices.Contains(named, flag) {
			t.Errorf("--%s is named no more: %q", flag, named)
		}
	}
}
