package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var (
	programs = regexp.MustCompile(`tkn[ -]quay((?: [a-z]+)*)|\b(?:kubectl|ko apply|vault|openssl|push-image|update-overlay|go|git|make|oc|skopeo)\b`)
	flagged  = regexp.MustCompile(`--[a-z][a-z-]*[a-z]`)
)

// unknownFlags are the flags in a text that the program they are said of does not have; one that is said of no program is said of any
// command of ours.
func unknownFlags(root *cobra.Command, text string) (unknown []string) {
	for _, at := range flagged.FindAllStringIndex(text, -1) {
		flag, before := text[at[0]:at[1]], text[:at[0]]
		before = before[strings.LastIndexAny(before, ";\n")+1:]
		cmd, ours := root, true
		if said := programs.FindAllStringSubmatch(before, -1); said != nil {
			last := said[len(said)-1]
			ours = strings.HasPrefix(last[0], "tkn")
			if found, _, err := root.Find(strings.Fields(last[1])); err == nil {
				cmd = found
			}
		}
		if ours && !hasFlag(cmd, flag[2:]) {
			unknown = append(unknown, cmd.CommandPath()+" "+flag)
		}
	}
	return unknown
}

// hasFlag reports whether the command has the flag; a group of commands has those of all of them.
func hasFlag(cmd *cobra.Command, name string) bool {
	if name == "help" || name == "version" || cmd.Flag(name) != nil || cmd.InheritedFlags().Lookup(name) != nil {
		return true
	}
	for _, child := range cmd.Commands() {
		if hasFlag(child, name) {
			return true
		}
	}
	return false
}

func TestUnknownFlags(t *testing.T) {
	root := New().newRoot()
	for text, want := range map[string]string{
		"see tkn quay leak --since 1h --dry-run": "", "see tkn quay leak --division-of": "tkn quay leak --division-of",
		"use --quay-url or --quay-uri": "tkn quay --quay-uri", "kubectl get x --namespace y --output yaml": "",
		"kubectl get x --output y; then --frobnicate": "tkn quay --frobnicate", "tkn-quay overlay set x --to y": "tkn quay overlay set --to",
	} {
		if got := strings.Join(unknownFlags(root, text), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// Every flag that an error, a next step, a help or a page names exists.
func TestNamedFlagsExist(t *testing.T) {
	root, texts := New().newRoot(), 0
	for _, dir := range []string{".", "../robot", "../overlay", "../onboard", "../vault", "../quay"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
					text, err := strconv.Unquote(literal.Value)
					if err != nil {
						t.Fatal(err)
					}
					texts++
					for _, flag := range unknownFlags(root, text) {
						t.Errorf("%s names %s: %q", name, flag, text)
					}
				}
				return true
			})
		}
	}
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) == 0 || texts < 100 {
		t.Fatalf("%d pages, %d texts: %v", len(pages), texts, err)
	}
	for _, name := range append(pages, "../../README.md") {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		// On a page, what is code begins with the program's name.
		for _, code := range regexp.MustCompile("tkn[ -]quay [^`|\n]*").FindAllString(strings.ReplaceAll(string(data), "\\\n", " "), -1) {
			for _, flag := range unknownFlags(root, code) {
				t.Errorf("%s names %s: %q", name, flag, code)
			}
		}
	}
}
