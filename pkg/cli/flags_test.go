package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// flagPattern is a flag in a text.
var flagPattern = regexp.MustCompile(`(^|[^\w-])--([a-z][a-z0-9-]+)`)

// otherPrograms begin a line of a command that is not the tool's.
var otherPrograms = regexp.MustCompile(`(kubectl|vault|openssl|crane|cosign|git|helm|oc|make|ko|curl|go) [a-z-]`)

// flagsIn are the flags of the tool that text names.
func flagsIn(text string) (found []string) {
	for _, line := range strings.Split(text, "\n") {
		if other := otherPrograms.FindStringIndex(line); other != nil {
			line = line[:other[0]]
		}
		for _, match := range flagPattern.FindAllStringSubmatch(line, -1) {
			// The rest of a line that begins with kubectl patch.
			if match[2] != "type" && match[2] != "patch" {
				found = append(found, match[2])
			}
		}
	}
	return found
}

// literals are the texts in the Go files of a package, without those of its tests.
func literals(t *testing.T, directory string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(directory, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %q: %v", directory, err)
	}
	found := map[string]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				text, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Error(err)
				}
				found[set.Position(literal.Pos()).String()] = text
			}
			return true
		})
	}
	return found
}

// commandsWith are the commands that have the flag, by name.
func commandsWith(flag string) (names []string) {
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		cmd.InitDefaultHelpFlag()
		if cmd.Flags().Lookup(flag) != nil || cmd.InheritedFlags().Lookup(flag) != nil {
			names = append(names, cmd.Name())
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(New().newRoot())
	return names
}

// Who does what an error or a page says finds the flag that it names; what package robot names is on every command that can say so.
func TestFlagsThatTextsNameExist(t *testing.T) {
	lives := []string{"onboard", "bootstrap", "rotate", "verify", "leak", "offboard"}
	only := map[string][]string{"create-organization": lives[:2], "email": lives[:2], "apply": {"onboard", "offboard"}}
	named := 0
	for _, directory := range []string{".", "../robot", "../quay", "../vault", "../onboard", "../config"} {
		for at, text := range literals(t, directory) {
			for _, flag := range flagsIn(text) {
				named++
				has := commandsWith(flag)
				if len(has) == 0 {
					t.Errorf("%s names --%s, which no command has: %q", at, flag, text)
				}
				if directory == "." {
					continue
				}
				wanted := lives
				if some := only[flag]; some != nil {
					wanted = some
				}
				for _, command := range wanted {
					if !slices.Contains(has, command) {
						t.Errorf("%s names --%s, which %s does not have: %q", at, flag, command, text)
					}
				}
			}
		}
	}
	for _, page := range []string{"../../docs/cli.md", "../../docs/failure-modes.md", "../../docs/operations.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, flag := range flagsIn(string(text)) {
			if named++; len(commandsWith(flag)) == 0 {
				t.Errorf("%s names --%s, which no command has", page, flag)
			}
		}
	}
	if named < 50 {
		t.Errorf("only %d flags were found", named)
	}
}

// The test above would see one that does not exist.
func TestFlagsIn(t *testing.T) {
	for text, want := range map[string][]string{
		"use --namespace a, or --app": {"namespace", "app"},
		"--plan":                      {"plan"},
		"`--yes`":                     {"yes"},
		"name it: kubectl patch configmap x --type merge": nil,
		"a -- b, x--y": nil,
		"vault kv metadata put --x; then\nuse --apply": {"apply"},
	} {
		if got := flagsIn(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := commandsWith("plan-of-nobody"); len(got) > 0 {
		t.Errorf("commands are %q", got)
	}
	if got := commandsWith("max-age"); !slices.Equal(got, []string{"rotate"}) {
		t.Errorf("commands are %q", got)
	}
}
