package docs

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	const fence = "```"
	got, err := parse("a.md", "# A\n"+fence+"sh\nmake x\n"+fence+"\ntext\n\n"+fence+"\nplain\n"+fence+"\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []Block{{"a.md", 2, "sh", "make x\n"}, {"a.md", 7, "", "plain\n"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for text, says := range map[string]string{
		fence + "sh\nmake":                      "not closed",
		"* a\n  " + fence + "sh\n  x\n" + fence: "a.md:2",
	} {
		if _, err := parse("a.md", text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}

// Part of a pipeline gets what it refers to, and nothing that it has.
func TestPipeline(t *testing.T) {
	documents, err := Documents(Block{Text: `
- name: push
  runAfter: [build]
  taskRef: {kind: PushImage}
  params: [{name: tag, value: $(tasks.clone.results.commit)}]
- name: next
  runAfter: [push]
  taskRef: {name: x}
`})
	if err != nil || len(documents) != 1 {
		t.Fatal(documents, err)
	}
	pipeline, ok := Pipeline(documents[0])
	if !ok {
		t.Fatal("it is not taken for a part of a pipeline")
	}
	var names []string
	for _, task := range pipeline["spec"].(Object)["tasks"].([]any) {
		names = append(names, task.(Object)["name"].(string))
	}
	if diff := cmp.Diff([]string{"push", "next", "clone", "build"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, other := range []any{[]any{"a"}, Object{"kind": "Task"}, "text"} {
		if _, ok := Pipeline(other); ok {
			t.Errorf("%v is taken for a Pipeline", other)
		}
	}
}
