// Package nexttest finds the next steps that source code holds, so that a test can show that each of them is told to somebody.
package nexttest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Check fails the test for each next step in the files that seen does not have.
func Check(t testing.TB, seen []string, files ...string) {
	t.Helper()
	all := 0
	for _, file := range files {
		found := steps(t, file)
		all += len(found)
		for _, step := range found {
			pattern := regexp.MustCompile("^(?s:" + step.pattern + ")$")
			shown := false
			for _, s := range seen {
				shown = shown || pattern.MatchString(s)
			}
			if !shown {
				t.Errorf("%s: no cause leads to the next step %q", step.position, step.pattern)
			}
		}
	}
	if all == 0 {
		t.Errorf("%q have no next step", files)
	}
}

// Sources lists the files of the package in the working directory, without its tests.
func Sources(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(files, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
}

// step is a next step in source code; what is computed is .* in its pattern.
type step struct {
	position token.Position
	pattern  string
}

// argument is where functions take the next step.
var argument = map[string]int{"refuse": 1, "add": 1, "usageError": 0, "usagef": 0, "tooLarge": 0, "failed": 1}

// steps finds the next steps of a file: arguments, fields, results and variables of that name.
func steps(t testing.TB, file string) []step {
	t.Helper()
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []step
	take := func(e ast.Expr) {
		if p := pattern(e); strings.ReplaceAll(p, ".*", "") != "" {
			found = append(found, step{set.Position(e.Pos()), p})
		}
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if at, ok := argument[name(n.Fun)]; ok && len(n.Args) > at+1 {
				take(n.Args[at])
			}
		case *ast.KeyValueExpr:
			if isNext(n.Key) {
				take(n.Value)
			}
		case *ast.CompositeLit:
			if kind := name(n.Type); (kind == "Refusal" || kind == "failure") && len(n.Elts) == 3 {
				if _, keyed := n.Elts[2].(*ast.KeyValueExpr); !keyed {
					take(n.Elts[2])
				}
			}
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				if isNext(left) && len(n.Rhs) == len(n.Lhs) {
					take(n.Rhs[i])
				}
			}
		case *ast.ValueSpec:
			for i, left := range n.Names {
				if isNext(left) && i < len(n.Values) {
					take(n.Values[i])
				}
			}
		case *ast.FuncDecl:
			if strings.HasPrefix(n.Name.Name, "next") {
				ast.Inspect(n, func(n ast.Node) bool {
					if r, ok := n.(*ast.ReturnStmt); ok && len(r.Results) == 1 {
						take(r.Results[0])
					}
					return true
				})
			}
		}
		return true
	})
	return found
}

// name is that of a function, a method or a type.
func name(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

func isNext(e ast.Expr) bool {
	n := name(e)
	return n == "next" || strings.HasSuffix(n, "Next")
}

var verb = regexp.MustCompile(`%[a-z]`)

// pattern is a regular expression for the texts that an expression may be.
func pattern(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil {
			return regexp.QuoteMeta(text)
		}
	case *ast.BinaryExpr:
		return pattern(e.X) + pattern(e.Y)
	case *ast.CallExpr:
		if name(e.Fun) == "Sprintf" {
			return verb.ReplaceAllString(pattern(e.Args[0]), ".*")
		}
	}
	return ".*"
}
