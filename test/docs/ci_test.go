package docs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/test/docs"
)

// checkWorkflow says what keeps a workflow of GitHub Actions from pushing with a token of its own.
func checkWorkflow(workflow docs.Object) error {
	if permissions, _ := workflow["permissions"].(docs.Object); permissions["id-token"] != "write" {
		return fmt.Errorf("the workflow gets no token: permissions are %v", workflow["permissions"])
	}
	jobs, _ := workflow["jobs"].(docs.Object)
	script := []string{}
	for _, job := range jobs {
		job, _ := job.(docs.Object)
		steps, _ := job["steps"].([]any)
		for _, step := range steps {
			step, _ := step.(docs.Object)
			text, _ := step["run"].(string)
			script = append(script, text)
		}
	}
	return checkScript(strings.Join(script, "\n"))
}

// isJob reports whether the object is one job of GitLab.
func isJob(object docs.Object) bool {
	for _, job := range object {
		if job, ok := job.(docs.Object); ok && job["script"] != nil {
			return len(object) == 1
		}
	}
	return false
}

// checkJob says what keeps a job of GitLab from pushing with a token of its own.
func checkJob(object docs.Object) error {
	for _, job := range object {
		job := job.(docs.Object)
		if tokens, _ := job["id_tokens"].(docs.Object); len(tokens) != 1 {
			return fmt.Errorf("the job gets %d tokens", len(tokens))
		}
		script := []string{}
		for _, line := range job["script"].([]any) {
			script = append(script, fmt.Sprint(line))
		}
		return checkScript(strings.Join(script, "\n"))
	}
	return nil
}

// checkScript says what is wrong with what a job runs.
func checkScript(script string) error {
	seen := map[string]int{}
	if err := checkFlags(script, seen); err != nil {
		return err
	}
	if seen["push-image"] != 1 {
		return fmt.Errorf("push-image is run %d times", seen["push-image"])
	}
	return nil
}

// What is wrong with a workflow or a job is found.
func TestCI(t *testing.T) {
	const push = "push-image --source oci:image"
	for text, want := range map[string]string{
		"{permissions: {id-token: write}, jobs: {a: {steps: [{run: " + push + "}]}}}":                 "",
		"{permissions: {contents: read}, jobs: {a: {steps: [{run: " + push + "}]}}}":                  "the workflow gets no token",
		"{permissions: {id-token: write}, jobs: {a: {steps: [{uses: x}]}}}":                           "push-image is run 0 times",
		"{permissions: {id-token: write}, jobs: {a: {steps: [{run: push-image --sauce oci:image}]}}}": "flag provided but not defined: -sauce",
		"{a: {id_tokens: {X: {aud: y}}, script: [" + push + "]}}":                                     "",
		"{a: {script: [" + push + "]}}":                                                               "the job gets 0 tokens",
	} {
		documents, err := docs.Documents(docs.Block{Text: text})
		if err != nil || len(documents) != 1 {
			t.Fatal(documents, err)
		}
		err = check(documents[0])
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
