package bundle

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	content := []byte("# A comment.\napiVersion: tekton.dev/v1beta1\nkind: StepAction\nmetadata:\n  name: push\n  labels: {app.kubernetes.io/version: \"0.1\"}\n")
	got, err := Parse("a/b.yaml", content)
	if err != nil {
		t.Fatal(err)
	}
	want := Object{File: "a/b.yaml", APIVersion: "tekton.dev/v1beta1", Kind: "StepAction", Name: "push", Version: "0.1", Content: content}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseRefuses(t *testing.T) {
	for content, want := range map[string]string{
		"":     "EOF",
		"a: [": "yaml",
		"apiVersion: tekton.dev/v1\nkind: TaskRun\nmetadata: {name: a}\n":      `kind "TaskRun"`,
		"apiVersion: tekton.dev/v1\nkind: task\nmetadata: {name: a}\n":         `kind "task"`,
		"apiVersion: example.com/v1\nkind: Task\nmetadata: {name: a}\n":        `"example.com/v1"`,
		"apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {generateName: a}\n": "no metadata.name",
		task("a", "") + "---\n" + task("b", ""):                                "more than one YAML document",
		task("a", "ko://example.com/cmd/a"):                                    "ko://example.com/cmd/a is not resolved",
	} {
		got, err := Parse("dir/file.yaml", []byte(content))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `"dir/file.yaml"`) {
			t.Errorf("%q: %v, %v; want an error with %q and the file", content, got.Name, err, want)
		}
	}
}

// task is the YAML of a Task with one step.
func task(name, image string) string {
	return "apiVersion: tekton.dev/v1\nkind: Task\nmetadata:\n  name: " + name + "\nspec:\n  steps:\n    - image: " + image + "\n"
}
