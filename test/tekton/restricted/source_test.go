package restricted

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// makers are the words of Go code that makes a Pod, or what has one made.
var makers = []string{"Pod", "PodSpec", "PodTemplateSpec", "Container", "EphemeralContainer", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob"}

// The programs make no Pod: the controller makes TaskRuns of the Tasks in tekton/, whose Pods Tekton makes, and the tool renders none.
// Code that makes one belongs into the tests above.
func TestProgramsMakeNoPod(t *testing.T) {
	read := 0
	for _, dir := range []string{"cmd", "pkg"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			read++
			for _, maker := range made(t, path, nil) {
				t.Errorf("%s makes a %s", path, maker)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if read < 200 {
		t.Errorf("only %d files were read", read)
	}
}

// made returns the makers that the Go file at path, or with the source given, has literals of.
func made(t *testing.T, path string, source any) (found []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(node ast.Node) bool {
		literal, ok := node.(*ast.CompositeLit)
		if !ok {
			return true
		}
		element := literal.Type
		if array, ok := element.(*ast.ArrayType); ok {
			element = array.Elt
		}
		if typed, ok := element.(*ast.SelectorExpr); ok && slices.Contains(makers, typed.Sel.Name) {
			if of, ok := typed.X.(*ast.Ident); ok && slices.Contains([]string{"corev1", "appsv1", "batchv1"}, of.Name) {
				found = append(found, typed.Sel.Name)
			}
		}
		return true
	})
	return found
}

func TestMakersAreSeen(t *testing.T) {
	for source, want := range map[string][]string{
		`&corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "x"}}}}`: {"Pod", "PodSpec", "Container"},
		`batchv1.Job{}`:                            {"Job"},
		`metav1.ListOptions{}`:                     nil,
		`corev1.Secret{}`:                          nil,
		`tenant.Pod{Name: "no Kubernetes at all"}`: nil,
	} {
		if got := made(t, "source.go", "package p\nvar x = "+source); !slices.Equal(got, want) {
			t.Errorf("%s makes %q, want %q", source, got, want)
		}
	}
}
