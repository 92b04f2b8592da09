package docs_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// declared is what a Task, StepAction or Pipeline says of a param, a result or a workspace.
type declared struct{ Name, Description string }

// definition is the part of a Task, StepAction or Pipeline that a console shows to who starts it, and to who reads how it ended.
type definition struct {
	Kind string
	Spec struct{ Params, Results, Workspaces []declared }
}

// jargon are words for which one would have to know registries or this repository from inside.
var jargon = regexp.MustCompile(`(?i)\b(blobs?|manifests?|layout|OCI|overlay Tasks?|Chains|robot|dockerconfig)\b`)

// resultName is how a result is named: in words, as OpenShift's console and tkn print it beside its value. Tekton Chains reads two others.
var resultName = regexp.MustCompile(`^(IMAGE_URL|IMAGE_DIGEST|[a-z]+(-[a-z]+)*)$`)

// checkResult says what keeps the result from being understood where a console shows it: its name, or a description that is
// not one sentence of plain words.
func checkResult(r declared) error {
	text := r.Description
	switch {
	case !resultName.MatchString(r.Name):
		return fmt.Errorf("result %q is not named in words", r.Name)
	case !regexp.MustCompile(`^["A-Z][^.]*\.$`).MatchString(text):
		return fmt.Errorf("result %s: %q is not one sentence", r.Name, text)
	case len(text) > 90:
		return fmt.Errorf("result %s: %q has %d characters", r.Name, text, len(text))
	case jargon.MatchString(text):
		return fmt.Errorf("result %s: %q says %q", r.Name, text, jargon.FindString(text))
	}
	return nil
}

// checkInput says what keeps a param or a workspace from being filled in: no sentence, or a first one that is a page.
func checkInput(input declared) error {
	first, _, _ := strings.Cut(input.Description, ". ")
	switch {
	case !strings.HasSuffix(input.Description, ".") || len(first) < 10:
		return fmt.Errorf("%s: %q is no sentence", input.Name, input.Description)
	case len(first) > 150:
		return fmt.Errorf("%s: its first sentence has %d characters: %q", input.Name, len(first), first)
	}
	return nil
}

// Whoever starts a Pipeline in a console, or reads there how it ended, is told what each field is.
func TestDescriptions(t *testing.T) {
	texts, results, pipelines := map[string]string{}, 0, map[string]int{}
	err := filepath.WalkDir(filepath.Join(root, "tekton"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yaml" {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var d definition
		if err := yaml.Unmarshal(content, &d); err != nil {
			return err
		}
		for _, input := range append(d.Spec.Params, d.Spec.Workspaces...) {
			if err := checkInput(input); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
		pushes := len(d.Spec.Results) > 0 && d.Spec.Results[0].Name == "IMAGE_URL"
		for _, result := range d.Spec.Results {
			results++
			if err := checkResult(result); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			// The same result of a push reads the same wherever it is shown.
			if said, ok := texts[result.Name]; pushes && ok && said != result.Description {
				t.Errorf("%s: result %s is %q, and elsewhere %q", path, result.Name, result.Description, said)
			} else if pushes {
				texts[result.Name] = result.Description
			}
			if d.Kind == "Pipeline" {
				pipelines[result.Name]++
			}
		}
		return nil
	})
	if err != nil || results < 50 {
		t.Fatalf("%d results, %v", results, err)
	}
	for _, name := range []string{"IMAGE_URL", "IMAGE_DIGEST", "image-pinned", "overlay-image", "overlay-branch", "overlay-commit", "overlay-changed"} {
		if pipelines[name] != 4 {
			t.Errorf("%d Pipelines have the result %s", pipelines[name], name)
		}
	}
}

func TestDescriptionsThatSayNothing(t *testing.T) {
	for want, r := range map[string]declared{
		"is not named in words": {"imageRef", "The image that was pushed."},
		"is not one sentence":   {"image", "The image that was pushed. It is not signed."},
		`"" is not one`:         {"image", ""},
		`end" is not one`:       {"image", "The image without an end"},
		"has 91 characters":     {"image", "The image" + strings.Repeat(" a", 40) + "n."},
		`says "blob"`:           {"image", "The digest of the blob."},
	} {
		if err := checkResult(r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", r, err, want)
		}
	}
	for _, input := range []declared{{"tag", ""}, {"tag", "Tag."}, {"tag", "Tag to set"}, {"tag", strings.Repeat("Many words ", 14) + "."}} {
		if checkInput(input) == nil {
			t.Errorf("%+v passes", input)
		}
	}
	if err := checkInput(declared{"tag", "Tag to set. Without one it has none."}); err != nil {
		t.Error(err)
	}
}
